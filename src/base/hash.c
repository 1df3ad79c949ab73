/* FNV-1a. */
#include "base/hash.h"

uint64_t
hash_add(uint64_t hash, const char *data, size_t len)
{
	const uint64_t prime = UINT64_C(0x100000001b3);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * prime;
	return (hash ^ 0x100) * prime;
}
