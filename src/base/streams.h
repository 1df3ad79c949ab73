/*
 * Standard output and standard error in turns, for a launcher that mixes them: it takes a line
 * which has not ended when it reads for the beginning of what the same process writes to the other
 * one. So the other one is written to only at the end of a line, and once the launcher has had time
 * to read that. Where streams_alternate() was not called, each may be written to at any time.
 */
#ifndef BASE_STREAMS_H
#define BASE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be called first of all, for a launcher that mixes unless it was told not to; what
 * streams_keep() has kept is written as the process exits. */
void streams_alternate(void);

/* Is FD one of two that take turns? */
bool streams_is_one(int fd);

/* Is it FD's turn? If not, FD waits for it until streams_wrote() is told that it had it. */
bool streams_may_write(int fd);

/* Was written to, to the end of a line or not. */
void streams_wrote(int fd, bool in_line);

/* Waits for FD's turn, some milliseconds at most: for messages, which are few. */
void streams_wait(int fd);

/* When the turn of whoever waits comes; CLOCK_NEVER: nobody does, or not by time alone. */
int64_t streams_due_ns(void);

/* The beginning of a line, to be written when the process exits. */
void streams_keep(int fd, const char *data, size_t len);

#endif
