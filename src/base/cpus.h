/*
 * A set of the kernel's CPU numbers (hwloc's "OS indices" of PUs), by value. 4,096 is above the
 * largest NR_CPUS a distribution builds with for x86-64 but RHEL's 8,192; a CPU beyond is ignored.
 */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct unpack;

#define CPUS_MAX 4096

struct cpus {
	uint64_t bits[CPUS_MAX / 64];
};

/* Room for the longest text of cpus_format(). */
#define CPUS_TEXT_MAX 16384

void cpus_add(struct cpus *set, int cpu);
bool cpus_has(const struct cpus *set, int cpu);
int cpus_count(const struct cpus *set);
bool cpus_empty(const struct cpus *set);
bool cpus_equal(const struct cpus *a, const struct cpus *b);
bool cpus_intersect(const struct cpus *a, const struct cpus *b);
bool cpus_subset(const struct cpus *inner, const struct cpus *outer);
struct cpus cpus_or(const struct cpus *a, const struct cpus *b);
struct cpus cpus_and(const struct cpus *a, const struct cpus *b);
struct cpus cpus_without(const struct cpus *set, const struct cpus *less);

/* Writes the kernel's list format, e.g. "0-3,8" (cpuset(7)), "" for the empty set; returns TEXT. */
char *cpus_format(const struct cpus *set, char *text, size_t size);

/* Reads such a list; the empty set if it is none. */
struct cpus cpus_parse(const char *text);

/* In messages and frames: a u16 count of 64-bit words, trailing zero words left out. */
void cpus_pack(struct buf *buf, const struct cpus *set);
struct cpus cpus_unpack(struct unpack *in);

#endif
