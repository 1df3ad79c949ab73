/* Quoting for the shell, and how far a shell has got in its own. */
#include "tasks/quote.h"

#include "base/buf.h"

#include <string.h>

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-./,:=+@%", c));
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void
quote_inside(struct buf *buf, const char *text, size_t len, char quote)
{
	const char *special = quote == '"' ? "\\$`\"" : "'";
	size_t done = 0;
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || !strchr(special, text[i]))
			continue;
		buf_append(buf, text + done, i - done);
		buf_append_string(buf, quote == '"' ? "\\" : "'\\'");
		done = i;
	}
	buf_append(buf, text + done, len - done);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
quote_is_name_byte(char c)
{
	return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c);
}

size_t
quote_assignment(const char *text, size_t len)
{
	size_t i = 0;
	while (i < len && quote_is_name_byte(text[i]))
		i++;
	return i && !is_digit(*text) && i < len && text[i] == '=' ? i + 1 : 0;
}

void
quote_word(struct buf *buf, const char *text, size_t len)
{
	size_t plain = 0;
	while (plain < len && is_plain(text[plain]))
		plain++;
	if (len && plain == len && !quote_assignment(text, len))
		buf_append(buf, text, len);
	else
		quote_always(buf, text, len);
}

void
quote_always(struct buf *buf, const char *text, size_t len)
{
	buf_append(buf, "'", 1);
	quote_inside(buf, text, len, '\'');
	buf_append(buf, "'", 1);
}

/* One byte of a printf format in single quotes. */
static void
append_format(struct buf *buf, char c)
{
	switch (c) {
	case '%':
		buf_append_string(buf, "%%");
		break;
	case '\\':
		buf_append_string(buf, "\\\\");
		break;
	case '\n':
		buf_append_string(buf, "\\n");
		break;
	case '\r':
		buf_append_string(buf, "\\r");
		break;
	default:
		quote_inside(buf, &c, 1, '\'');
	}
}

void
quote_line(struct buf *buf, const char *command, size_t len)
{
	size_t blank = 0;
	while (blank < len && is_space(command[blank]))
		blank++;
	if (blank < len && command[blank] != '#' && command[len - 1] != '\r' &&
		!memchr(command, '\n', len)) {
		buf_append(buf, command, len);
		return;
	}
	buf_append_string(buf, "eval \"$(printf '");
	if (len && command[0] == '-')
		buf_append_string(buf, " "); /* it would be an option of printf's and eval's */
	for (size_t i = 0; i < len; i++)
		append_format(buf, command[i]);
	/* $( ) drops newlines at the end, which a backslash may stand before. */
	if (len && command[len - 1] == '\n')
		buf_append_string(buf, " #");
	buf_append_string(buf, "')\"");
}

/* --- what is open --- */

static char
innermost(const struct quote_context *context)
{
	return context->depth ? context->open[context->depth - 1] : '\0';
}

static void
push(struct quote_context *context, char c)
{
	if (context->depth == sizeof(context->open))
		context->lost = true;
	else
		context->open[context->depth++] = c;
}

static bool
is_inside(const struct quote_context *context, char c)
{
	return memchr(context->open, c, context->depth);
}

/* In double quotes, but for commands in these. */
static bool
is_in_quotes(const struct quote_context *context)
{
	size_t i = context->depth;
	while (i && context->open[i - 1] != '(' && context->open[i - 1] != '"')
		i--;
	return i && context->open[i - 1] == '"';
}

/* A "case" in a $( ) which the ) behind its patterns would seem to end. */
static bool
is_lost_in_case(const struct quote_context *context, char c)
{
	const uint64_t word = (uint64_t)'c' << 24 | 'a' << 16 | 's' << 8 | 'e';
	return innermost(context) == '(' && (is_space(c) || c == '\n') &&
	       (context->tail & 0xffffffff) == word &&
	       (is_inside(context, '"') || is_inside(context, '{') || is_inside(context, '+'));
}

static void
follow_command(struct quote_context *context, char c)
{
	char before = (char)context->tail, second = (char)(context->tail >> 8);
	if (c == '{')
		context->braces++;
	else if (c == '}' && context->braces)
		context->braces--;
	else if (is_space(c) || strchr("\n;&|<>()", c))
		context->braces = 0;
	context->bracket = c == '[' || (context->bracket && !is_space(c) && !strchr("\n;]", c));
	if (c == '(')
		push(context, before == '(' && second == '$' ? '+' : '(');
	else if (c == '#' && (!before || strchr(" \t\n;&|()`", before)))
		push(context, c);
	else if (c == ')' && innermost(context) == '(')
		context->depth--;
	else if (c == '<' && before == '<' && second != '<' && context->here == HERE_NONE)
		context->here = HERE_WORD;
	else if ((c == '<' && before == '<' && second != '<') || is_lost_in_case(context, c))
		context->lost = true;
}

