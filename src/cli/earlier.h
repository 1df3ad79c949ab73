/* What earlier sessions of a run directory have done, seen beside the list before anything runs. */
#ifndef CLI_EARLIER_H
#define CLI_EARLIER_H

struct err;
struct plan;

/*
 * Sets plan->session, and plan->resume with --resume. A task that would write a file of one that is
 * done is an error, and so is one that would have its number where that is in the command (which
 * may name files with it), directory, input or variables: all tasks are looked at, of a pipe as
 * many as the journals know, of a source without end EARLIER_AHEAD more. -1 with ERR.
 */
int earlier_load(struct plan *plan, struct err *err);

#define EARLIER_AHEAD 10000000

#endif
