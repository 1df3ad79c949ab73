/*
 * What tells that a file is no task list: a script given as one would have each of its lines run,
 * side by side. And comments that are meant to be directives, but are none.
 */
#ifndef TASKS_FOREIGN_H
#define TASKS_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* Looks at a line of the list PATH, which messages call NAME, its byte order mark taken off. 0: it
 * may be of a list; -1 with ERR, which says where it is, what it is and what to write instead. */
int foreign_check(const char *path, const char *name, uint64_t number, const char *line, size_t len,
	struct err *err);

#endif
