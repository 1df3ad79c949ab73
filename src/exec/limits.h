/* Which limit keeps this process from making another one. */
#ifndef EXEC_LIMITS_H
#define EXEC_LIMITS_H

#include <stddef.h>

/* Fills ROOM with a sentence that names the limit that is reached, as far as can be seen: pids.max
 * of this process's cgroup or one above it (cgroups(7), version 1 and 2), or RLIMIT_NPROC. */
void limits_on_processes(char *room, size_t size);

#endif
