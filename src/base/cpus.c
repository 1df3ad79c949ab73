/* CPU sets. */
#include "base/cpus.h"

#include "base/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = CPUS_MAX / 64 };

void
cpus_add(struct cpus *set, int cpu)
{
	if (cpu >= 0 && cpu < CPUS_MAX)
		set->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

bool
cpus_has(const struct cpus *set, int cpu)
{
	return cpu >= 0 && cpu < CPUS_MAX && (set->bits[cpu / 64] >> (cpu % 64) & 1);
}

int
cpus_count(const struct cpus *set)
{
	int count = 0;
	for (int i = 0; i < WORDS; i++)
		count += __builtin_popcountll(set->bits[i]);
	return count;
}

bool
cpus_empty(const struct cpus *set)
{
	return cpus_count(set) == 0;
}

bool
cpus_equal(const struct cpus *a, const struct cpus *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct cpus
cpus_or(const struct cpus *a, const struct cpus *b)
{
	struct cpus set;
	for (int i = 0; i < WORDS; i++)
		set.bits[i] = a->bits[i] | b->bits[i];
	return set;
}

struct cpus
cpus_and(const struct cpus *a, const struct cpus *b)
{
	struct cpus set;
	for (int i = 0; i < WORDS; i++)
		set.bits[i] = a->bits[i] & b->bits[i];
	return set;
}

struct cpus
cpus_without(const struct cpus *set, const struct cpus *less)
{
	struct cpus rest;
	for (int i = 0; i < WORDS; i++)
		rest.bits[i] = set->bits[i] & ~less->bits[i];
	return rest;
}

bool
cpus_intersect(const struct cpus *a, const struct cpus *b)
{
	struct cpus common = cpus_and(a, b);
	return !cpus_empty(&common);
}

bool
cpus_subset(const struct cpus *inner, const struct cpus *outer)
{
	struct cpus common = cpus_and(inner, outer);
	return cpus_equal(&common, inner);
}

char *
cpus_format(const struct cpus *set, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!cpus_has(set, cpu))
			continue;
		int last = cpu;
		while (cpus_has(set, last + 1))
			last++;
		const char *comma = used ? "," : "";
		int len = last > cpu
				  ? snprintf(text + used, size - used, "%s%d-%d", comma, cpu, last)
				  : snprintf(text + used, size - used, "%s%d", comma, cpu);
		used += (size_t)len;
		if (used >= size)
			break;
		cpu = last;
	}
	return text;
}

struct cpus
cpus_parse(const char *text)
{
	struct cpus set = {0};
	do {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;
		if (end != text && *end == '-')
			last = strtoul(text = end + 1, &end, 10);
		if (end == text || last >= CPUS_MAX || (*end && *end != ','))
			return (struct cpus){0};
		for (unsigned long cpu = first; cpu <= last; cpu++)
			cpus_add(&set, (int)cpu);
		text = end + 1;
	} while (text[-1]);
	return set;
}

void
cpus_pack(struct buf *buf, const struct cpus *set)
{
	int words = WORDS;
	while (words && !set->bits[words - 1])
		words--;
	pack_u16(buf, (uint16_t)words);
	for (int i = 0; i < words; i++)
		pack_u64(buf, set->bits[i]);
}

struct cpus
cpus_unpack(struct unpack *in)
{
	struct cpus set = {0};
	int words = unpack_u16(in);
	if (words > WORDS) {
		in->bad = true;
		return set;
	}
	for (int i = 0; i < words; i++)
		set.bits[i] = unpack_u64(in);
	return set;
}
