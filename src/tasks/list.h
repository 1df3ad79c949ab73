/*
 * A task list: one shell command a line, from a file or, as it arrives, from standard input. Blank
 * lines and lines whose first non-blank is '#' are skipped; CR before LF and a missing final
 * newline are fine; a line may be of any length.
 *
 * A regular file of up to LIST_AHEAD_BYTES is read and checked whole by list_open(), so that a bad
 * line stops the run before anything runs; a larger one is checked as far as that, then as it is
 * read. Nothing blocks: a pipe with nothing to read says LIST_WAIT.
 */
#ifndef TASKS_LIST_H
#define TASKS_LIST_H

#include <stdint.h>

struct err;
struct list;
struct task;

#define LIST_AHEAD_BYTES (1L << 20) /* 4 ms; 8 MiB took 32 (measured) */

enum list_status {
	LIST_TASK,  /* *TASK is a new task, the caller's */
	LIST_WAIT,  /* nothing now: wait until list_fd() is readable */
	LIST_END,   /* no more tasks, now and ever after */
	LIST_ERROR, /* see ERR: a NUL byte, a failed read, a list that changed while it was read */
};

/* Opens PATH, "-" being standard input. Returns NULL with ERR, which names path and line, if it
 * cannot be read, is a directory, or has a NUL byte in the part that is checked first. */
struct list *list_open(const char *path, struct err *err);
void list_free(struct list *list);

enum list_status list_next(struct list *list, struct task **task, struct err *err);

/* What to poll for reading after LIST_WAIT; -1 if it never waits (a regular file). */
int list_fd(const struct list *list);

/* The number of tasks where it is known: from the start for a file that was checked whole, for
 * others once LIST_END was returned; 0 while unknown. An empty list: 0, and LIST_END at once. */
uint64_t list_count(const struct list *list);

/* About how many tasks are still to come: exact where list_count() is, from the bytes left and the
 * mean line so far for a larger file; for a pipe the complete lines that are here already. */
uint64_t list_remaining(const struct list *list);

#endif
