/*
 * Lines of a file, or of a pipe or standard input as they arrive, a block at a time. Nothing
 * blocks: a pipe with nothing to read says NEXT_WAIT. A regular file that changes while it is read
 * (size, time, another inode in its place) is an error.
 */
#ifndef TASKS_LINES_H
#define TASKS_LINES_H

#include "tasks/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct lines;

#define LINES_AHEAD_BYTES (1L << 20) /* 4 ms; 8 MiB took 32 (measured) */

/* Opens PATH, "-" being standard input. NULL with ERR, which names it, if it cannot be read or is a
 * directory. With SPOOL_DIR (else NULL) what comes from a pipe is also kept in an unlinked file
 * there, so that lines_rewind() works; a regular file needs none. */
struct lines *lines_open(const char *path, const char *spool_dir, struct err *err);
void lines_free(struct lines *lines);

/* The next line without its LF, borrowed until the next call; a last line without LF is one too. A
 * NUL byte in it is an error that names file, line and column. */
enum next lines_next(struct lines *lines, const char **line, size_t *len, struct err *err);

/* How long the byte order mark is that LINE NUMBER begins with, as some editors put it there; 0:
 * none. */
size_t lines_mark(uint64_t number, const char *line, size_t len);

/* Of a regular file: its first LINES_AHEAD_BYTES (fewer if it is shorter; WHOLE then), without
 * taking anything; LEN 0 for others. For checking and counting before the start. */
int lines_ahead(struct lines *lines, const char **data, size_t *len, bool *whole, struct err *err);

/* -1 with ERR for a regular file that has changed since it was opened. */
int lines_check(const struct lines *lines, struct err *err);

/* Back to the first line. -1 with ERR for a pipe that was not spooled. A pipe's spool is read
 * first, then what still comes. */
int lines_rewind(struct lines *lines, struct err *err);

int lines_fd(const struct lines *lines);	    /* to poll after NEXT_WAIT; -1: never waits */
const char *lines_name(const struct lines *lines);  /* as messages name it */
uint64_t lines_number(const struct lines *lines);   /* of the line given last, from 1 */
bool lines_are_seekable(const struct lines *lines); /* a regular file: its size is known */

/* Lines still to come: from the bytes left and the mean line so far for a file, for a pipe the
 * whole lines that are here already. */
uint64_t lines_remaining(const struct lines *lines);

#endif
