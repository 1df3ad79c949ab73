/* How tasks ended, in the words of progress, summary, status and report. */
#ifndef UI_OUTCOMES_H
#define UI_OUTCOMES_H

#include "tasks/result.h"

#include <stdint.h>

struct buf;

/* How many failed: ended neither with RESULT_OK nor with RESULT_CANCELLED. */
uint64_t outcomes_failed(const uint64_t by_reason[RESULT_REASONS]);

/* Appends why, as " (2 by exit code, 1 lost)"; nothing where exit codes say all of it. */
void outcomes_print_why(struct buf *buf, const uint64_t by_reason[RESULT_REASONS]);

/* Appends "8 succeeded, 3 failed (2 by exit code, 1 lost), 1 cancelled"; no more than the first
 * where there are no others. */
void outcomes_print(struct buf *buf, const uint64_t by_reason[RESULT_REASONS]);

#endif
