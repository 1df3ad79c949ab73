/*
 * A growable run of bytes: append at the end, consume at the front. Zero-initialised is empty and
 * valid; buf_clear() frees. DATA is valid until the next call that appends.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* first unconsumed byte; NULL while nothing was ever appended */
	size_t len; /* unconsumed bytes */
	char *memory;
	size_t capacity;
};

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_string(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for LEN more bytes and returns where they go; add them with buf_added(). */
char *buf_room(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

/* Drops LEN bytes (at most all) from the front; a buffer that becomes empty keeps its memory. */
void buf_consume(struct buf *buf, size_t len);

/* Empties it and frees its memory. */
void buf_clear(struct buf *buf);

#endif
