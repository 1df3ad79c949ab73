/* Whether a run keeps a run directory, and which: the one that --run-dir or the list names; without
 * these, one by default under a launcher and in a batch job (run/unnamed.h). */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct options;
struct plan;
struct plan_start;

/* Will it keep one? */
bool keep_wanted(const struct options *options, const struct plan_start *start);

/* What the tasks are made from, as a number: options that tell how they run have no part in it. 0:
 * what comes from a pipe cannot be told. */
uint64_t keep_what(const struct options *options);

/* Its path where that is known by name, a new string; NULL: it is not, or none is kept. */
char *keep_named(const struct options *options);

/* Opens it, if one is kept: fills run_dir and lock of PLAN. -1 with ERR. */
int keep_open(struct plan *plan, const struct plan_start *start, struct err *err);

/* Takes back what the first session of PLAN has written there, after a run that had no task and is
 * an error: plan_clear() then removes what is left, as where a run is refused. */
void keep_nothing(const struct plan *plan);

/* What the closing lines are to say of it after a run that ended with CODE, a new string; NULL:
 * nothing. */
char *keep_hint(const struct plan *plan, int code);

#endif
