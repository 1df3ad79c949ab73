/*
 * Any bytes as a directive: it is refused with a column of the line, or its settings, written as a
 * list, are read back the same. And any bytes but NUL as a value that is written and read.
 */
#include "base/buf.h"
#include "base/err.h"
#include "tasks/directive.h"
#include "tasks/listing.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Takes the directives of a list of one command. */
static void
read_back(struct settings *settings, const struct buf *list)
{
	struct err err;
	const char *line = list->data, *end = line + list->len;
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		must(newline != NULL);
		size_t len = (size_t)(newline - line);
		bool last = newline + 1 == end;
		must(directive_is(line, len) != last);
		must(last || directive_take(settings, line, len, &err) == 0);
		line = newline + 1;
	}
}

static void
check_listing(const struct settings *settings)
{
	struct task task = {.timeout_ms = settings->timeout_ms,
		.shell = settings->shell,
		.cwd = settings->cwd,
		.input = settings->input,
		.out = settings->out,
		.err = settings->err,
		.env = settings->env.data,
		.env_len = settings->env.len,
		.command = "a",
		.command_len = 1};
	struct task *whole = task_new(&task);
	struct listing listing = {0};
	struct settings again = {0};
	struct buf list = {0};
	listing_add(&listing, &list, whole);
	read_back(&again, &list);
	must(same_text(again.shell, settings->shell));
	must(same_text(again.cwd, settings->cwd) && same_text(again.input, settings->input));
	must(same_text(again.out, settings->out) && same_text(again.err, settings->err));
	must(again.timeout_ms == settings->timeout_ms);
	must(again.env.len == settings->env.len);
	must(!again.env.len || memcmp(again.env.data, settings->env.data, again.env.len) == 0);
	settings_clear(&again);
	listing_clear(&listing);
	buf_clear(&list);
	task_free(whole);
}

static void
check_line(const char *text, size_t len)
{
	struct settings settings = {0};
	struct buf line = {0};
	struct err err;
	buf_append_string(&line, "#MPBATCH ");
	buf_append(&line, text, len);
	if (directive_take(&settings, line.data, line.len, &err) < 0) {
		char *end;
		unsigned long column = strtoul(err.text, &end, 10);
		must(*end == ':' && column > 9 && column <= line.len);
	} else {
		check_listing(&settings);
	}
	settings_clear(&settings);
	buf_clear(&line);
}

static void
check_value(const char *text)
{
	struct settings settings = {0};
	struct buf line = {0};
	struct err err;
	buf_append_string(&line, "#MPBATCH prefix=");
	directive_word(&line, text);
	must(!memchr(line.data, '\n', line.len));
	must(directive_take(&settings, line.data, line.len, &err) == 0);
	must(same_text(settings.prefix, text));
	settings_clear(&settings);
	buf_clear(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = {0};
	buf_append(&text, data, size);
	buf_append(&text, "", 1);
	size_t len = strlen(text.data), line = strcspn(text.data, "\n");
	check_line(text.data, line < len ? line : len);
	check_value(text.data);
	buf_clear(&text);
	return 0;
}
