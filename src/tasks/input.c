/* One input of the rows. */
#include "tasks/input.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/array.h"
#include "tasks/rows_options.h"
#include "tasks/table.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows of a file that was read whole. */
struct held {
	struct buf text;
	struct value *values;
	uint64_t *lines; /* of each row */
	size_t nvalues, nlines;
	size_t values_max, lines_max;
};

/* --- columns --- */

static void
set_columns(struct input *input, size_t count)
{
	input->ncolumns = count;
	input->names = xcalloc(count, sizeof(*input->names));
}

static void
set_name(struct input *input, size_t column, const char *text, size_t len)
{
	if (!len)
		return;
	char *name = xmalloc(len + 1);
	memcpy(name, text, len);
	name[len] = '\0';
	input->names[column] = name;
}

/* --- files --- */

static enum next
next_of_table(struct input *input, struct err *err)
{
	struct row row;
	enum next next = table_next(input->table, &row, err);
	if (next != NEXT_ONE)
		return next;
	input->values = row.values;
	input->nvalues = row.count;
	input->line = row.line;
	return next;
}

/* Waits for what does not come at once. */
static enum next
next_waited_for(struct input *input, struct err *err)
{
	enum next next;
	while ((next = next_of_table(input, err)) == NEXT_WAIT) {
		struct pollfd fd = {.fd = table_fd(input->table), .events = POLLIN};
		poll(&fd, 1, -1);
	}
	return next;
}

static void
hold_row(struct held *held, const struct value *values, size_t count, uint64_t line)
{
	if (held->nlines == held->lines_max) {
		held->lines_max = held->lines_max ? 2 * held->lines_max : 64;
		held->lines = xrealloc(held->lines, held->lines_max * sizeof(*held->lines));
	}
	held->lines[held->nlines++] = line;
	while (held->nvalues + count > held->values_max) {
		held->values_max = held->values_max ? 2 * held->values_max : 64;
		held->values = xrealloc(held->values, held->values_max * sizeof(*held->values));
	}
	for (size_t i = 0; i < count; i++) {
		buf_append(&held->text, values[i].text, values[i].len);
		held->values[held->nvalues++].len = values[i].len;
	}
}

/* Reads the rest of the file. */
static int
hold(struct input *input, struct err *err)
{
	struct held *held = input->held = xcalloc(1, sizeof(*held));
	enum next next = input->pending ? NEXT_ONE : next_waited_for(input, err);
	for (; next == NEXT_ONE; next = next_waited_for(input, err))
		hold_row(held, input->values, input->ncolumns, input->line);
	if (next == NEXT_ERROR)
		return -1;
	const char *text = held->text.data ? held->text.data : "";
	for (size_t i = 0; i < held->nvalues; i++) {
		held->values[i].text = text;
		text += held->values[i].len;
	}
	input->pending = false;
	input->count = held->nlines;
	input->counted = true;
	return 0;
}

static void
held_free(struct held *held)
{
	if (!held)
		return;
	buf_clear(&held->text);
	free(held->values);
	free(held->lines);
	free(held);
}

/* Counts the rows of a small file, which checks them, and goes back. */
static int
count_rows(struct input *input, struct err *err)
{
	enum next next = input->pending ? NEXT_ONE : next_of_table(input, err);
	for (; next == NEXT_ONE; next = next_of_table(input, err))
		input->count++;
	if (next == NEXT_ERROR)
		return -1;
	input->counted = true;
	return input_restart(input, err);
}

/* The header, or the first record of a table: from either the columns are known. */
static int
read_columns(struct input *input, char format, struct err *err)
{
	if (!input->header && format == ROWS_LINES) {
		set_columns(input, 1);
		return 0;
	}
	enum next next = next_waited_for(input, err);
	if (next == NEXT_ERROR)
		return -1;
	if (next == NEXT_END && input->header)
		return err_set(err, "%.300s is empty, expected a header", input_label(input));
	set_columns(input, next == NEXT_ONE ? input->nvalues : 1);
	for (size_t i = 0; input->header && i < input->ncolumns; i++)
		set_name(input, i, input->values[i].text, input->values[i].len);
	input->pending = next == NEXT_ONE && !input->header;
	return 0;
}

