/* Directives: words, keys, settings. */
#include "tasks/directive.h"

#include "base/duration.h"
#include "base/err.h"
#include "base/log.h"
#include "base/ownfd.h"
#include "tasks/shell.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "#MPBATCH";

/* A directive as it is read. */
struct reader {
	const char *line;
	size_t len;
	size_t at;
	size_t word_at;	    /* where the present word began */
	struct buf word;    /* it, its quotes undone, ended by NUL */
	bool after_barrier; /* it follows one, and may be "check" */
	struct err *err;
};

void
settings_clear(struct settings *settings)
{
	free(settings->cwd);
	free(settings->input);
	free(settings->out);
	free(settings->err);
	free(settings->prefix);
	free(settings->suffix);
	free(settings->shell);
	buf_clear(&settings->env);
	*settings = (struct settings){0};
}

/* Where the line goes on behind the mark; 0: it is no directive. */
static size_t
behind_mark(const char *line, size_t len)
{
	size_t blank = 0, n = sizeof(mark) - 1;
	while (blank < len && (line[blank] == ' ' || line[blank] == '\t'))
		blank++;
	size_t end = blank + n;
	if (len < end || memcmp(line + blank, mark, n) != 0)
		return 0;
	return len == end || line[end] == ' ' || line[end] == '\t' ? end : 0;
}

bool
directive_is(const char *line, size_t len)
{
	return behind_mark(line, len) > 0;
}

/* --- words --- */

static int
fail(const struct reader *reader, size_t at, const char *text, const char *expected)
{
	return err_set(reader->err, "%zu: %.100s, expected %s", at + 1, text, expected);
}

/* What stands behind a backslash at READER->at. */
static int
take_escape(struct reader *reader, bool quoted)
{
	if (reader->at + 1 >= reader->len)
		return fail(reader, reader->at, "a backslash at the end of the line",
			"a character behind it");
	char c = reader->line[reader->at + 1];
	if (quoted && c == 'n')
		c = '\n';
	else if (quoted && c != '"' && c != '\\')
		return fail(reader, reader->at, "a backslash in \"...\"", "\\\", \\\\ or \\n");
	buf_append(&reader->word, &c, 1);
	reader->at += 2;
	return 0;
}

static int
take_quoted(struct reader *reader)
{
	size_t open = reader->at++;
	char quote = reader->line[open];
	while (reader->at < reader->len && reader->line[reader->at] != quote) {
		if (quote == '"' && reader->line[reader->at] == '\\') {
			if (take_escape(reader, true) < 0)
				return -1;
			continue;
		}
		buf_append(&reader->word, &reader->line[reader->at++], 1);
	}
	if (reader->at == reader->len)
		return fail(reader, open, "a quote that is not closed",
			quote == '"' ? "a \" later in the line" : "a ' later in the line");
	reader->at++;
	return 0;
}

/* The next word: 1; none is left: 0; -1 with ERR. */
static int
next_word(struct reader *reader)
{
	buf_consume(&reader->word, reader->word.len);
	while (reader->at < reader->len && strchr(" \t", reader->line[reader->at]))
		reader->at++;
	reader->word_at = reader->at;
	if (reader->at == reader->len)
		return 0;
	while (reader->at < reader->len && !strchr(" \t", reader->line[reader->at])) {
		char c = reader->line[reader->at];
		int got = 0;
		if (c == '\'' || c == '"')
			got = take_quoted(reader);
		else if (c == '\\')
			got = take_escape(reader, false);
		else
			buf_append(&reader->word, &reader->line[reader->at++], 1);
		if (got < 0)
			return -1;
	}
	buf_append(&reader->word, "", 1);
	return 1;
}

void
directive_word(struct buf *buf, const char *value)
{
	buf_append(buf, "\"", 1);
	for (; *value; value++) {
		if (*value == '\n')
			buf_append(buf, "\\n", 2);
		else if (*value == '"' || *value == '\\')
			buf_printf(buf, "\\%c", *value);
		else
			buf_append(buf, value, 1);
	}
	buf_append(buf, "\"", 1);
}

/* --- keys --- */

/* Sets the variable of NAME (its length without '=') to ENTRY, in its place if it has one, or, with
 * NULL, takes it out. */
static void
put_variable(struct settings *settings, const char *name, size_t name_len, const char *entry)
{
	struct buf made = {0};
	const struct buf *old = &settings->env;
	for (size_t i = 0; i < old->len; i += strlen(old->data + i) + 1) {
		const char *at = old->data + i;
		bool same = strncmp(at, name, name_len) == 0 && at[name_len] == '=';
		const char *put = same ? entry : at;
		if (put)
			buf_append(&made, put, strlen(put) + 1);
		if (same)
			entry = NULL;
	}
	if (entry)
		buf_append(&made, entry, strlen(entry) + 1);
	buf_clear(&settings->env);
	settings->env = made;
}

