/*
 * What only bash understands, in a command line. Quotes, comments and here-documents are followed
 * as a shell does: what means nothing where it stands does not count. Where bash and another shell
 * both understand a line nothing is found, though they may differ in what they make of it.
 */
#ifndef TASKS_BASHISM_H
#define TASKS_BASHISM_H

#include <stddef.h>

/* What is set for the command: a variable of bash's own that has another value is none. */
struct bashism_known {
	char *const *exported; /* by bashism_exported() */
	const char *env;       /* NAME=value strings, each ended by NUL */
	size_t env_len;
};

/* The entries of ENVIRONMENT, and of MORE, that count here: functions that bash has exported,
 * variables that it would set. A new array, ended by NULL, for free(). */
char **bashism_exported(char *const *environment, const char *const *more, size_t nmore);

/* Returns the first such thing in TEXT, *FOUND_LEN bytes; NULL: there is none. */
const char *bashism_find(
	const char *text, size_t len, const struct bashism_known *known, size_t *found_len);

#endif
