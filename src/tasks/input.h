/*
 * One input of the rows: arguments, a file, a sweep or an array, gone through from its first row to
 * its last, and again. Arguments and sweeps and arrays hold no rows; a file is read as its rows are
 * asked for, or was read whole when it was opened.
 */
#ifndef TASKS_INPUT_H
#define TASKS_INPUT_H

#include "tasks/row.h"
#include "tasks/sweep.h"

#include <stdbool.h>

struct array;
struct err;
struct held;
struct rows_input;
struct rows_options;
struct table;

struct input {
	const struct rows_input *spec;
	size_t ncolumns;
	char **names;		    /* NCOLUMNS of them, NULL for none */
	const struct value *values; /* of the row given last, borrowed until the next */
	size_t nvalues;		    /* of a file's: how many they are */
	uint64_t line;		    /* of its file; 0: it is from none */
	uint64_t at;		    /* rows given */
	uint64_t count;		    /* rows there are, if COUNTED */
	bool counted;
	bool header;  /* the first row names the columns */
	bool pending; /* VALUES and LINE are of the row to be given next */
	struct table *table;
	struct held *held;
	struct sweep *sweep;
	struct array *array;
	struct value value; /* a computed one, or an argument */
	char room[SWEEP_VALUE_MAX];
};

/* A file that does not STREAM is read whole, and a pipe waited for; for a header, and for the
 * number of a table's columns, any is. On failure input_clear() it too. */
int input_open(struct input *input, const struct rows_input *spec,
	const struct rows_options *options, bool streams, struct err *err);
void input_clear(struct input *input);

/* The next row, into VALUES and LINE. Only one that streams waits or fails. */
enum next input_next(struct input *input, struct err *err);
int input_restart(struct input *input, struct err *err);

int input_fd(const struct input *input);	     /* to poll after NEXT_WAIT; -1: never waits */
const char *input_label(const struct input *input);  /* as messages name it */
uint64_t input_remaining(const struct input *input); /* exact if COUNTED */

#endif
