/* Open addressing; it grows by half, so that little of it is empty. */
#include "cli/seen.h"

#include "base/log.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

/* The entry of HASH, or the free one where it would be. */
static struct seen_entry *
place_of(const struct seen *seen, uint64_t hash)
{
	uint64_t mixed = (hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
	uint64_t i = (mixed * seen->capacity) >> 32;
	for (;; i = i + 1 < seen->capacity ? i + 1 : 0) {
		struct seen_entry *entry = &seen->entries[i];
		if (!entry->number ||
			(entry->high == (uint32_t)(hash >> 32) && entry->low == (uint32_t)hash))
			return entry;
	}
}

static void
grow(struct seen *seen)
{
	struct seen old = *seen;
	seen->capacity = old.capacity ? old.capacity + old.capacity / 2 : FIRST_CAPACITY;
	seen->entries = xcalloc(seen->capacity, sizeof(*seen->entries));
	for (uint64_t i = 0; i < old.capacity; i++) {
		const struct seen_entry *entry = &old.entries[i];
		if (entry->number)
			*place_of(seen, (uint64_t)entry->high << 32 | entry->low) = *entry;
	}
	free(old.entries);
}

uint32_t
seen_find(const struct seen *seen, uint64_t hash)
{
	return seen->capacity ? place_of(seen, hash)->number : 0;
}

uint32_t
seen_add(struct seen *seen, uint64_t hash, uint32_t number)
{
	if (seen->count >= seen->capacity - seen->capacity / 8)
		grow(seen);
	struct seen_entry *entry = place_of(seen, hash);
	uint32_t before = entry->number;
	if (!before) {
		*entry = (struct seen_entry){(uint32_t)(hash >> 32), (uint32_t)hash, number};
		seen->count++;
	}
	return before;
}

void
seen_clear(struct seen *seen)
{
	free(seen->entries);
	*seen = (struct seen){0};
}
