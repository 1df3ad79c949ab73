/*
 * Records of a file. libcsv says what a field is, but not where: it is given each line in pieces
 * that end with a delimiter, so that every field's place is known when one is to be named.
 */
#include "tasks/table.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csv_parser;

struct place {
	uint64_t line, column; /* from 1 */
};

struct table {
	struct lines *lines;
	struct csv_parser *parser; /* NULL: its records are lines */
	char delimiter;
	bool ended;		/* the record has ended */
	uint64_t line;		/* where it begins; 0: it has not */
	size_t count;		/* its fields so far */
	size_t expected;	/* fields of the first record; 0: there was none yet */
	uint64_t expected_line; /* where that began */
	struct place field;	/* where the field being read begins */
	struct place surplus;	/* where the first field that is one too many begins */
	struct buf text;	/* of the record's fields, one behind the other */
	struct value *values;
	size_t capacity; /* of VALUES */
};

static void
add_value(struct table *table, const char *text, size_t len)
{
	if (table->count == table->capacity) {
		table->capacity = table->capacity ? 2 * table->capacity : 16;
		table->values = xrealloc(table->values, table->capacity * sizeof(struct value));
	}
	table->values[table->count++] = (struct value){.text = text, .len = len};
}

static void
record_init(struct table *table)
{
	if (table->text.len)
		buf_consume(&table->text, table->text.len);
	table->ended = false;
	table->line = 0;
	table->count = 0;
}

static void
give(const struct table *table, struct row *record)
{
	*record = (struct row){.line = table->line, .count = table->count, .values = table->values};
}

/* --- separated fields --- */

#if HAVE_LIBCSV
#include <csv.h>

static int
error_at(const struct table *table, struct place at, struct err *err, const char *problem)
{
	return err_set(err, "%.300s:%llu:%llu: %s", lines_name(table->lines),
		(unsigned long long)at.line, (unsigned long long)at.column, problem);
}

static void
field_ended(void *text, size_t len, void *arg)
{
	struct table *table = arg;
	buf_append(&table->text, text, len);
	add_value(table, NULL, len);
}

static void
record_ended(int newline, void *arg)
{
	struct table *table = arg;
	(void)newline;
	table->ended = true;
}

static int
no_space(unsigned char c) /* blanks at a field's ends are its own */
{
	(void)c;
	return 0;
}

