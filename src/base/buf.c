/* The growable buffer. */
#include "base/buf.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
buf_room(struct buf *buf, size_t len)
{
	size_t front = (size_t)(buf->data - buf->memory);
	if (buf->memory && front + buf->len + len <= buf->capacity)
		return buf->data + buf->len;
	if (buf->memory && buf->len + len <= buf->capacity && front >= buf->len) {
		memcpy(buf->memory, buf->data, buf->len);
		buf->data = buf->memory;
		return buf->data + buf->len;
	}
	/* Twice, even where moving to the front would do: a long queue would be moved at each
	 * append. */
	size_t capacity = buf->capacity ? 2 * buf->capacity : 256;
	while (capacity < buf->len + len)
		capacity *= 2;
	char *memory = xmalloc(capacity);
	if (buf->len)
		memcpy(memory, buf->data, buf->len);
	free(buf->memory);
	buf->memory = buf->data = memory;
	buf->capacity = capacity;
	return buf->data + buf->len;
}

void
buf_added(struct buf *buf, size_t len)
{
	buf->len += len;
}

void
buf_append(struct buf *buf, const void *data, size_t len)
{
	if (!len)
		return;
	memcpy(buf_room(buf, len), data, len);
	buf->len += len;
}

void
buf_append_string(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *room = buf_room(buf, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(room, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

void
buf_consume(struct buf *buf, size_t len)
{
	if (len > buf->len)
		len = buf->len;
	if (!len)
		return;
	buf->data += len;
	buf->len -= len;
	if (!buf->len)
		buf->data = buf->memory;
}

void
buf_clear(struct buf *buf)
{
	free(buf->memory);
	*buf = (struct buf){0};
}
