/* Binding this process, and reading back what it got: plain sched_setaffinity(2), cheap enough for
 * the executor. */
#ifndef PLACE_BIND_H
#define PLACE_BIND_H

#include "base/cpus.h"

/* Binds the calling thread to the set. Returns 0, or -1 with errno. */
int bind_to(const struct cpus *cpus);

/* The mask as the kernel has it now. */
struct cpus bind_current(void);

#endif
