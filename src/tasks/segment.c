/* Filling segments: what is taken of a value, and how it is quoted at its place. */
#include "tasks/segment.h"

#include "base/buf.h"
#include "tasks/quote.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- values --- */

static struct value
file_name(struct value value)
{
	const char *slash = value.len ? memrchr(value.text, '/', value.len) : NULL;
	if (!slash)
		return value;
	size_t dir = (size_t)(slash - value.text) + 1;
	return (struct value){value.text + dir, value.len - dir};
}

static struct value
without_extension(struct value value)
{
	struct value name = file_name(value);
	const char *dot = name.len ? memrchr(name.text, '.', name.len) : NULL;
	return dot ? (struct value){value.text, (size_t)(dot - value.text)} : value;
}

/* Perl's dirname, which GNU parallel uses: "a/b/" is in "a", as for dirname(1). */
static struct value
directory(struct value value)
{
	size_t len = value.len - file_name(value).len;
	bool again = len == value.len;
	while (len > 1 && value.text[len - 1] == '/')
		len--;
	if (!len)
		return (struct value){".", 1};
	value.len = len;
	return again && !(len == 1 && value.text[0] == '/') ? directory(value) : value;
}

static struct value
apply(enum segment_op op, struct value value)
{
	switch (op) {
	case SEGMENT_OP_STEM:
		return without_extension(value);
	case SEGMENT_OP_NAME:
		return file_name(value);
	case SEGMENT_OP_DIR:
		return directory(value);
	case SEGMENT_OP_NAME_STEM:
		return without_extension(file_name(value));
	case SEGMENT_OP_NONE:
		break;
	}
	return value;
}

/* --- quoting --- */

static bool
is_digits(struct value value)
{
	size_t i = 0;
	while (i < value.len && isdigit((unsigned char)value.text[i]))
		i++;
	return i == value.len;
}

static bool
has_one_of(struct value value, const char *bytes)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.text[i] && strchr(bytes, value.text[i]))
			return true;
	return false;
}

/* "=5" behind x would be an assignment where a command is expected; "+=5" is bash's. */
static bool
assigns(struct value value)
{
	size_t i = 0;
	while (i < value.len && quote_is_name_byte(value.text[i]))
		i++;
	i += i < value.len && value.text[i] == '+';
	return i < value.len && value.text[i] == '=';
}

/* Would VALUE, though none of its bytes is special, change what it touches? */
static bool
changes_word(const struct segment *segment, struct value value)
{
	if (segment->name && value.len && quote_is_name_byte(*value.text))
		return true;
	if ((segment->descriptor && is_digits(value)) || assigns(value))
		return true;
	/* One part of bash's {a,b}; as it is in {1..9}. */
	if (segment->quoting == SEGMENT_QUOTING_BRACES)
		return has_one_of(value, ",") || memmem(value.text, value.len, "..", 2);
	return segment->quoting == SEGMENT_QUOTING_BRACKET && has_one_of(value, "-:.=");
}

static void
render_value(const struct segment *segment, struct value value, struct buf *out)
{
	value = apply(segment->op, value);
	switch (segment->quoting) {
	case SEGMENT_QUOTING_NONE:
		buf_append(out, value.text, value.len);
		break;
	case SEGMENT_QUOTING_WORD:
	case SEGMENT_QUOTING_BRACES:
	case SEGMENT_QUOTING_BRACKET:
		if (changes_word(segment, value))
			quote_always(out, value.text, value.len);
		else
			quote_word(out, value.text, value.len);
		break;
	case SEGMENT_QUOTING_SINGLE:
		quote_inside(out, value.text, value.len, '\'');
		break;
	case SEGMENT_QUOTING_DOUBLE: /* a name ends with the quotes, which begin anew */
		if (segment->name && (!value.len || quote_is_name_byte(*value.text)))
			buf_append_string(out, "\"\"");
		quote_inside(out, value.text, value.len, '"');
		break;
	}
}

/* All values as words; only the first one and the last one touch anything. */
static void
render_values(const struct segment *segment, const struct row *row, struct buf *out)
{
	for (size_t i = 0; i < row->count; i++) {
		struct segment one = *segment;
		one.name = one.name && i == 0;
		one.descriptor = one.descriptor && i + 1 == row->count;
		buf_append(out, " ", i > 0);
		render_value(&one, row->values[i], out);
	}
}

static void
render_index(const struct segment *segment, uint64_t index, uint64_t count, struct buf *out)
{
	char text[24];
	int width = 1;
	if (!index) {
		buf_append_string(out, "{#}");
		return;
	}
	uint64_t last = segment->kind == SEGMENT_PADDED ? count : 0;
	for (; last >= 10; last /= 10)
		width++;
	int len = snprintf(text, sizeof(text), "%0*" PRIu64, width, index);
	render_value(segment, (struct value){text, (size_t)len}, out);
}

void
segment_render(const struct segment *segment, const struct row *row, uint64_t index, uint64_t count,
	struct buf *out)
{
	switch (segment->kind) {
	case SEGMENT_TEXT:
		break;
	case SEGMENT_VALUE:
		render_value(segment, row->values[segment->at], out);
		break;
	case SEGMENT_VALUES:
		render_values(segment, row, out);
		break;
	case SEGMENT_INDEX:
	case SEGMENT_PADDED:
		render_index(segment, index, count, out);
		break;
	}
}
