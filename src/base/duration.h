/* Lengths of time as people write them. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

#define DURATION_EXPECTED                                                                          \
	"a time such as 90 (seconds), 1.5s, 10m, 1h30m, 90:00 (minutes), 01:30:00 or 2-12 (days "  \
	"and hours)"

/* "90" and "1.5s" are seconds; d, h, m, s may follow each other. As in Slurm "90:00" is 90 minutes,
 * "01:30:00" hours, "1-12", "1-12:30" and "1-12:30:15" days and hours. NULL with *MS, at least 1,
 * or what was expected: DURATION_EXPECTED, or a unit. At most 49 days. */
const char *duration_parse(const char *text, uint32_t *ms);

#endif
