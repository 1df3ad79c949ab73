/* Templates: parsed once into segments, filled by appending one after the other. */
#include "tasks/template.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/argv.h"
#include "tasks/quote.h"
#include "tasks/segment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct template
{
	struct segment *segments;
	size_t count, room;
	struct buf text;
};

struct parser {
	const struct template_options *options;
	struct template *template;
	bool argv;		      /* each word is quoted as a whole */
	bool filled;		      /* a placeholder was seen */
	size_t word;		      /* which is read */
	struct quote_context context; /* of a command that is no argv */
	bool not_digits;	      /* the shell's word so far has more than digits and values */
	size_t value;		      /* the segment, from 1, that is the first value in it */
	struct err *err;
};

/* A literal run of a word, or what stands between two braces. */
struct piece {
	const char *text;
	size_t len;
	bool placeholder;
};

/* In the order in which they are tried as endings. */
static const struct {
	const char *text;
	enum segment_op op;
} ops[] = {{"/.", SEGMENT_OP_NAME_STEM}, {"//", SEGMENT_OP_DIR}, {"/", SEGMENT_OP_NAME},
	{".", SEGMENT_OP_STEM}};

/* --- errors --- */

static int
fail_at(const struct parser *parser, const char *at, const char *problem)
{
	const struct template_options *options = parser->options;
	char word[32] = "";
	if (options->nwords > 1)
		snprintf(word, sizeof(word), " word %zu,", parser->word + 1);
	return err_set(parser->err, "%s,%s column %zu: %s", options->what, word,
		(size_t)(at - options->words[parser->word]) + 1, problem);
}

/* The known placeholders, as many as fit with some room for what follows. */
static void
append_known(struct buf *buf, const struct template_options *options)
{
	const struct columns *columns = options->columns;
	size_t limit = buf->len + 200;
	if (columns->count)
		buf_append_string(buf, " {}");
	for (size_t i = 0; i < columns->count && columns->count < 10; i++)
		buf_printf(buf, " {%zu}", i + 1);
	if (columns->count >= 10)
		buf_printf(buf, " {1} to {%zu}", columns->count);
	for (size_t i = 0; i < columns->count && buf->len < limit; i++)
		if (columns->names[i] && columns->names[i][0])
			buf_printf(buf, " {%.40s}", columns->names[i]);
	if (buf->len >= limit)
		buf_append_string(buf, " ...");
	buf_append_string(buf, " {#} {0#}");
	if (options->kind == TEMPLATE_COMMAND)
		buf_append_string(buf, " {%}");
}

static int
fail_unknown(const struct parser *parser, const struct piece *piece)
{
	struct buf buf = {0};
	const struct template_options *options = parser->options;
	buf_printf(&buf, "unknown placeholder {%.*s}: known are",
		piece->len < 60 ? (int)piece->len : 60, piece->text);
	append_known(&buf, options);
	buf_append_string(&buf, " ({{ is a brace)");
	if (options->hint)
		options->hint(options->arg, piece->text, piece->len, &buf);
	buf_append(&buf, "", 1);
	fail_at(parser, piece->text - 1, buf.data);
	buf_clear(&buf);
	return -1;
}

/* --- pieces --- */

static bool
is_open(const char *word, const char *at)
{
	return *at == '{' && (at == word || at[-1] != '$');
}

/* Takes the next piece at *AT of WORD. 1: here it is; 0: there is none; -1: an unclosed brace. */
static int
next_piece(const char *word, const char **at, struct piece *piece)
{
	const char *start = *at, *end = start;
	if (!*start)
		return 0;
	bool open = is_open(word, start);
	if (open && start[1] != '{') {
		end = strchr(start, '}');
		if (!end)
			return -1;
		*piece = (struct piece){start + 1, (size_t)(end - start) - 1, true};
		*at = end + 1;
		return 1;
	}
	while (*end && !is_open(word, end))
		end++;
	*piece = (struct piece){start, open ? 1 : (size_t)(end - start), false};
	*at = open ? start + 2 : end;
	return 1;
}

/* --- segments --- */

static void
add_segment(struct template *template, struct segment segment)
{
	if (template->count == template->room) {
		template->room = template->room ? 2 * template->room : 8;
		template->segments =
			xrealloc(template->segments, template->room * sizeof(struct segment));
	}
	template->segments[template->count++] = segment;
}