/* How long a variable's name at the start of TEXT is; 0: there is none. */
static size_t
name_length(const char *text)
{
	size_t len =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return text[0] >= '0' && text[0] <= '9' ? 0 : len;
}

static int
take_variable(struct settings *settings, struct reader *reader, const char *entry)
{
	size_t len = name_length(entry);
	if (!len || entry[len] != '=')
		return fail(reader, reader->word_at, reader->word.data, "env:NAME=VALUE");
	put_variable(settings, entry, len, entry);
	return 0;
}

static int
take_variable_back(struct settings *settings, struct reader *reader, const char *name)
{
	size_t len = name_length(name);
	if (!len || name[len])
		return fail(reader, reader->word_at, reader->word.data, "-env:NAME");
	put_variable(settings, name, len, NULL);
	return 0;
}

static const char *
set_time(void *field, const char *value)
{
	uint32_t *ms = field;
	if (*value)
		return duration_parse(value, ms);
	*ms = 0;
	return NULL;
}

static const char *
set_text(void *field, const char *value)
{
	char **text = field;
	free(*text);
	*text = *value ? xstrdup(value) : NULL;
	return NULL;
}

static const char *
set_file(void *field, const char *value)
{
	return ownfd_named(value) ? OWNFD_EXPECTED : set_text(field, value);
}

static const char *
set_shell(void *field, const char *value)
{
	char **text = field, *shell = shell_find(value);
	if (*value && !shell)
		return SHELL_EXPECTED;
	free(*text);
	*text = shell;
	return NULL;
}

/* KEY=VALUE; SET puts the value into its field of the settings, or takes back what is there if it
 * is empty, and returns what was expected, NULL if it is fine. */
static const struct key {
	const char *name;
	const char *(*set)(void *field, const char *value);
	size_t field;
} keys[] = {
	{"timeout", set_time, offsetof(struct settings, timeout_ms)},
	{"cwd", set_text, offsetof(struct settings, cwd)},
	{"stdin", set_file, offsetof(struct settings, input)},
	{"stdout", set_file, offsetof(struct settings, out)},
	{"stderr", set_file, offsetof(struct settings, err)},
	{"prefix", set_text, offsetof(struct settings, prefix)},
	{"suffix", set_text, offsetof(struct settings, suffix)},
	{"shell", set_shell, offsetof(struct settings, shell)},
};

static int
fail_unknown(const struct reader *reader)
{
	char expected[256] = "";
	size_t len = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		len += (size_t)snprintf(
			expected + len, sizeof(expected) - len, "%s=, ", keys[i].name);
	snprintf(expected + len, sizeof(expected) - len,
		"env:NAME=, -env:NAME, reset, barrier or barrier check");
	return fail(reader, reader->word_at, reader->word.data, expected);
}

static int
take_key(struct settings *settings, struct reader *reader)
{
	const char *word = reader->word.data;
	size_t name = strcspn(word, "=");
	for (size_t i = 0; word[name] && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].name) != name || strncmp(word, keys[i].name, name) != 0)
			continue;
		const char *expected =
			keys[i].set((char *)settings + keys[i].field, word + name + 1);
		return expected ? fail(reader, reader->word_at, word, expected) : 0;
	}
	return fail_unknown(reader);
}

static void
raise_barrier(struct settings *settings, enum task_barrier barrier)
{
	if (barrier > settings->barrier)
		settings->barrier = barrier;
}

static void
reset(struct settings *settings)
{
	enum task_barrier barrier = settings->barrier;
	settings_clear(settings);
	settings->barrier = barrier;
}

static int
take_word(struct settings *settings, struct reader *reader)
{
	const char *word = reader->word.data;
	bool after_barrier = reader->after_barrier;
	reader->after_barrier = strcmp(word, "barrier") == 0;
	if (strncmp(word, "env:", 4) == 0)
		return take_variable(settings, reader, word + 4);
	if (strncmp(word, "-env:", 5) == 0)
		return take_variable_back(settings, reader, word + 5);
	if (reader->after_barrier)
		raise_barrier(settings, BARRIER_WAIT);
	else if (after_barrier && strcmp(word, "check") == 0)
		raise_barrier(settings, BARRIER_CHECK);
	else if (strcmp(word, "reset") == 0)
		reset(settings);
	else
		return take_key(settings, reader);
	return 0;
}

int
directive_take(struct settings *settings, const char *line, size_t len, struct err *err)
{
	struct reader reader = {.line = line, .len = len, .at = behind_mark(line, len), .err = err};
	int got;
	do {
		got = next_word(&reader);
		if (got > 0 && take_word(settings, &reader) < 0)
			got = -1;
	} while (got > 0);
	buf_clear(&reader.word);
	return got;
}
