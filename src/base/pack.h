/*
 * Bounded put and get of little-endian integers and byte strings: the ground of every frame and
 * message. Strings are a u32 length and the bytes. A get beyond the end, or a string longer than
 * what is left, sets BAD, returns 0 (or NULL), and so does every get after it: check unpack_ok()
 * once, at the end.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

void pack_u8(struct buf *buf, uint8_t value);
void pack_u16(struct buf *buf, uint16_t value);
void pack_u32(struct buf *buf, uint32_t value);
void pack_u64(struct buf *buf, uint64_t value);
void pack_i64(struct buf *buf, int64_t value);
void pack_bytes(struct buf *buf, const void *data, size_t len);
void pack_string(struct buf *buf, const char *text);

struct unpack {
	const unsigned char *at;
	size_t left;
	bool bad;
};

struct unpack unpack_init(const void *data, size_t len);
uint8_t unpack_u8(struct unpack *in);
uint16_t unpack_u16(struct unpack *in);
uint32_t unpack_u32(struct unpack *in);
uint64_t unpack_u64(struct unpack *in);
int64_t unpack_i64(struct unpack *in);

/* The bytes stay where they are, in the caller's memory; LEN gets their number. */
const char *unpack_bytes(struct unpack *in, size_t *len);

/* Copies a string into ROOM of SIZE bytes, NUL-terminated; one that does not fit, or has a NUL
 * byte in it, is bad. */
void unpack_string(struct unpack *in, char *room, size_t size);

/* A copy that the caller frees; NULL if bad. */
char *unpack_string_new(struct unpack *in);

/* True if nothing was bad and nothing is left over. */
bool unpack_ok(const struct unpack *in);

#endif
