/* Bytes that should be UTF-8, and may be anything. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

struct buf;

/* The bytes of the character at TEXT, of which LEN are there; 0 if it is none (RFC 3629: no
 * surrogates, none longer than need be). */
size_t utf8_length(const char *text, size_t len);

/* How many bytes of TEXT to take so that they are at most MOST and no character is cut. */
size_t utf8_cut(const char *text, size_t len, size_t most);

/* Appends TEXT as a terminal may have it, on one line: control characters, those of ISO 8859 too
 * (0x80 to 0x9f), and bytes that are no character as '?'. */
void utf8_append_visible(struct buf *buf, const char *text, size_t len);

#endif
