/*
 * Reading a journal (docs/JOURNAL.md), columns found by name. A line that is torn or damaged (its
 * sum does not match) is no record: it is counted and passed over.
 */
#ifndef RUN_READER_H
#define RUN_READER_H

#include "tasks/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct reader;

/* A record as it was written. Strings are borrowed until the next is read, escaped as in the file,
 * not ended by NUL. */
struct reader_text {
	const char *text;
	size_t len;
};

struct reader_record {
	int session;
	struct result result; /* index, attempt, reason, via, exit_code, signal, times, bytes,
				 strays; out, err NULL */
	bool has_exit;	      /* how it ended is known */
	int rank, slot;
	uint64_t id;
	bool stored; /* its output is in the store: */
	struct reader_text store_name;
	struct reader_text host, cores, command;
	struct reader_text out, err; /* its files, "-": none; empty: the journal does not tell */
	struct reader_text element;  /* of an array; empty: none */
	uint64_t stored_at, stored_sum;
};

/* NULL with ERR: cannot be read, or is no journal of a version we know, or its header is damaged. A
 * file that ends within the two head lines is an empty journal. */
struct reader *reader_open(const char *path, struct err *err);
void reader_free(struct reader *reader);

/* 1: RECORD is filled; 0: the end, for now (a journal that is being written may be read on later);
 * -1 with ERR: the file cannot be read. */
int reader_next(struct reader *reader, struct reader_record *record, struct err *err);

/* Of the results in what follows only index, attempt, reason, bytes and store are filled: it is
 * twice as fast. */
void reader_be_brief(struct reader *reader);

/* Damaged lines so far, the first one's number, and whether the file ends in a torn line. */
uint64_t reader_damaged(const struct reader *reader, uint64_t *first_line);
bool reader_torn(const struct reader *reader);

/* Appends TEXT with record_escape()'s escapes undone. */
void reader_unescape(struct buf *buf, const char *text, size_t len);

/* The numbers of the sessions that have a journal in RUN_DIR, ascending, a new array of *COUNT. */
int *reader_sessions(const char *run_dir, size_t *count);

#endif