/* Adds to the last segment if that is text too. */
static void
add_text(struct template *template, const char *text, size_t len)
{
	size_t count = template->count;
	if (!len)
		return;
	if (!count || template->segments[count - 1].kind != SEGMENT_TEXT)
		add_segment(
			template, (struct segment){.kind = SEGMENT_TEXT, .at = template->text.len});
	buf_append(&template->text, text, len);
	template->segments[template->count - 1].len += len;
}

/* "{}>file" and "{}2>file": no value is to be the number of a descriptor, or a part of it. */
static void
follow_digits(struct parser *parser, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (isdigit((unsigned char)text[i]))
			continue;
		if (strchr("<>", text[i]) && parser->value && !parser->not_digits)
			parser->template->segments[parser->value - 1].descriptor = true;
		parser->not_digits = !strchr(" \t\n;&|<>()", text[i]);
		parser->value = 0;
	}
}

static void
follow(struct parser *parser, const char *text, size_t len)
{
	quote_follow(&parser->context, text, len);
	follow_digits(parser, text, len);
}

static void
add_literal(struct parser *parser, const char *text, size_t len)
{
	struct buf quoted = {0};
	size_t name = parser->argv ? quote_assignment(text, len) : len;
	buf_append(&quoted, text, name);
	if (parser->argv && (name < len || !len))
		quote_word(&quoted, text + name, len - name);
	add_text(parser->template, quoted.data, quoted.len);
	follow(parser, text, len);
	buf_clear(&quoted);
}

static void
add_blank(struct parser *parser)
{
	add_text(parser->template, " ", 1);
	follow(parser, " ", 1);
}

static void
add_slot(struct parser *parser)
{
	char open = parser->argv ? '\0' : quote_open(&parser->context);
	const char *text = open == '\''			   ? "'\"$MPBATCH_SLOT\"'"
			   : open && strchr("\"{+<", open) ? "${MPBATCH_SLOT}"
							   : "\"$MPBATCH_SLOT\"";
	add_text(parser->template, text, strlen(text));
	parser->not_digits = true;
}

/* Where no quoting makes data of a value, by what quote_open() says. */
static const struct {
	char open;
	const char *problem;
} bad_places[] = {
	{'`', "a value in backquotes, expected it in $( )"},
	{'#', "a value in a comment of the shell's"},
	{'\\', "a value behind a backslash"},
	{'{', "a value in ${ } in quotes, where it would be more than data"},
	{'+', "a value in $(( )), where it would be more than data ({=} inserts it)"},
	{'$', "a value in $' ', which not every shell knows"},
	{'<', "a value in a here-document, where it would be more than data ({=} inserts it)"},
	{'?', "a value where it is not clear what quotes are open"},
};

/* How a value must be quoted here; -1 with ERR where no quoting would make it data. */
static int
quoting_here(const struct parser *parser, const char *at)
{
	if (parser->options->kind == TEMPLATE_TEXT)
		return SEGMENT_QUOTING_NONE;
	char open = parser->argv ? '\0' : quote_open(&parser->context);
	for (size_t i = 0; i < sizeof(bad_places) / sizeof(bad_places[0]); i++)
		if (open == bad_places[i].open)
			return fail_at(parser, at, bad_places[i].problem);
	if (open)
		return open == '"' ? SEGMENT_QUOTING_DOUBLE : SEGMENT_QUOTING_SINGLE;
	if (parser->argv)
		return SEGMENT_QUOTING_WORD;
	return parser->context.braces	 ? SEGMENT_QUOTING_BRACES
	       : parser->context.bracket ? SEGMENT_QUOTING_BRACKET
					 : SEGMENT_QUOTING_WORD;
}

/* Adds what is no word of its own: it may touch what stands before it and behind it. */
static void
add_touching(struct parser *parser, struct segment segment)
{
	bool data = segment.quoting != SEGMENT_QUOTING_NONE && !parser->argv;
	segment.name = data && parser->context.name;
	add_segment(parser->template, segment);
	bool several = segment.kind == SEGMENT_VALUES && parser->options->columns->count > 1;
	if (several) /* the last one begins a word */
		parser->not_digits = false;
	if (data && (several || !parser->value))
		parser->value = parser->template->count;
}

