/* What those who watch a run are told. */
#ifndef MASTER_SNAPSHOT_H
#define MASTER_SNAPSHOT_H

#include <stdint.h>

struct master;
struct status;

/* Where the run stands; status_clear() frees. */
void master_status(const struct master *master, struct status *status);

/* A snapshot for the journal's thread, once a second while something happens, else every
 * STATUS_BEAT_S. */
void master_snapshot(struct master *master, int64_t now_ns);
int64_t master_snapshot_due_ns(const struct master *master);

#endif
