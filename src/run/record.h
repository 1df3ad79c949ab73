/*
 * The journal's lines (docs/JOURNAL.md): one attempt each, tab-separated, columns found by name.
 */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct result;
struct task;

/* Everything of a line that is not in the task or the result. */
struct record {
	int session;
	const char *host;
	int rank;
	int slot;	       /* 1-based on its host, as the task's MPBATCH_SLOT */
	const char *cores;     /* CPU list, "-" where the slot has not said yet */
	const char *directory; /* where relative paths of its output files begin */
	const struct task *task;
	const struct result *result;
};

/* Appends the version line and the header line. */
void record_header(struct buf *buf);

/*
 * Appends one line. Times in seconds with six decimals, maxrss in KiB, start as Unix time with
 * microseconds; exit is empty where a signal ended it or how it ended is unknown (lost; cancelled
 * and not waited for), 126 or 127 as a shell's where it could not be started; signal is 0 where
 * none did; tab, newline and backslash as \t \n \\, other control bytes as \xNN, other bytes as
 * they are; store is FILE:OFFSET:SUM of a stored output, else "-"; out and err are the task's own
 * output files, absolute, or "-"; id is 16 hexadecimal digits.
 */
void record_append(struct buf *buf, const struct record *record);

/* The last column, 8 hexadecimal digits: of the line up to and with the tab before it. */
uint32_t record_sum(const char *line, size_t len);

/* Appends TEXT escaped as above. */
void record_escape(struct buf *buf, const char *text, unsigned long len);

#endif
