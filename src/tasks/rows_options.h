/* What rows are made from, for rows.h and the inputs behind it. */
#ifndef TASKS_ROWS_OPTIONS_H
#define TASKS_ROWS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
