/* Hints for placeholders, from what the first row looks like. */
#include "tasks/hint.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "tasks/rows.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { SHOWN = 60 };

/* In the order in which they are looked for: a table with semicolons may hold numbers with commas,
 * one with commas blanks behind them. */
static const struct separator {
	char c;
	const char *option;
} separators[] = {{'\t', "--tsv"}, {';', "--colsep ';'"}, {',', "--csv"}, {' ', "--colsep ' '"}};

enum { SEPARATORS = sizeof(separators) / sizeof(separators[0]) };

static const struct separator *
separator_of(const struct value *line)
{
	for (int i = 0; i < SEPARATORS; i++)
		if (memchr(line->text, separators[i].c, line->len))
			return &separators[i];
	return NULL;
}

/* Is NAME one of the fields of LINE? */
static bool
has_field(const struct value *line, char separator, const struct value *name)
{
	const char *at = line->text, *end = line->text + line->len;
	for (;;) {
		const char *next = memchr(at, separator, (size_t)(end - at));
		size_t len = (size_t)((next ? next : end) - at);
		bool quoted = len > 1 && at[0] == '"' && at[len - 1] == '"';
		if (len - 2 * quoted == name->len &&
			memcmp(at + quoted, name->text, name->len) == 0)
			return true;
		if (!next)
			return false;
		at = next + 1;
	}
}

static bool
is_number(const struct value *name)
{
	bool digits = name->len;
	for (size_t i = 0; i < name->len; i++)
		digits = digits && isdigit((unsigned char)name->text[i]);
	return digits;
}

static void
say(struct buf *buf, const char *option, bool header, const struct value *line)
{
	size_t shown = utf8_cut(line->text, line->len, SHOWN);
	buf_printf(buf, "; or %s%s%s, as the first row is '", option, *option && header ? " " : "",
		header ? "--header" : "");
	utf8_append_visible(buf, line->text, shown);
	buf_append_string(buf, shown < line->len ? "...'" : "'");
}

/* LINE, of an input that FILE tells to be a file, is its first one, and a header if that is asked
 * for: does it explain NAME? */
static void
explain(struct buf *buf, const struct rows_options *options, bool file, const struct value *line,
	const struct value *name)
{
	const struct separator *separator = file ? separator_of(line) : NULL;
	bool whole = line->len == name->len && memcmp(line->text, name->text, name->len) == 0;
	if (separator && separator->c == options->format)
		separator = NULL;
	bool field = separator && has_field(line, separator->c, name);
	if (whole && !options->header)
		say(buf, "", true, line);
	else if (separator && is_number(name))
		say(buf, separator->option, false, line);
	else if (field)
		say(buf, separator->option, !options->header, line);
}

void
hint_placeholder(struct buf *buf, struct rows *rows, const struct rows_options *options,
	const char *name, size_t len)
{
	struct row row = {0};
	struct value wanted = {name, len};
	const struct columns *columns = rows_columns(rows);
	size_t before = buf->len;
	if (!options->header && rows_next(rows, &row, NULL) != NEXT_ONE)
		return;
	for (size_t i = 0; i < columns->count && buf->len == before; i++) {
		struct value line = {.text = ""};
		/* Has each input one column? */
		bool file =
			columns->count == options->ninputs && options->inputs[i].kind == INPUT_FILE;
		if (!options->header && row.values[i].text)
			line = row.values[i];
		else if (options->header && columns->names[i])
			line = (struct value){columns->names[i], strlen(columns->names[i])};
		explain(buf, options, file, &line, &wanted);
	}
}
