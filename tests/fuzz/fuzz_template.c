/*
 * Any bytes as a template, its columns and its values. What is rendered from an argv is split into
 * exactly its words; in a command line no value opens or closes a quote; and what quote_line()
 * makes of either can be undone.
 */
#include "base/buf.h"
#include "base/err.h"
#include "exec/command.h"
#include "tasks/quote.h"
#include "tasks/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 3, WORDS = 3 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* COLUMNS names, COLUMNS values and WORDS words, as many as there are; each ends with a NUL. */
struct input {
	char *text;
	const char *names[COLUMNS];
	struct value values[COLUMNS];
	const char *words[WORDS];
	size_t columns, nwords;
};

static bool
cut(struct input *input, const uint8_t *data, size_t size)
{
	const char *fields[2 * COLUMNS + WORDS];
	size_t count = 0;
	input->text = malloc(size + 1);
	must(input->text);
	memcpy(input->text, data, size);
	input->text[size] = '\0';
	for (size_t at = 0; at <= size && count < 2 * COLUMNS + WORDS;) {
		fields[count++] = input->text + at;
		at += strlen(input->text + at) + 1;
	}
	if (count < 2 * COLUMNS + 1)
		return false;
	for (size_t i = 0; i < COLUMNS; i++) {
		input->names[i] = fields[i][0] == '-' ? NULL : fields[i];
		input->values[i] = (struct value){fields[COLUMNS + i], strlen(fields[COLUMNS + i])};
	}
	input->nwords = count - 2 * COLUMNS;
	memcpy(input->words, fields + 2 * COLUMNS, input->nwords * sizeof(char *));
	input->columns = strlen(input->words[0]) % (COLUMNS + 1);
	return true;
}

static struct template *
parse(const struct input *input, enum template_kind kind, const char *const *words, size_t nwords,
	bool argv)
{
	struct columns columns = {.count = input->columns, .names = input->names};
	struct err err;
	err.text[0] = '\0';
	struct template *template = template_parse(&(struct template_options){.kind = kind,
							   .append = kind == TEMPLATE_COMMAND,
							   .what = "the template",
							   .words = words,
							   .nwords = nwords,
							   .argv = argv,
							   .columns = &columns},
		&err);
	must(template || strncmp(err.text, "the template, ", 14) == 0);
	return template;
}

static struct buf
render(const struct input *input, const struct template *template, const struct value *values)
{
	struct buf buf = {0};
	struct row row = {.count = input->columns, .values = values};
	template_render(template, &row, 5, 70, &buf);
	must(!buf.len || !memchr(buf.data, '\0', buf.len));
	return buf;
}

static bool
holds_one_of(const char *word, const char *const *texts)
{
	for (; *texts; texts++)
		if (strstr(word, *texts))
			return true;
	return false;
}

/* --- an argv --- */

/* A word of an argv that has no more placeholders than a text may have, and is one word. */
static bool
is_like_text(const struct input *input, const char *word)
{
	static const char *const never[] = {"{=", "{%", NULL};
	static const char *const all[] = {"{}", "{.", "{/", NULL};
	return !holds_one_of(word, never) && (input->columns == 1 || !holds_one_of(word, all));
}

/* The program gets each word as it would be as a text, and the values if they are appended. */
static void
check_argv(const struct input *input, const struct buf *rendered)
{
	struct command command = {0};
	struct command_cache cache = {0};
	struct buf line = {0};
	size_t argc = 0;
	for (size_t i = 0; i < input->nwords; i++)
		if (!is_like_text(input, input->words[i]))
			return;
	buf_append_string(&line, "/x ");
	buf_append(&line, rendered->data, rendered->len);
	must(command_prepare(&command, &cache, line.data, line.len, (char *[]){NULL}));
	char **argv = command.argv + 1;
	for (; argc < input->nwords; argc++) {
		struct template *text = parse(input, TEMPLATE_TEXT, input->words + argc, 1, false);
		must(text);
		struct buf word = render(input, text, input->values);
		must(argv[argc] && strlen(argv[argc]) == word.len);
		must(!word.len || memcmp(argv[argc], word.data, word.len) == 0);
		buf_clear(&word);
		template_free(text);
	}
	for (size_t i = 0; argv[argc] && i < input->columns; i++, argc++)
		must(strcmp(argv[argc], input->values[i].text) == 0);
	must(!argv[argc] && (argc == input->nwords || argc == input->nwords + input->columns));
	buf_clear(&line);
	command_clear(&command);
	command_cache_clear(&cache);
}

