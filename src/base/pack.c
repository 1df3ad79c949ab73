/* Bounded put and get. */
#include "base/pack.h"

#include "base/buf.h"
#include "base/log.h"

#include <string.h>

static void
put(struct buf *buf, uint64_t value, size_t width)
{
	unsigned char bytes[8] = {0};
	for (size_t i = 0; i < width; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	buf_append(buf, bytes, width);
}

void
pack_u8(struct buf *buf, uint8_t value)
{
	put(buf, value, 1);
}

void
pack_u16(struct buf *buf, uint16_t value)
{
	put(buf, value, 2);
}

void
pack_u32(struct buf *buf, uint32_t value)
{
	put(buf, value, 4);
}

void
pack_u64(struct buf *buf, uint64_t value)
{
	put(buf, value, 8);
}

void
pack_i64(struct buf *buf, int64_t value)
{
	put(buf, (uint64_t)value, 8);
}

void
pack_bytes(struct buf *buf, const void *data, size_t len)
{
	pack_u32(buf, (uint32_t)len);
	buf_append(buf, data, len);
}

void
pack_string(struct buf *buf, const char *text)
{
	pack_bytes(buf, text, strlen(text));
}

struct unpack
unpack_init(const void *data, size_t len)
{
	return (struct unpack){.at = data, .left = len};
}

static const unsigned char *
take(struct unpack *in, size_t len)
{
	if (in->bad || in->left < len) {
		in->bad = true;
		return NULL;
	}
	const unsigned char *at = in->at;
	in->at += len;
	in->left -= len;
	return at;
}

static uint64_t
get(struct unpack *in, size_t width)
{
	const unsigned char *bytes = take(in, width);
	uint64_t value = 0;
	for (size_t i = 0; bytes && i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t
unpack_u8(struct unpack *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t
unpack_u16(struct unpack *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t
unpack_u32(struct unpack *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t
unpack_u64(struct unpack *in)
{
	return get(in, 8);
}

int64_t
unpack_i64(struct unpack *in)
{
	return (int64_t)get(in, 8);
}

const char *
unpack_bytes(struct unpack *in, size_t *len)
{
	size_t size = unpack_u32(in);
	const unsigned char *bytes = take(in, size);
	*len = bytes ? size : 0;
	return (const char *)bytes;
}

void
unpack_string(struct unpack *in, char *room, size_t size)
{
	size_t len;
	const char *bytes = unpack_bytes(in, &len);
	room[0] = '\0';
	if (in->bad)
		return;
	if (len >= size || memchr(bytes, '\0', len)) {
		in->bad = true;
		return;
	}
	memcpy(room, bytes, len);
	room[len] = '\0';
}

char *
unpack_string_new(struct unpack *in)
{
	size_t len;
	const char *bytes = unpack_bytes(in, &len);
	if (in->bad || memchr(bytes, '\0', len)) {
		in->bad = true;
		return NULL;
	}
	char *text = xmalloc(len + 1);
	memcpy(text, bytes, len);
	text[len] = '\0';
	return text;
}

bool
unpack_ok(const struct unpack *in)
{
	return !in->bad && in->left == 0;
}
