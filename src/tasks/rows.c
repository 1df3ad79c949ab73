/*
 * The product of the inputs. Inputs that are linked are a group; the groups turn as the wheels of
 * an odometer do, and only the leftmost, which turns once, may be read as it comes.
 */
#include "tasks/rows.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/input.h"
#include "tasks/where.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX (UINT64_C(1) << 63)

/* Inputs that go together, and end with the shortest of them. */
struct group {
	size_t first, count;
	size_t ready; /* those that have given their part of the next row */
};

enum { TRIES = 20000 }; /* rows that a filter may turn down in one call */

struct rows {
	const struct rows_options *options;
	struct input *inputs;
	struct group *groups;
	size_t ninputs, ngroups;
	struct columns columns;
	const char **names;
	struct value *values;  /* of the row given last, COLUMNS.COUNT of them */
	size_t *columns_begin; /* of each input, among them */
	size_t last_file;      /* the input that a row's line is of; NINPUTS: there is none */
	struct where *where;
	size_t moving; /* the group to be moved on next */
	bool ended;
	uint64_t inner; /* rows of all groups but the leftmost */
	uint64_t tried; /* rows made, */
	uint64_t given; /* and of these met the filter */
	uint64_t total;
	bool counted; /* TOTAL is known */
};

/* --- stepping --- */

static enum next
group_next(struct rows *rows, struct group *group, struct err *err)
{
	for (; group->ready < group->count; group->ready++) {
		enum next next = input_next(&rows->inputs[group->first + group->ready], err);
		if (next != NEXT_ONE)
			return next;
	}
	group->ready = 0;
	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct input *input = &rows->inputs[i];
		struct value *values = rows->values + rows->columns_begin[i];
		for (size_t j = 0; j < input->ncolumns; j++)
			values[j] = input->values[j];
	}
	return NEXT_ONE;
}

static int
group_restart(struct rows *rows, struct group *group, struct err *err)
{
	group->ready = 0;
	for (size_t i = 0; i < group->count; i++)
		if (input_restart(&rows->inputs[group->first + i], err) < 0)
			return -1;
	return 0;
}

/* All groups but the leftmost stand at their first rows; it is to move next. */
static int
start(struct rows *rows, struct err *err)
{
	rows->moving = 0;
	for (size_t i = 1; i < rows->ngroups && rows->inner; i++)
		if (group_next(rows, &rows->groups[i], err) != NEXT_ONE)
			return -1;
	return 0;
}

/* The next row, met or not. A wheel that has come round stands at its first row again, and stays
 * there while the one to its left waits. */
static enum next
step(struct rows *rows, struct err *err)
{
	for (;;) {
		struct group *group = &rows->groups[rows->moving];
		enum next next = group_next(rows, group, err);
		if (next == NEXT_ONE) {
			rows->moving = rows->ngroups - 1;
			return next;
		}
		if (next != NEXT_END || rows->moving == 0)
			return next;
		if (group_restart(rows, group, err) < 0 || group_next(rows, group, err) != NEXT_ONE)
			return NEXT_ERROR;
		rows->moving--;
	}
}

static enum next
end(struct rows *rows)
{
	rows->ended = true;
	rows->counted = true;
	rows->total = rows->given;
	return NEXT_END;
}

static struct row
make_row(const struct rows *rows)
{
	struct row row = {.count = rows->columns.count, .values = rows->values};
	if (rows->last_file < rows->ninputs)
		row.line = rows->inputs[rows->last_file].line;
	return row;
}

static enum next
where_failed(const struct rows *rows, uint64_t line, struct err *err)
{
	if (line)
		err_wrap(err, "%.200s:%llu", input_label(&rows->inputs[rows->last_file]),
			(unsigned long long)line);
	return NEXT_ERROR;
}

enum next
rows_next(struct rows *rows, struct row *row, struct err *err)
{
	bool holds = true;
	int tries = TRIES;
	if (rows->ended || !rows->inner)
		return end(rows);
	do {
		enum next next = step(rows, err);
		if (next == NEXT_END)
			return end(rows);
		if (next != NEXT_ONE)
			return next;
		rows->tried++;
		struct row made = make_row(rows);
		if (rows->where && where_holds(rows->where, &made, &holds, err) < 0)
			return where_failed(rows, made.line, err);
		if (holds)
			*row = made;
	} while (!holds && --tries);
	rows->given += holds;
	return holds ? NEXT_ONE : NEXT_AGAIN;
}

