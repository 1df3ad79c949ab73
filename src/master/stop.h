/* The end of handing out. */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include "master/internal.h"

#include <stdint.h>

/* Nothing more is handed out, because of WHY. */
void master_stop(struct master *master, enum master_stop why);

/* All tasks everywhere are told to end: TERM, and KILL GRACE_MS later. */
void master_kill_all(struct master *master, uint32_t grace_ms);

#endif
