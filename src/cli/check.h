/*
 * --check: what is suspicious about tasks, one line each, without running anything:
 *
 *   FILE:LINE:COLUMN: warning: TEXT      (or "error:"; "task N:COLUMN: ..." for a task of no line)
 *
 * An error is what sh refuses: a quote, parenthesis or reserved word without its other half.
 * Warnings are a command that is not found, an input file or the directory of an output file that
 * does not exist, several tasks that write one file, equal tasks, here-documents without lines, and
 * carriage returns; in an array's script names of files made of SLURM_JOB_ID alone, at
 * "SCRIPT:LINE:COLUMN". Columns count in the command, from 1, in bytes; what belongs to the task
 * and is not in its command is at column 1.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

struct buf;
struct check;
struct task;

/* NAME is the task list's, NULL if there is none; it must outlive the check. */
struct check *check_new(const char *name);

/* Appends what there is to say of the task. Remembers it in 14 to 21 bytes, and as many for each
 * file it writes. */
void check_task(struct check *check, const struct task *task, struct buf *report);

/* Appends what there is to say of an array's script: names that are the same for all elements. */
void check_script(struct check *check, const char *path, struct buf *report);

/* Appends "N tasks, N warnings, N errors", and frees CHECK. Returns the exit code: 0, 1 if there
 * was a warning, 2 if an error. */
int check_end(struct check *check, struct buf *report);

#endif
