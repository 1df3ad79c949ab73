/*
 * Where the tasks of a run come from: a list, or a command template and rows of values. What
 * belongs to each task (directory, input, variables, output files, tag) is filled in here, from
 * templates of the options; what a list's directives say goes before them.
 */
#ifndef TASKS_SOURCE_H
#define TASKS_SOURCE_H

#include "tasks/pattern.h"
#include "tasks/rows.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct source;

/* Not owned; it must outlive the source. Templates that are NULL are not given. */
struct source_options {
	const char *list;	  /* a task list, or */
	bool list_as_is;	  /* see list_open() */
	const char *const *words; /* a command template */
	size_t nwords;
	bool argv;		  /* several words are just those of the program */
	struct rows_options rows; /* what it is filled with */
	const char *spool_dir;	  /* to keep there what comes from a pipe, for source_rewind() */
	const char *cwd, *input, *out, *err, *tag;
	const char *const *env; /* NAME=TEMPLATE each */
	size_t nenv;
	struct pattern_files files;	/* of an array's elements, in place of OUT and ERR */
	int cpus;			/* cores of each, which an array's are told */
	uint32_t timeout_ms;		/* of each attempt; 0: none */
	const char *shell;		/* of all tasks; NULL: as they need */
	void (*tell)(const char *text); /* of the first task that needs bash; NULL: nobody */
};

/* NULL with ERR: a file that cannot be read, a bad shell, template, sweep or list (as far as it is
 * checked ahead), {0#} where the number of tasks cannot be known. */
struct source *source_open(const struct source_options *options, struct err *err);
void source_free(struct source *source);

enum next source_next(struct source *source, struct task **task, struct err *err);

/* -1 with ERR if the list is a file that has changed since it was opened. */
int source_check(const struct source *source, struct err *err);

/* Back to the first task. -1 with ERR: a pipe without SPOOL_DIR. */
int source_rewind(struct source *source, struct err *err);

/* What to poll for reading after NEXT_WAIT; -1 if it never waits. */
int source_fd(const struct source *source);

/* The number of tasks where it is known without reading on: from the start for arguments, sweeps,
 * arrays and small files, for others once NEXT_END was returned; 0 while unknown. */
uint64_t source_count(const struct source *source);

/* Once NEXT_END has come and not one task before it: why, a new string; NULL: its list is empty. */
char *source_why_none(const struct source *source);

/* About how many tasks are still to come. */
uint64_t source_remaining(const struct source *source);

/* How many tasks may run at a time (an array's %LIMIT); 0: no limit. */
uint64_t source_limit(const struct source *source);

/* True if a task's number is in its command, directory, input or variables. */
bool source_is_numbered(const struct source *source);

/* True if a list's directives set output files. */
bool source_has_files(const struct source *source);

/* True if no two tasks can have the same output file: their templates tell the index. */
bool source_files_differ(const struct source *source);

#endif
