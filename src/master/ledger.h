/* What became of each task, two bits a task: for the lists that are written at the end. */
#ifndef MASTER_LEDGER_H
#define MASTER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

enum ledger_state { LEDGER_OPEN, LEDGER_SUCCEEDED, LEDGER_FAILED };

/* Zero-initialised: all are open. */
struct ledger {
	unsigned char *bits;
	size_t room; /* bytes */
};

void ledger_set(struct ledger *ledger, uint64_t index, enum ledger_state state);
enum ledger_state ledger_get(const struct ledger *ledger, uint64_t index);
uint64_t ledger_end(const struct ledger *ledger); /* all from this index on are open */
void ledger_clear(struct ledger *ledger);

#endif
