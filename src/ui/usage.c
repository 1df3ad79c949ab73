/* The slots' time. */
#include "ui/usage.h"

#include "base/log.h"
#include "tasks/result.h"

#include <stdlib.h>
#include <string.h>

void
usage_clear(struct usage *usage)
{
	free(usage->slots);
	*usage = (struct usage){0};
}

static struct usage_slot *
slot_of(struct usage *usage, int slot)
{
	if (slot >= usage->count) {
		int count = 2 * slot + 8;
		usage->slots = xrealloc(usage->slots, (unsigned long)count * sizeof(*usage->slots));
		memset(usage->slots + usage->count, 0,
			(size_t)(count - usage->count) * sizeof(*usage->slots));
		usage->count = count;
	}
	return &usage->slots[slot];
}

void
usage_ended(struct usage *usage, int slot, const struct result *result, uint64_t left, int nslots)
{
	if (slot < 0)
		return;
	struct usage_slot *at = slot_of(usage, slot);
	at->idle = left < (uint64_t)(nslots > 0 ? nslots : 0);
	if (!result->runtime_ns) /* given up: when and where it ran is not known */
		return;
	int64_t runtime_us = result->runtime_ns / 1000;
	if (!at->first_us)
		at->first_us = result->start_us;
	at->last_us = result->start_us + runtime_us;
	at->busy_us += runtime_us;
}

int
usage_ages(const struct usage *usage, int nslots, int64_t now_us, double *ages)
{
	int n = 0;
	for (int i = 0; i < nslots; i++) {
		const struct usage_slot *slot = i < usage->count ? &usage->slots[i] : NULL;
		if (slot && slot->idle)
			continue;
		int64_t since = slot && slot->last_us ? slot->last_us : usage->start_us;
		ages[n++] = now_us > since ? (double)(now_us - since) / 1e6 : 0;
	}
	return n;
}

static double
not_negative(int64_t value)
{
	return value > 0 ? (double)value : 0;
}

static void
add_slot(const struct usage *usage, const struct usage_slot *slot, int64_t end_us,
	double sums[USAGE_PARTS])
{
	int64_t all = end_us - usage->start_us;
	double start = not_negative(slot->first_us - usage->start_us);
	double tail = not_negative(end_us - slot->last_us);
	double waiting = not_negative(slot->last_us - slot->first_us - slot->busy_us);
	if (!slot->first_us) {
		sums[USAGE_WAITING] += not_negative(all);
		return;
	}
	sums[USAGE_START] += start;
	sums[USAGE_RUNNING] += (double)slot->busy_us;
	sums[USAGE_WAITING] += waiting;
	sums[USAGE_TAIL] += tail;
}

/* Rounded down, then one more each to those that lost most, but 1000 only to what is all. */
static void
round_shares(const double sums[USAGE_PARTS], int shares[USAGE_PARTS])
{
	double all = 0, lost[USAGE_PARTS];
	int given = 0;
	for (int i = 0; i < USAGE_PARTS; i++)
		all += sums[i];
	for (int i = 0; i < USAGE_PARTS; i++) {
		double exact = all > 0 ? 1000 * sums[i] / all : i == USAGE_WAITING ? 1000 : 0;
		shares[i] = (int)exact;
		lost[i] = exact - shares[i];
		given += shares[i];
		if (shares[i] == 999 && sums[i] < all)
			lost[i] = -1;
	}
	for (; given < 1000; given++) {
		int most = 0;
		for (int i = 1; i < USAGE_PARTS; i++)
			if (lost[i] > lost[most])
				most = i;
		shares[most]++;
		lost[most] = -1;
	}
}

void
usage_shares(const struct usage *usage, int nslots, int64_t end_us, int shares[USAGE_PARTS])
{
	static const struct usage_slot unused;
	double sums[USAGE_PARTS] = {0};
	int count = nslots > usage->count ? nslots : usage->count;
	for (int i = 0; i < count; i++) {
		const struct usage_slot *slot = i < usage->count ? &usage->slots[i] : &unused;
		if (i < nslots || slot->first_us)
			add_slot(usage, slot, end_us, sums);
	}
	round_shares(sums, shares);
}
