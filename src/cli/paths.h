/* Output files of tasks: no two may have the same, nor may one have that of a task that is done, or
 * an input of the run. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

struct err;
struct inputs;
struct paths;
struct source;
struct task;

/* Looks through all tasks, or a thousand if {#} is in their templates, and goes back to the first.
 * -1 with ERR, which names the file and both tasks, or the task if the file is one of INPUTS or its
 * own input; or says that {#} is needed where the tasks cannot be looked through: a pipe, or more
 * than PATHS_MAX of them. */
int paths_check(struct source *source, const struct inputs *inputs, struct err *err);

/* The files that tasks of RUN_DIR's sessions have written which are done, wherever these tasks
 * stand now. NULL with ERR. */
struct paths *paths_of_done(const char *run_dir, struct err *err);
void paths_free(struct paths *paths);

/* -1 with ERR, which names both tasks and the file, if TASK would write one of them. */
int paths_check_task(struct paths *paths, const struct task *task, struct err *err);

#define PATHS_MAX 10000000

#endif
