/* Output files of tasks: no two may have the same. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

struct err;
struct source;

/* Looks through all tasks, or a thousand if {#} is in their templates, and goes back to the first.
 * -1 with ERR, which names the file and both tasks; or says that {#} is needed where the tasks
 * cannot be looked through: a pipe, or more than PATHS_MAX of them. */
int paths_check(struct source *source, struct err *err);

#define PATHS_MAX 10000000

#endif