int
rows_rewind(struct rows *rows, struct err *err)
{
	for (size_t i = 0; i < rows->ngroups; i++)
		if (group_restart(rows, &rows->groups[i], err) < 0)
			return -1;
	rows->ended = false;
	rows->tried = 0;
	rows->given = 0;
	return start(rows, err);
}

/* --- opening --- */

static int
check_inputs(const struct rows_options *options, struct err *err)
{
	bool read = false;
	for (size_t i = 0; i < options->ninputs; i++) {
		const struct rows_input *input = &options->inputs[i];
		if (input->kind != INPUT_FILE || strcmp(input->text, "-") != 0)
			continue;
		if (read)
			return err_set(err, "standard input is given twice, expected once");
		read = true;
	}
	return 0;
}

static void
make_groups(struct rows *rows)
{
	const struct rows_options *options = rows->options;
	rows->groups = xcalloc(options->ninputs, sizeof(*rows->groups));
	for (size_t i = 0; i < options->ninputs; i++) {
		if (i == 0 || !options->inputs[i].linked)
			rows->groups[rows->ngroups++].first = i;
		rows->groups[rows->ngroups - 1].count++;
	}
}

/* Sweeps and arrays that are linked were meant to be as long. */
static int
check_link(const struct input *left, const struct input *right, struct err *err)
{
	bool computed = (left->sweep || left->array) && (right->sweep || right->array);
	if (!computed || left->count == right->count)
		return 0;
	return err_set(err, "--zip: %.100s has %llu values and %.100s %llu, expected as many",
		left->names[0], (unsigned long long)left->count, right->names[0],
		(unsigned long long)right->count);
}

static int
open_inputs(struct rows *rows, struct err *err)
{
	const struct rows_options *options = rows->options;
	size_t streaming = rows->groups[0].count;
	rows->inputs = xcalloc(options->ninputs, sizeof(*rows->inputs));
	rows->columns_begin = xcalloc(options->ninputs, sizeof(*rows->columns_begin));
	rows->last_file = options->ninputs;
	for (size_t i = 0; i < options->ninputs; i++) {
		const struct rows_input *spec = &options->inputs[i];
		rows->ninputs++;
		if (input_open(&rows->inputs[i], spec, options, i < streaming, err) < 0)
			return -1;
		if (i > 0 && spec->linked &&
			check_link(&rows->inputs[i - 1], &rows->inputs[i], err) < 0)
			return -1;
		if (spec->kind == INPUT_FILE)
			rows->last_file = i;
		rows->columns_begin[i] = rows->columns.count;
		rows->columns.count += rows->inputs[i].ncolumns;
	}
	return 0;
}

static void
join_columns(struct rows *rows)
{
	rows->values = xcalloc(rows->columns.count, sizeof(*rows->values));
	rows->names = xcalloc(rows->columns.count, sizeof(*rows->names));
	for (size_t i = 0; i < rows->ninputs; i++)
		for (size_t j = 0; j < rows->inputs[i].ncolumns; j++)
			rows->names[rows->columns_begin[i] + j] = rows->inputs[i].names[j];
	rows->columns.names = rows->names;
}

static const char *
label_of_column(const struct rows *rows, size_t column)
{
	size_t i = rows->ninputs - 1;
	while (rows->columns_begin[i] > column)
		i--;
	return input_label(&rows->inputs[i]);
}

static int
compare_names(const void *left, const void *right)
{
	const char *const *a = *(const char *const *const *)left;
	const char *const *b = *(const char *const *const *)right;
	int order = strcmp(*a, *b);
	return order ? order : (a > b) - (a < b);
}

static int
check_names(const struct rows *rows, struct err *err)
{
	size_t count = 0;
	int result = 0;
	const char ***sorted = xcalloc(rows->columns.count, sizeof(*sorted));
	for (size_t i = 0; i < rows->columns.count; i++)
		if (rows->names[i])
			sorted[count++] = &rows->names[i];
	qsort(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < count && result == 0; i++) {
		size_t a = (size_t)(sorted[i - 1] - rows->names);
		size_t b = (size_t)(sorted[i] - rows->names);
		if (strcmp(rows->names[a], rows->names[b]) == 0)
			result = err_set(err,
				"columns %zu (%.100s) and %zu (%.100s) are both named '%.100s'",
				a + 1, label_of_column(rows, a), b + 1, label_of_column(rows, b),
				rows->names[a]);
	}
	free(sorted);
	return result;
}

static int
multiply(uint64_t *product, uint64_t by, struct err *err)
{
	if (by && *product > ROWS_MAX / by)
		return err_set(err, "the inputs make more than 2^63 rows");
	*product *= by;
	return 0;
}

