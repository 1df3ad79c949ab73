/* Lengths of time as people write them. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

#define DURATION_EXPECTED "a time such as 90, 1.5s, 10m, 1h30m or 2d"

/* "90" and "1.5s" are seconds; d, h, m, s may follow each other. Returns 0 with *MS, at least 1, or
 * -1. At most 49 days. */
int duration_parse(const char *text, uint32_t *ms);

#endif
