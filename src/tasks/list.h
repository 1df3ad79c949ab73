/*
 * A task list: one shell command a line, from a file or, as it arrives, from standard input. Blank
 * lines and lines whose first non-blank is '#' are skipped, but for directives (directive.h); CR
 * before LF, a byte order mark and a missing final newline are fine; a line may be of any length.
 *
 * The first LINES_AHEAD_BYTES of a regular file are checked by list_open(), so that a bad line
 * there stops the run before anything runs; what follows is checked as it is read. Nothing blocks:
 * a pipe with nothing to read says NEXT_WAIT. A script, and another program's list, are bad lists
 * (foreign.h).
 */
#ifndef TASKS_LIST_H
#define TASKS_LIST_H

#include "tasks/row.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct list;
struct shells;
struct task;

/* Opens PATH, "-" being standard input; SPOOL_DIR as for lines_open(). AS_IS: it is a list,
 * whatever foreign_check() says. SHELLS choose for each task, but where NULL. NULL with ERR, which
 * names path, line and column, if it cannot be read, is a directory, or has a NUL byte, a bad
 * directive, what only a missing bash understands, or what is of no list in the part that is
 * checked first. */
struct list *list_open(const char *path, bool as_is, struct shells *shells, const char *spool_dir,
	struct err *err);
void list_free(struct list *list);

/* *TASK is a new task, the caller's. After NEXT_ERROR go back first. */
enum next list_next(struct list *list, struct task **task, struct err *err);

/* See lines_check(). */
int list_check(const struct list *list, struct err *err);

/* Back to the first line; see lines_rewind(). */
int list_rewind(struct list *list, struct err *err);

/* What to poll for reading after NEXT_WAIT; -1 if it never waits (a regular file). */
int list_fd(const struct list *list);

/* True if the part that is checked first sets stdout= or stderr=, which it must if any does: how
 * outputs go is decided before the first task. */
bool list_has_files(const struct list *list);

/* The number of tasks where it is known: from the start for a file that was checked whole, for
 * others once NEXT_END was returned; 0 while unknown. An empty list: 0, and NEXT_END at once. */
uint64_t list_count(const struct list *list);

/* About how many tasks are still to come: exact where list_count() is, else in lines. */
uint64_t list_remaining(const struct list *list);

#endif