/* The task's number; where a value could not stand it is as it is. */
static void
add_number(struct parser *parser, enum segment_kind kind)
{
	char open = parser->argv ? '\0' : quote_open(&parser->context);
	bool text = parser->options->kind == TEMPLATE_TEXT || (open && open != '"');
	enum segment_quoting quoting = text   ? SEGMENT_QUOTING_NONE
				       : open ? SEGMENT_QUOTING_DOUBLE
					      : SEGMENT_QUOTING_WORD;
	add_touching(parser, (struct segment){.kind = kind, .quoting = quoting});
}

/* --- placeholders --- */

static bool
is_text(const struct piece *piece, const char *text)
{
	return piece->len == strlen(text) && memcmp(piece->text, text, piece->len) == 0;
}

static bool
find_name(const struct columns *columns, const struct piece *name, size_t *which)
{
	for (size_t i = 0; name->len && i < columns->count; i++)
		if (columns->names[i] && is_text(name, columns->names[i])) {
			*which = i;
			return true;
		}
	return false;
}

/* A name, a number from 1 or nothing, which is all. */
static bool
find_value(const struct columns *columns, const struct piece *name, struct segment *segment)
{
	segment->kind = name->len ? SEGMENT_VALUE : SEGMENT_VALUES;
	if (!name->len || find_name(columns, name, &segment->at))
		return columns->count > 0;
	size_t number = 0;
	for (size_t i = 0; i < name->len; i++) {
		char c = name->text[i];
		if (c < (i ? '0' : '1') || c > '9' || number > columns->count)
			return false;
		number = number * 10 + (size_t)(c - '0');
	}
	segment->at = number - 1;
	return number <= columns->count;
}

/* What find_value() finds, or that with an operation behind it. */
static bool
find_operand(const struct columns *columns, const struct piece *text, struct segment *segment)
{
	if (find_value(columns, text, segment))
		return true;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t len = strlen(ops[i].text);
		struct piece base = *text;
		if (base.len < len || memcmp(base.text + base.len - len, ops[i].text, len) != 0)
			continue;
		base.len -= len;
		segment->op = ops[i].op;
		if (find_value(columns, &base, segment))
			return true;
	}
	return false;
}

static int
add_value(struct parser *parser, const struct piece *piece)
{
	const struct columns *columns = parser->options->columns;
	struct segment segment = {0};
	struct piece inner = *piece;
	size_t ignored;
	bool raw = piece->len && piece->text[0] == '=' && !find_name(columns, piece, &ignored);
	if (raw)
		inner = (struct piece){piece->text + 1, piece->len - 1, true};
	if (!find_operand(columns, &inner, &segment))
		return fail_unknown(parser, piece);
	int quoting = raw ? SEGMENT_QUOTING_NONE : quoting_here(parser, piece->text - 1);
	if (quoting < 0)
		return -1;
	segment.quoting = (enum segment_quoting)quoting;
	add_touching(parser, segment);
	return 0;
}

static int
add_placeholder(struct parser *parser, const struct piece *piece)
{
	size_t ignored;
	int status = 0;
	if (find_name(parser->options->columns, piece, &ignored))
		status = add_value(parser, piece);
	else if (is_text(piece, "#"))
		add_number(parser, SEGMENT_INDEX);
	else if (is_text(piece, "0#"))
		add_number(parser, SEGMENT_PADDED);
	else if (!is_text(piece, "%"))
		status = add_value(parser, piece);
	else if (parser->options->kind == TEMPLATE_COMMAND)
		add_slot(parser);
	else
		return fail_at(parser, piece->text - 1, "{%} is only for commands");
	parser->filled = true;
	quote_follow(&parser->context, ".", 1); /* what comes is in the middle of a word */
	return status;
}

/* --- parsing --- */

static int
add_word(struct parser *parser, const char *word)
{
	struct piece piece;
	const char *at = word;
	int got;
	if (!*word)
		add_literal(parser, "", 0);
	while ((got = next_piece(word, &at, &piece)) > 0)
		if (!piece.placeholder)
			add_literal(parser, piece.text, piece.len);
		else if (add_placeholder(parser, &piece) < 0)
			return -1;
	if (got < 0)
		return fail_at(parser, at, "an unclosed brace ({{ is a brace)");
	return 0;
}

