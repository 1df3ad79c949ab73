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

void
quote_word(struct buf *buf, const char *text, size_t len)
{
	size_t plain = 0;
	while (plain < len && is_plain(text[plain]))
		plain++;
	if (len && plain == len) {
		buf_append(buf, text, len);
		return;
	}
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

/* A byte outside quotes: in $( ), in backquotes or in nothing. */
static void
follow_plain(struct quote_context *context, char c)
{
	char before = context->before;
	if (c == '\'' || c == '"' || c == '(')
		push(context, c);
	else if (c == '`' && innermost(context) != '`')
		push(context, c);
	else if (c == '#' && (!before || strchr(" \t\n;&|()`", before)))
		push(context, c);
	else if ((c == ')' && innermost(context) == '(') || c == '`')
		context->depth--;
	else if (c == '<' && before == '<')
		context->lost = true;
}

static void
follow_byte(struct quote_context *context, char c)
{
	char top = innermost(context);
	if (context->escaped) {
		context->escaped = false;
		context->before = c == '\n' ? c : '\\';
		return;
	}
	if (c == '\\' && top != '\'' && top != '#')
		context->escaped = true;
	else if ((top == '\'' || top == '"') && c == top)
		context->depth--;
	else if (top == '#' && c == '\n')
		context->depth--;
	else if (top == '"' && (c == '`' || (c == '(' && context->before == '$')))
		push(context, c);
	else if (top != '\'' && top != '"' && top != '#')
		follow_plain(context, c);
	context->before = c;
}

void
quote_follow(struct quote_context *context, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		follow_byte(context, text[i]);
}

char
quote_open(const struct quote_context *context)
{
	char top = innermost(context);
	if (context->lost)
		return '\0';
	if (context->escaped)
		return '\\';
	if (memchr(context->open, '`', context->depth))
		return '`';
	return top == '(' ? '\0' : top;
}