/* What quotes mean there depends on the shell and on what else stands there. */
static void
follow_expansion(struct quote_context *context, char c, char top)
{
	bool odd = top == '+' || is_in_quotes(context);
	if (c == (top == '+' ? ')' : '}'))
		context->depth--;
	else if (top == '+' && c == '(')
		push(context, '+');
	else if ((c == '\'' || c == '"') && odd)
		context->lost = true;
	else if (c == '\'' || c == '"')
		push(context, c);
}

/* In $' ', of which not every shell knows: where a backslash stands before another byte than the
 * quote, all agree on what is open behind it. */
static void
follow_dollar_quote(struct quote_context *context, char c)
{
	if (c == '\\')
		context->escaped = true;
	else if (c == '\'')
		context->depth--;
}

static void
follow_open(struct quote_context *context, char c)
{
	char before = (char)context->tail, top = innermost(context);
	if (top == '\'' || top == '#') {
		context->depth -= c == (top == '#' ? '\n' : '\'');
	} else if (top == '$') {
		follow_dollar_quote(context, c);
	} else if (c == '\\') {
		context->escaped = true;
	} else if (c == '`') {
		if (top == '`')
			context->depth--;
		else
			push(context, c);
	} else if (before == '$' && (c == '{' || c == '(')) {
		push(context, c);
	} else if (top == '"') {
		context->depth -= c == '"';
	} else if (top == '{' || top == '+') {
		follow_expansion(context, c, top);
	} else if (c == '\'' || c == '"') {
		push(context, c == '\'' && before == '$' ? '$' : c);
	} else {
		follow_command(context, c);
	}
}

/* --- here-documents --- */

static void
here_begin(struct quote_context *context)
{
	context->here = HERE_BODY;
	context->here_at = 0;
}

/* A byte of the word behind "<<", which ends the document without its quotes. */
static void
follow_here_word(struct quote_context *context, char c)
{
	char top = innermost(context);
	bool quoted = top == '\'' || top == '"' || context->escaped;
	bool quotes = !context->escaped &&
		      ((c == '\'' && top != '"') || (strchr("\"\\", c) && top != '\''));
	if (!context->here_at && c == '<' && (char)context->tail == '<') {
		context->here = HERE_NONE; /* a here-string */
	} else if (!context->here_at && (is_space(c) || c == '-')) {
		context->here_tabs = c == '-' || context->here_tabs;
	} else if (!quoted && (is_space(c) || strchr("\n;&|<>()", c))) {
		context->here = HERE_LINE;
	} else if (c == '\n' || context->here_len == sizeof(context->here_end)) {
		context->lost = true;
	} else {
		context->here_at = 1; /* '' is a word too */
		if (!quotes)
			context->here_end[context->here_len++] = c;
	}
}

static void
follow_here_body(struct quote_context *context, char c)
{
	size_t at = context->here_at;
	if (c == '\n' && at == context->here_len) {
		context->here = HERE_NONE;
		context->here_at = 0;
		context->here_len = 0;
		context->here_tabs = false;
	} else if (c == '\n') {
		context->here_at = 0;
	} else if (at < context->here_len && context->here_end[at] == c) {
		context->here_at++;
	} else if (at || c != '\t' || !context->here_tabs) {
		context->here_at = SIZE_MAX;
	}
}

/* "$$" is a parameter, whose second "$" begins nothing. */
static void
remember(struct quote_context *context, char c)
{
	bool goes_on = context->name || ((char)context->tail == '$' && !is_digit(c));
	context->name = goes_on && quote_is_name_byte(c) && innermost(context) != '\'';
	if (c == '$' && (char)context->tail == '$')
		c = '\\';
	context->tail = context->tail << 8 | (unsigned char)c;
}

static void
follow_byte(struct quote_context *context, char c)
{
	if (context->here == HERE_BODY) {
		follow_here_body(context, c);
		context->tail = '\n'; /* for what comes behind it */
		context->name = false;
		return;
	}
	if (context->here == HERE_WORD)
		follow_here_word(context, c);
	bool escaped = context->escaped;
	context->escaped = false;
	char top = innermost(context);
	if (escaped && top == '$' && c == '\'')
		context->lost = true;
	if (!escaped)
		follow_open(context, c);
	top = innermost(context);
	if (context->here == HERE_LINE && c == '\n' && !escaped && top != '\'' && top != '"')
		here_begin(context);
	if (escaped && c == '\n')
		context->tail >>= 8; /* the two are nothing */
	else
		remember(context, escaped ? '\\' : c);
}

void
quote_follow(struct quote_context *context, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !context->lost; i++)
		follow_byte(context, text[i]);
}

char
quote_open(const struct quote_context *context)
{
	char top = innermost(context);
	if (context->lost)
		return '?';
	if (context->here == HERE_WORD || context->here == HERE_BODY)
		return '<';
	if (context->escaped)
		return '\\';
	if (is_inside(context, '`'))
		return '`';
	bool plain = top == '(' || (top == '{' && !is_in_quotes(context));
	return plain ? '\0' : top;
}
