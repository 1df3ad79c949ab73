/*
 * Messages to the user on standard error: one line each, built whole and written with one write,
 * "mpbatch: " (or "mpbatch[RANK]: " under a launcher) in front, control characters made visible.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* Before anything is opened: closed standard descriptors get something in their place, lest
 * messages and outputs go elsewhere. RANK < 0: no launcher. QUIET drops everything but errors. */
void log_init(int rank, bool quiet);

/* What die() calls between its message and exit(), e.g. to take an MPI job down; NULL: nothing. */
void log_on_die(void (*hook)(int status));

/* While a run goes on, between the two, no message waits for whoever reads standard error: what
 * that does not take now is kept, up to 64 KiB, and written by log_flush(). log_block() waits. */
void log_unblock(void);
void log_block(void);

/* Writes what is kept as far as it is taken; false if some is left. To be called again soon then.
 */
bool log_flush(void);

/* Puts TEXT, as it is, among the messages. */
void log_text(const char *text, unsigned long len);

/* Called before each line, so that a progress line can be wiped first; NULL: nothing. */
void log_before_line(void (*hook)(void));

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the error and exits with STATUS: for start-up code and out of memory only. */
void die(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* malloc, calloc, realloc and strdup that die() when there is no memory; the caller frees. */
void *xmalloc(unsigned long bytes);
void *xcalloc(unsigned long count, unsigned long bytes);
void *xrealloc(void *old, unsigned long bytes);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
