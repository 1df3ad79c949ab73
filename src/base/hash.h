/* FNV-1a, 64 bits: for identities, not against adversaries. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Adds LEN bytes, and that they end here, so that "ab", "c" and "a", "bc" differ. */
uint64_t hash_add(uint64_t hash, const char *data, size_t len);

#endif
