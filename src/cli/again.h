/*
 * "mpbatch resume RUN [OPTION]...": the run goes on in the directory it was started in, with the
 * command line and the MPBATCH_* variables of its last session, and the options behind RUN for this
 * session. Every rank reads them.
 */
#ifndef CLI_AGAIN_H
#define CLI_AGAIN_H

#include "cli/options.h"
#include "run/manifest.h"

struct err;

struct again {
	struct manifest_call call;
	char *run_dir; /* absolute */
};

/* Takes "mpbatch resume RUN [OPTION]...", goes to the run's directory and fills LINE, which borrows
 * from AGAIN. Returns 0, or -1 with ERR: on every rank if LINE is no resume then, else perhaps on
 * this one alone, and LINE has only the options behind RUN. Clear also after a failure. */
int again_take(
	struct again *again, int argc, char **argv, struct command_line *line, struct err *err);
void again_clear(struct again *again);

/* What a session's environment says of its tasks, as run.json keeps it: *COUNT of "NAME=VALUE",
 * borrowed; the caller frees the array. */
char **again_variables(size_t *count);

/* The variables that tell the element of a job array around; NULL behind the last. */
extern const char *const again_elements[];

#endif
