/*
 * Which task a hash was seen of first: a table that takes 14 to 21 bytes for each. Zero-initialised
 * is empty and valid.
 */
#ifndef CLI_SEEN_H
#define CLI_SEEN_H

#include <stdint.h>

struct seen_entry {
	uint32_t high, low; /* of the hash */
	uint32_t number;    /* 0: the place is free */
};

struct seen {
	struct seen_entry *entries;
	uint64_t capacity;
	uint64_t count;
};

/* The number that HASH was added with, 0 if it was not. */
uint32_t seen_find(const struct seen *seen, uint64_t hash);

/* The same, and where that is 0 it is added with NUMBER, which is not 0. */
uint32_t seen_add(struct seen *seen, uint64_t hash, uint32_t number);

void seen_clear(struct seen *seen);

#endif
