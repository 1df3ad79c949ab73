/*
 * Directive lines of a task list, "#MPBATCH key=value ...": they set things for the tasks after
 * them, until they are set anew.
 *
 *   timeout=TIME  cwd=DIR  stdin=FILE  stdout=FILE  stderr=FILE  env:NAME=VALUE
 *   prefix=TEXT  suffix=TEXT  shell='PATH [ARG...]'
 *   -env:NAME     takes a variable back; an empty value does so for the other keys
 *   reset         forgets all of them
 *   barrier       everything above ends before anything below starts; "barrier check": and has
 *                 succeeded
 *
 * Values are words as in sh: plain, '...', "..." with \" \\ \n in it, or \ before a character.
 */
#ifndef TASKS_DIRECTIVE_H
#define TASKS_DIRECTIVE_H

#include "base/buf.h"
#include "tasks/task.h"

#include <stdbool.h>

struct err;

/* Zero-initialised: nothing is set. */
struct settings {
	uint32_t timeout_ms;
	char *cwd, *input, *out, *err, *prefix, *suffix, *shell; /* NULL: not set */
	struct buf env;		   /* NAME=value strings, each ended by NUL */
	enum task_barrier barrier; /* for the next task */
};

void settings_clear(struct settings *settings);

/* True if the line (of LEN bytes, without its end) is a directive. */
bool directive_is(const char *line, size_t len);

/* Takes it; the line has no NUL in it. -1 with ERR, which begins with the column: "10: ...". */
int directive_take(struct settings *settings, const char *line, size_t len, struct err *err);

/* Appends VALUE as a word that directive_take() reads back. */
void directive_word(struct buf *buf, const char *value);

#endif
