/* Time: monotonic nanoseconds for everything that waits, Unix microseconds for what is recorded. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX

/* CLOCK_MONOTONIC, in nanoseconds. */
int64_t clock_now_ns(void);

/* CLOCK_REALTIME, in microseconds since 1970. */
int64_t clock_unix_us(void);

#endif
