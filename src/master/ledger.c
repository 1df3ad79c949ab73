/* Two bits a task. */
#include "master/ledger.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void
ledger_set(struct ledger *ledger, uint64_t index, enum ledger_state state)
{
	size_t byte = (size_t)(index / 4);
	unsigned shift = (unsigned)(index % 4 * 2);
	if (byte >= ledger->room) {
		size_t room = 2 * byte + 1024;
		ledger->bits = xrealloc(ledger->bits, room);
		memset(ledger->bits + ledger->room, 0, room - ledger->room);
		ledger->room = room;
	}
	unsigned kept = ledger->bits[byte] & ~(3u << shift);
	ledger->bits[byte] = (unsigned char)(kept | (unsigned)state << shift);
}

enum ledger_state
ledger_get(const struct ledger *ledger, uint64_t index)
{
	size_t byte = (size_t)(index / 4);
	if (byte >= ledger->room)
		return LEDGER_OPEN;
	return (enum ledger_state)(ledger->bits[byte] >> (index % 4 * 2) & 3);
}

uint64_t
ledger_end(const struct ledger *ledger)
{
	return 4 * (uint64_t)ledger->room;
}

void
ledger_clear(struct ledger *ledger)
{
	free(ledger->bits);
	*ledger = (struct ledger){0};
}
