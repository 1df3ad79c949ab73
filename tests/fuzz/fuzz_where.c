/*
 * Any text as a filter, over a row made of the bytes after its first newline: "!(e)" says the
 * opposite of "e", or fails as it does; "(e)&&1" and "(e)||0" say the same.
 */
#include "base/err.h"
#include "tasks/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2048 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* 1, 0, -1: fails on this row, -2: does not parse. */
static int
answer(const char *format, const char *expression, const struct row *row)
{
	static const char *const names[] = {"a", "rate", "my-name", NULL};
	static const struct columns columns = {.count = 4, .names = names};
	char text[TEXT_MAX + 16];
	struct err err = {""};
	bool holds = false;
	snprintf(text, sizeof(text), format, expression);
	struct where *where = where_parse(text, &columns, &err);
	int result = where ? where_holds(where, row, &holds, &err) : -2;
	must(result == 0 || strstr(err.text, "column "));
	where_free(where);
	return result < 0 ? result : holds;
}

static void
split_row(char *at, struct value values[4])
{
	for (int i = 0; i < 4; i++) {
		size_t len = strcspn(at, "\n");
		values[i] = (struct value){.text = at, .len = len};
		at += len + (at[len] == '\n');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];
	struct value values[4];
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *end = strchr(text, '\n');
	split_row(end ? end + 1 : text + strlen(text), values);
	if (end)
		*end = '\0';
	struct row row = {.line = 1, .count = 4, .values = values};
	int plain = answer("%s", text, &row);
	if (plain == -2)
		return 0;
	int negated = answer("!(%s)", text, &row);
	if (negated != -2) /* nested too deeply now */
		must(negated == (plain < 0 ? -1 : !plain));
	int and = answer("(%s)&&1", text, &row), or = answer("(%s)||0", text, &row);
	must((and == plain || and == -2) && (or == plain || or == -2));
	return 0;
}