static int
open_file(struct input *input, const struct rows_options *options, bool streams, struct err *err)
{
	bool small;
	input->table = table_open(
		input->spec->text, options->format, streams ? options->spool_dir : NULL, err);
	if (!input->table || table_is_small(input->table, &small, err) < 0 ||
		read_columns(input, options->format, err) < 0)
		return -1;
	if (!streams)
		return hold(input, err);
	return small ? count_rows(input, err) : 0;
}

/* --- others --- */

static int
open_arguments(struct input *input, struct err *err)
{
	const struct rows_input *spec = input->spec;
	set_columns(input, 1);
	if (input->header && !spec->narguments)
		return err_set(err, "':::' without values, expected a name as the first");
	if (input->header)
		set_name(input, 0, spec->arguments[0], strlen(spec->arguments[0]));
	input->count = spec->narguments - input->header;
	input->counted = true;
	return 0;
}

static int
open_sweep(struct input *input, struct err *err)
{
	input->sweep = sweep_parse(input->spec->text, err);
	if (!input->sweep)
		return -1;
	set_columns(input, 1);
	input->names[0] = xstrdup(sweep_name(input->sweep));
	input->count = sweep_count(input->sweep);
	input->counted = true;
	return 0;
}

static int
open_array(struct input *input, struct err *err)
{
	input->array = array_parse(input->spec->text, err);
	if (!input->array)
		return -1;
	set_columns(input, 1);
	input->names[0] = xstrdup("array");
	input->count = array_count(input->array);
	input->counted = true;
	return 0;
}

static struct value
argument_value(const struct input *input)
{
	const char *text = input->spec->arguments[input->at + input->header];
	return (struct value){.text = text, .len = strlen(text)};
}

static struct value
array_text(struct input *input)
{
	int len = snprintf(input->room, sizeof(input->room), "%llu",
		(unsigned long long)array_value(input->array, input->at));
	return (struct value){.text = input->room, .len = (size_t)len};
}

/* --- all --- */

int
input_open(struct input *input, const struct rows_input *spec, const struct rows_options *options,
	bool streams, struct err *err)
{
	*input = (struct input){.spec = spec};
	input->header =
		options->header && (spec->kind == INPUT_FILE || spec->kind == INPUT_ARGUMENTS);
	switch (spec->kind) {
	case INPUT_ARGUMENTS:
		return open_arguments(input, err);
	case INPUT_FILE:
		return open_file(input, options, streams, err);
	case INPUT_SWEEP:
		return open_sweep(input, err);
	case INPUT_ARRAY:
		return open_array(input, err);
	}
	abort();
}

void
input_clear(struct input *input)
{
	for (size_t i = 0; i < input->ncolumns; i++)
		free(input->names[i]);
	free(input->names);
	table_free(input->table);
	held_free(input->held);
	sweep_free(input->sweep);
	array_free(input->array);
}

static enum next
next_streamed(struct input *input, struct err *err)
{
	enum next next = input->pending ? NEXT_ONE : next_of_table(input, err);
	input->pending = false;
	if (next == NEXT_ONE)
		input->at++;
	return next;
}

enum next
input_next(struct input *input, struct err *err)
{
	if (input->table && !input->held)
		return next_streamed(input, err);
	if (input->at == input->count)
		return NEXT_END;
	if (input->held) {
		input->values = input->held->values + input->at * input->ncolumns;
		input->line = input->held->lines[input->at];
	} else {
		input->value = input->sweep   ? sweep_value(input->sweep, input->at, input->room)
			       : input->array ? array_text(input)
					      : argument_value(input);
		input->values = &input->value;
	}
	input->at++;
	return NEXT_ONE;
}

int
input_restart(struct input *input, struct err *err)
{
	input->at = 0;
	if (!input->table || input->held)
		return 0;
	input->pending = false;
	if (table_rewind(input->table, err) < 0)
		return -1;
	return input->header && next_waited_for(input, err) == NEXT_ERROR ? -1 : 0;
}

int
input_fd(const struct input *input)
{
	return input->table && !input->held ? table_fd(input->table) : -1;
}

const char *
input_label(const struct input *input)
{
	static const char *const labels[] = {
		[INPUT_ARGUMENTS] = ":::", [INPUT_SWEEP] = "--sweep", [INPUT_ARRAY] = "--array"};
	if (input->spec->kind == INPUT_FILE)
		return strcmp(input->spec->text, "-") ? input->spec->text : "standard input";
	return labels[input->spec->kind];
}

uint64_t
input_remaining(const struct input *input)
{
	if (input->counted)
		return input->count - input->at;
	return table_remaining(input->table) + input->pending;
}
