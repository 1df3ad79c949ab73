/*
 * Rows from arguments, files, tables, sweeps and job arrays. Inputs make the product of their rows,
 * the rightmost fastest; a linked one goes along with the input before it, row by row, and ends
 * with the shorter of them, as GNU parallel's do. Everything is lazy: the leftmost input is read as
 * rows are asked for, and may be a pipe; files further right are read whole at the start; sweeps
 * and arrays are computed.
 */
#ifndef TASKS_ROWS_H
#define TASKS_ROWS_H

#include "tasks/row.h"

#include <stdbool.h>

struct buf;
struct err;
struct rows;

enum rows_input_kind {
	INPUT_ARGUMENTS, /* ::: VALUE... */
	INPUT_FILE,	 /* -a FILE, :::: FILE, "-": standard input; a value a line, or a table */
	INPUT_SWEEP,	 /* --sweep NAME=VALUES */
	INPUT_ARRAY,	 /* --array SPEC */
};

struct rows_input {
	enum rows_input_kind kind;
	bool linked;	  /* with the one before it (:::+ ::::+, or a sweep under --zip) */
	const char *text; /* path, sweep or array; not for INPUT_ARGUMENTS */
	char *const *arguments;
	size_t narguments;
};

/* What the rows of files are: lines, or of a table, by the character between its columns. */
enum { ROWS_LINES = '\0', ROWS_CSV = ',', ROWS_TSV = '\t' };

/* Options, not owned; they must outlive the rows. */
struct rows_options {
	const struct rows_input *inputs;
	size_t ninputs;
	char format;	       /* ROWS_LINES, or the character between columns */
	bool header;	       /* the first line (of a table: row) of each file names its columns */
	const char *where;     /* an expression that rows must meet; NULL: all */
	const char *spool_dir; /* as for lines_open(): NULL if rows_rewind() will not be called */
};

/* NULL with ERR, which names file, line and column, or the option and the place in it. */
struct rows *rows_open(const struct rows_options *options, struct err *err);
void rows_free(struct rows *rows);

const struct columns *rows_columns(const struct rows *rows);

/* NEXT_AGAIN: the filter has turned down many in a row. */
enum next rows_next(struct rows *rows, struct row *row, struct err *err);
int rows_rewind(struct rows *rows, struct err *err);

int rows_fd(const struct rows *rows); /* to poll after NEXT_WAIT; -1: never waits */

/* How many rows there are in all, where that is known without reading more: products of arguments,
 * sweeps, arrays and small files without a filter, or all once NEXT_END was returned. 0: unknown.
 */
uint64_t rows_count(const struct rows *rows);

/* Once NEXT_END has come and not one row before it: appends why. */
void rows_tell_why_none(const struct rows *rows, struct buf *buf);

/* About how many are still to come. */
uint64_t rows_remaining(const struct rows *rows);

#endif
