/* What earlier sessions of a run directory have done, seen beside the list before anything runs. */
#ifndef CLI_EARLIER_H
#define CLI_EARLIER_H

struct err;
struct plan;

/*
 * Sets plan->session, and plan->resume with --resume. -1 with ERR if a task would write a file of
 * one that is done; or have its number, where that is in the command (which may name files with
 * it), directory, input or variables; or if the list has nothing of what is done (the last two not
 * with
 * --resume-changed). A warning says what else of it is missing.
 *
 * All tasks are looked at, of a source without end EARLIER_AHEAD more than the journals know, of a
 * pipe only as many: what of it is missing is said at the end of the run, unless
 * plan->gone_is_said.
 */
int earlier_load(struct plan *plan, struct err *err);

#define EARLIER_AHEAD 10000000

#endif