static int
parser_open(struct table *table, struct err *err)
{
	(void)err;
	table->parser = xcalloc(1, sizeof(*table->parser));
	csv_init(table->parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(table->parser, (unsigned char)table->delimiter);
	csv_set_space_func(table->parser, no_space);
	csv_set_blk_size(table->parser, 4096);
	return 0;
}

static void
parser_free(struct table *table)
{
	if (table->parser)
		csv_free(table->parser);
	free(table->parser);
	table->parser = NULL;
}

static int
parse_piece(struct table *table, struct place at, const char *text, size_t len, struct err *err)
{
	size_t done = csv_parse(table->parser, text, len, field_ended, record_ended, table);
	if (done == len)
		return 0;
	if (csv_error(table->parser) != CSV_EPARSE)
		return error_at(table, at, err, "a field too long for memory");
	at.column += done;
	return error_at(table, at, err,
		text[done] == '"' ? "a quote inside a field that does not begin with one"
				  : "text after a closing quote, expected the end of the field");
}

/* The length of the piece of a line that ends with a delimiter, a CR or the line. */
static size_t
piece_len(const char *text, size_t len, char delimiter)
{
	size_t i = 0;
	while (i < len && text[i] != delimiter && text[i] != '\r')
		i++;
	return i < len ? i + 1 : len;
}

static int
parse_line(struct table *table, const char *text, size_t len, struct err *err)
{
	struct place at = {.line = lines_number(table->lines), .column = 1};
	size_t done = lines_mark(at.line, text, len);
	if (!table->line) {
		if (done == len || (done + 1 == len && text[done] == '\r'))
			return 0;
		table->line = at.line;
		table->field = (struct place){.line = at.line, .column = done + 1};
	}
	while (done < len) {
		size_t piece = piece_len(text + done, len - done, table->delimiter);
		size_t fields = table->count;
		at.column = done + 1;
		if (parse_piece(table, at, text + done, piece, err) < 0)
			return -1;
		done += piece;
		at.column = done;
		if (table->ended && done < len)
			return error_at(table, at, err,
				"a CR in the middle of a line, expected it in quotes");
		if (table->count == fields)
			continue;
		table->field = (struct place){.line = at.line, .column = done + 1};
		if (table->count == table->expected)
			table->surplus = table->field;
	}
	return parse_piece(table, at, "\n", 1, err);
}

/* A record has ended with a line of LEN bytes. */
static int
check_count(struct table *table, size_t len, struct err *err)
{
	struct place at = {.line = lines_number(table->lines), .column = len + 1};
	char problem[128];
	if (!table->expected) {
		table->expected = table->count;
		table->expected_line = table->line;
	}
	if (table->count == table->expected)
		return 0;
	if (table->count > table->expected)
		at = table->surplus;
	snprintf(problem, sizeof(problem), "%zu field%s, expected %zu as in line %llu",
		table->count, table->count == 1 ? "" : "s", table->expected,
		(unsigned long long)table->expected_line);
	return error_at(table, at, err, problem);
}

/* The fields' bytes stay where they are now. */
static void
place_values(struct table *table)
{
	const char *text = table->text.data ? table->text.data : "";
	for (size_t i = 0; i < table->count; i++) {
		table->values[i].text = text;
		text += table->values[i].len;
	}
}

static enum next
next_fields(struct table *table, struct row *record, struct err *err)
{
	const char *line;
	size_t len = 0;
	if (table->ended)
		record_init(table);
	while (!table->ended) {
		enum next next = lines_next(table->lines, &line, &len, err);
		if (next == NEXT_END && csv_fini(table->parser, NULL, NULL, NULL) != 0) {
			error_at(table, table->field, err,
				"a quote that is never closed, expected one more");
			return NEXT_ERROR;
		}
		if (next != NEXT_ONE)
			return next;
		if (parse_line(table, line, len, err) < 0)
			return NEXT_ERROR;
	}
	if (check_count(table, len, err) < 0)
		return NEXT_ERROR;
	place_values(table);
	give(table, record);
	return NEXT_ONE;
}

#else
static int
parser_open(struct table *table, struct err *err)
{
	return err_set(err, "%.300s: this mpbatch was built without libcsv, which reads tables",
		lines_name(table->lines));
}

static void
parser_free(struct table *table)
{
	(void)table;
}

static enum next
next_fields(struct table *table, struct row *record, struct err *err)
{
	(void)record;
	parser_open(table, err);
	return NEXT_ERROR;
}
#endif

/* --- records --- */

static enum next
next_line(struct table *table, struct row *record, struct err *err)
{
	const char *line;
	size_t len;
	enum next next = lines_next(table->lines, &line, &len, err);
	if (next != NEXT_ONE)
		return next;
	record_init(table);
	table->line = lines_number(table->lines);
	size_t mark = lines_mark(table->line, line, len);
	line += mark;
	len -= mark;
	add_value(table, line, len && line[len - 1] == '\r' ? len - 1 : len);
	give(table, record);
	return NEXT_ONE;
}

enum next
table_next(struct table *table, struct row *record, struct err *err)
{
	return table->delimiter == TABLE_LINES ? next_line(table, record, err)
					       : next_fields(table, record, err);
}

int
table_rewind(struct table *table, struct err *err)
{
	if (lines_rewind(table->lines, err) < 0)
		return -1;
	record_init(table);
	if (table->delimiter == TABLE_LINES)
		return 0;
	parser_free(table);
	return parser_open(table, err);
}

struct table *
table_open(const char *path, char delimiter, const char *spool_dir, struct err *err)
{
	struct table *table = xcalloc(1, sizeof(*table));
	table->delimiter = delimiter;
	table->lines = lines_open(path, spool_dir, err);
	if (table->lines && (delimiter == TABLE_LINES || parser_open(table, err) == 0))
		return table;
	table_free(table);
	return NULL;
}

void
table_free(struct table *table)
{
	if (!table)
		return;
	parser_free(table);
	lines_free(table->lines);
	buf_clear(&table->text);
	free(table->values);
	free(table);
}

/* --- what is known of it --- */

int
table_is_small(struct table *table, bool *small, struct err *err)
{
	const char *data;
	size_t len;
	return lines_ahead(table->lines, &data, &len, small, err);
}

int
table_fd(const struct table *table)
{
	return lines_fd(table->lines);
}

const char *
table_name(const struct table *table)
{
	return lines_name(table->lines);
}

uint64_t
table_remaining(const struct table *table)
{
	return lines_remaining(table->lines);
}