/* --- a command line --- */

/* No value opens or closes anything. */
static void
check_line(const struct input *input, const struct template *template, const struct buf *rendered)
{
	static const char *const raw[] = {"{=", NULL};
	const struct value dull[COLUMNS] = {{"x", 1}, {"x", 1}, {"x", 1}};
	struct quote_context got = {0}, expected = {0};
	for (size_t i = 0; i < input->nwords; i++)
		if (holds_one_of(input->words[i], raw))
			return;
	struct buf other = render(input, template, dull);
	quote_follow(&got, rendered->data, rendered->len);
	quote_follow(&expected, other.data, other.len);
	if (!expected.lost && !got.lost) {
		must(got.depth == expected.depth && got.escaped == expected.escaped);
		must(got.here == expected.here);
		must(memcmp(got.open, expected.open, got.depth) == 0);
	}
	buf_clear(&other);
}

/* --- as a line of a list --- */

/* Undoes the quoting of a format, up to the quote that ends it. */
static struct buf
read_format(const char *at)
{
	struct buf out = {0};
	for (; strncmp(at, "')\"", 4) != 0; at++) {
		must(*at);
		if (strncmp(at, "'\\''", 4) == 0) {
			buf_append(&out, "'", 1);
			at += 3;
		} else if (*at == '\\' || *at == '%') {
			must(*at == at[1] || (*at == '\\' && (at[1] == 'n' || at[1] == 'r')));
			at++;
			buf_append(&out, *at == 'n' ? "\n" : *at == 'r' ? "\r" : at, 1);
		} else {
			must(*at != '\'');
			buf_append(&out, at, 1);
		}
	}
	return out;
}

static void
check_quoted_line(const struct buf *command)
{
	static const char head[] = "eval \"$(printf '";
	struct buf line = {0}, expected = {0};
	quote_line(&line, command->data, command->len);
	must(line.len && !memchr(line.data, '\n', line.len) && line.data[line.len - 1] != '\r');
	buf_append(&line, "", 1);
	size_t blank = strspn(line.data, " \t\r");
	must(line.data[blank] && line.data[blank] != '#');
	bool same =
		line.len == command->len + 1 && memcmp(line.data, command->data, command->len) == 0;
	if (!same) {
		must(strncmp(line.data, head, sizeof(head) - 1) == 0);
		struct buf got = read_format(line.data + sizeof(head) - 1);
		buf_append_string(&expected, command->len && command->data[0] == '-' ? " " : "");
		buf_append(&expected, command->data, command->len);
		if (command->len && command->data[command->len - 1] == '\n')
			buf_append_string(&expected, " #");
		must(got.len == expected.len);
		must(!got.len || memcmp(got.data, expected.data, got.len) == 0);
		buf_clear(&got);
	}
	buf_clear(&line);
	buf_clear(&expected);
}

static void
check(const struct input *input, bool argv)
{
	struct template *template =
		parse(input, TEMPLATE_COMMAND, input->words, input->nwords, argv);
	if (!template)
		return;
	struct buf rendered = render(input, template, input->values);
	if (argv)
		check_argv(input, &rendered);
	else
		check_line(input, template, &rendered);
	check_quoted_line(&rendered);
	buf_clear(&rendered);
	template_free(template);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {0};
	if (cut(&input, data, size)) {
		check(&input, false);
		if (input.nwords > 1)
			check(&input, true);
	}
	free(input.text);
	return 0;
}
