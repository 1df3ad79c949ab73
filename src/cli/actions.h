/* What mpbatch does instead of a run: --count, --dry-run and --check. */
#ifndef CLI_ACTIONS_H
#define CLI_ACTIONS_H

struct err;
struct options;

/* Does what OPTIONS->action says, on standard output, without running anything. Returns the exit
 * code, 4 if that cannot be written, or -1 with ERR. */
int actions_do(const struct options *options, struct err *err);

#endif