/* How many rows GROUP has; false: not known. */
static bool
count_group(const struct rows *rows, const struct group *group, uint64_t *count)
{
	bool counted = true;
	*count = UINT64_MAX;
	for (size_t i = group->first; i < group->first + group->count; i++) {
		counted = counted && rows->inputs[i].counted;
		if (rows->inputs[i].count < *count)
			*count = rows->inputs[i].count;
	}
	return counted;
}

static int
count_rows(struct rows *rows, struct err *err)
{
	uint64_t count;
	bool empty = false;
	rows->inner = 1;
	for (size_t i = rows->ngroups; i-- > 1;) {
		count_group(rows, &rows->groups[i], &count);
		empty = empty || !count;
		if (!empty && multiply(&rows->inner, count, err) < 0)
			return -1;
	}
	if (empty)
		rows->inner = 0;
	rows->counted = count_group(rows, &rows->groups[0], &count);
	rows->total = rows->inner;
	if (rows->counted && multiply(&rows->total, count, err) < 0)
		return -1;
	rows->counted = rows->counted && !rows->where;
	return 0;
}

static int
open_rows(struct rows *rows, struct err *err)
{
	const char *where = rows->options->where;
	if (check_inputs(rows->options, err) < 0)
		return -1;
	make_groups(rows);
	if (open_inputs(rows, err) < 0)
		return -1;
	join_columns(rows);
	if (check_names(rows, err) < 0)
		return -1;
	if (where) {
		rows->where = where_parse(where, &rows->columns, err);
		if (!rows->where)
			return -1;
	}
	return count_rows(rows, err) < 0 ? -1 : start(rows, err);
}

struct rows *
rows_open(const struct rows_options *options, struct err *err)
{
	struct rows *rows = xcalloc(1, sizeof(*rows));
	rows->options = options;
	if (open_rows(rows, err) == 0)
		return rows;
	rows_free(rows);
	return NULL;
}

void
rows_free(struct rows *rows)
{
	if (!rows)
		return;
	for (size_t i = 0; i < rows->ninputs; i++)
		input_clear(&rows->inputs[i]);
	where_free(rows->where);
	free(rows->inputs);
	free(rows->groups);
	free(rows->columns_begin);
	free(rows->names);
	free(rows->values);
	free(rows);
}

/* --- what is known of them --- */

const struct columns *
rows_columns(const struct rows *rows)
{
	return &rows->columns;
}

int
rows_fd(const struct rows *rows)
{
	int fd = -1;
	for (size_t i = rows->groups[0].ready; i < rows->groups[0].count && fd < 0; i++)
		fd = input_fd(&rows->inputs[i]);
	return fd;
}

uint64_t
rows_count(const struct rows *rows)
{
	return rows->counted ? rows->total : 0;
}

void
rows_tell_why_none(const struct rows *rows, struct buf *buf)
{
	size_t before = buf->len;
	if (rows->tried && rows->where) {
		buf_printf(buf, "none of %llu row%s meets --where '%.200s'",
			(unsigned long long)rows->tried, rows->tried == 1 ? "" : "s",
			rows->options->where);
		return;
	}
	for (size_t i = 0; i < rows->ninputs; i++) {
		const struct input *input = &rows->inputs[i];
		bool first = buf->len == before, several = rows->ninputs > 1;
		/* What is read as it comes has not been where another one is known to be empty. */
		if (input->counted ? input->count : input->at || !rows->inner || !first)
			continue;
		if (several)
			buf_printf(buf, "%sinput %zu of %zu, ", first ? "" : "; ", i + 1,
				rows->ninputs);
		buf_printf(buf, "%.200s%s has no values", input_label(input), several ? "," : "");
	}
}

uint64_t
rows_remaining(const struct rows *rows)
{
	uint64_t outer = UINT64_MAX, left;
	if (rows->counted)
		return rows->total - rows->given;
	if (!rows->inner)
		return 0;
	for (size_t i = 0; i < rows->groups[0].count; i++) {
		uint64_t remaining = input_remaining(&rows->inputs[i]);
		outer = remaining < outer ? remaining : outer;
	}
	if (__builtin_mul_overflow(outer, rows->inner, &left))
		left = ROWS_MAX;
	left += (rows->inner - rows->tried % rows->inner) % rows->inner;
	return rows->where && rows->tried
		       ? (uint64_t)((double)left * (double)rows->given / (double)rows->tried)
		       : left;
}
