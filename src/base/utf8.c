/* UTF-8. */
#include "base/utf8.h"

#include "base/buf.h"

#include <stdbool.h>

size_t
utf8_length(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char first = len ? bytes[0] : 0xff;
	size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (!n || first > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] > 0x9f) ||
		(first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] > 0x8f))
		return 0;
	return n;
}

size_t
utf8_cut(const char *text, size_t len, size_t most)
{
	if (len <= most)
		return len;
	for (size_t back = 0; back < 4 && back < most; back++)
		if (((unsigned char)text[most - back] & 0xc0) != 0x80)
			return most - back;
	return most;
}

static bool
is_control(const char *character, size_t len)
{
	unsigned char first = (unsigned char)character[0];
	return first < ' ' || first == 0x7f ||
	       (len == 2 && first == 0xc2 && (unsigned char)character[1] < 0xa0);
}

void
utf8_append_visible(struct buf *buf, const char *text, size_t len)
{
	while (len) {
		size_t n = utf8_length(text, len);
		if (!n || is_control(text, n))
			buf_append(buf, "?", 1);
		else
			buf_append(buf, text, n);
		text += n ? n : 1;
		len -= n ? n : 1;
	}
}