static int
append_values(struct parser *parser)
{
	const struct template_options *options = parser->options;
	const char *const *names = options->columns->names;
	parser->word = options->nwords - 1;
	const char *last = options->words[parser->word];
	for (size_t i = 0; i < options->columns->count; i++) {
		if (options->apart && names[i] && strcmp(names[i], options->apart) == 0)
			continue;
		add_blank(parser);
		int quoting = quoting_here(parser, last + strlen(last));
		if (quoting < 0)
			return -1;
		add_segment(parser->template, (struct segment){.kind = SEGMENT_VALUE,
						      .at = i,
						      .quoting = (enum segment_quoting)quoting});
		quote_follow(&parser->context, ".", 1);
	}
	return 0;
}

static int
add_words(struct parser *parser)
{
	const struct template_options *options = parser->options;
	if (parser->argv &&
		argv_check(options->what, options->words, options->nwords, parser->err) < 0)
		return -1;
	for (parser->word = 0; parser->word < options->nwords; parser->word++) {
		if (parser->word)
			add_blank(parser);
		if (add_word(parser, options->words[parser->word]) < 0)
			return -1;
	}
	return options->append && !parser->filled ? append_values(parser) : 0;
}

struct template *
template_parse(const struct template_options *options, struct err *err)
{
	struct template *template = xcalloc(1, sizeof(*template));
	struct parser parser = {.options = options,
		.template = template,
		.argv = options->argv && options->nwords > 1,
		.err = err};
	if (add_words(&parser) == 0)
		return template;
	template_free(template);
	return NULL;
}

void
template_free(struct template *template)
{
	if (!template)
		return;
	buf_clear(&template->text);
	free(template->segments);
	free(template);
}

static bool
has_kind(const struct template *template, enum segment_kind kind)
{
	for (size_t i = 0; i < template->count; i++)
		if (template->segments[i].kind == kind)
			return true;
	return false;
}

bool
template_needs_count(const struct template *template)
{
	return has_kind(template, SEGMENT_PADDED);
}

bool
template_has_index(const struct template *template)
{
	return has_kind(template, SEGMENT_INDEX) || has_kind(template, SEGMENT_PADDED);
}

static bool
is_number(const struct segment *segment)
{
	return segment->kind == SEGMENT_INDEX || segment->kind == SEGMENT_PADDED;
}

/* Text whose character at its beginning, or END, is no digit: a number stops there. */
static bool
bounds(const struct template *template, size_t i, bool end)
{
	const struct segment *segment = &template->segments[i];
	const char *text = template->text.data + segment->at;
	return segment->kind == SEGMENT_TEXT &&
	       !isdigit((unsigned char)text[end ? segment->len - 1 : 0]);
}

/* The number is the first thing that varies, or the last, and what is beside it is no part of it:
 * "{1}{#}" is "111" of 1 and 11, and of 11 and 1. */
bool
template_tells_index(const struct template *template)
{
	const struct segment *segments = template->segments;
	size_t first = 0, last = template->count;
	while (first < template->count && segments[first].kind == SEGMENT_TEXT)
		first++;
	while (last && segments[last - 1].kind == SEGMENT_TEXT)
		last--;
	if (first == template->count)
		return false;
	if (is_number(&segments[first]) &&
		(first + 1 == last || bounds(template, first + 1, false)))
		return true;
	return is_number(&segments[last - 1]) && bounds(template, last - 2, true);
}

bool
template_has_value(const struct template *template)
{
	return has_kind(template, SEGMENT_VALUE) || has_kind(template, SEGMENT_VALUES);
}

/* --- rendering --- */

void
template_render(const struct template *template, const struct row *row, uint64_t index,
	uint64_t count, struct buf *out)
{
	for (size_t i = 0; i < template->count; i++) {
		const struct segment *segment = &template->segments[i];
		if (segment->kind == SEGMENT_TEXT)
			buf_append(out, template->text.data + segment->at, segment->len);
		else
			segment_render(segment, row, index, count, out);
	}
}
