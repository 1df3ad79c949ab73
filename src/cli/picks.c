/* One attempt of each task. */
#include "cli/picks.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "run/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
picks_clear(struct picks *picks)
{
	for (size_t i = 0; i < picks->nnames; i++)
		free(picks->names[i]);
	free(picks->names);
	free(picks->list);
	free(picks->ranges);
	*picks = (struct picks){0};
}

/* --- what is wanted --- */

static bool
take_index(const char **text, uint64_t *index)
{
	char *end;
	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*index = strtoull(*text, &end, 10);
	*text = end;
	return !errno && *index > 0;
}

int
picks_want(struct picks *picks, const char *text, struct err *err)
{
	struct picks_range range = {0};
	const char *at = text;
	bool good = take_index(&at, &range.from);
	range.to = range.from;
	if (good && *at == '-') {
		at++;
		good = take_index(&at, &range.to) && range.from <= range.to;
	}
	if (!good || *at)
		return err_set(
			err, "index '%.100s': expected a number from 1, or a range as 3-7", text);
	picks->ranges = xrealloc(picks->ranges, (picks->nranges + 1) * sizeof(*picks->ranges));
	picks->ranges[picks->nranges++] = range;
	return 0;
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct picks_range *left = a, *right = b;
	return (left->from > right->from) - (left->from < right->from);
}

void
picks_begin(struct picks *picks)
{
	size_t kept = 0;
	if (picks->nranges)
		qsort(picks->ranges, picks->nranges, sizeof(*picks->ranges), compare_ranges);
	for (size_t i = 0; i < picks->nranges; i++) {
		struct picks_range *range = &picks->ranges[i];
		struct picks_range *before = kept ? &picks->ranges[kept - 1] : NULL;
		if (!before || range->from > before->to)
			picks->ranges[kept++] = *range;
		else if (range->to > before->to)
			before->to = range->to;
	}
	picks->nranges = kept;
}

static int
compare_index(const void *key, const void *element)
{
	uint64_t index = *(const uint64_t *)key;
	const struct picks_range *range = element;
	return index < range->from ? -1 : index > range->to;
}

static struct picks_range *
range_of(const struct picks *picks, uint64_t index)
{
	return picks->nranges ? bsearch(&index, picks->ranges, picks->nranges,
					sizeof(*picks->ranges), compare_index)
			      : NULL;
}

/* --- what is there --- */

static bool
is_name(const struct picks *picks, size_t number, const struct reader_text *name)
{
	return number < picks->nnames && strlen(picks->names[number]) == name->len &&
	       memcmp(picks->names[number], name->text, name->len) == 0;
}

/* Files of the store are few: one a slot and session. */
static uint32_t
number_of(struct picks *picks, const struct reader_text *name)
{
	uint64_t hash = hash_add(HASH_START, name->text, name->len);
	uint32_t *recent = &picks->recent[hash % PICKS_RECENT];
	size_t number = is_name(picks, *recent, name) ? *recent : 0;
	while (number < picks->nnames && !is_name(picks, number, name))
		number++;
	*recent = (uint32_t)number;
	if (number < picks->nnames)
		return *recent;
	char *new = xcalloc(name->len + 1, 1);
	memcpy(new, name->text, name->len);
	picks->names = xrealloc(picks->names, (picks->nnames + 1) * sizeof(*picks->names));
	picks->names[picks->nnames++] = new;
	return *recent;
}

void
picks_add(struct picks *picks, const struct reader_record *record)
{
	const struct result *result = &record->result;
	if ((picks->nranges && !range_of(picks, result->index)) ||
		(picks->attempt && picks->attempt != result->attempt))
		return;
	if (picks->count == picks->room) {
		picks->room = picks->room ? 2 * picks->room : 1024;
		picks->list = xrealloc(picks->list, picks->room * sizeof(*picks->list));
	}
	picks->list[picks->count] = (struct pick){.index = result->index,
		.id = record->id,
		.order = picks->count,
		.stored_at = record->stored_at,
		.stored_sum = record->stored_sum,
		.out_bytes = result->out_bytes,
		.err_bytes = result->err_bytes,
		.name = record->stored ? number_of(picks, &record->store_name) : 0,
		.attempt = result->attempt,
		.session = record->session,
		.reason = result->reason,
		.stored = record->stored};
	struct pick *pick = &picks->list[picks->count++];
	const struct reader_text *element = &record->element;
	if (element->len && element->len < sizeof(pick->element))
		memcpy(pick->element, element->text, element->len);
}

static int
compare_picks(const void *a, const void *b)
{
	const struct pick *left = a, *right = b;
	if (left->index != right->index)
		return left->index < right->index ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

void
picks_choose(struct picks *picks)
{
	size_t kept = 0;
	if (picks->count)
		qsort(picks->list, picks->count, sizeof(*picks->list), compare_picks);
	for (size_t i = 0; i < picks->count; i++) {
		struct pick *pick = &picks->list[i];
		struct pick *before = kept ? &picks->list[kept - 1] : NULL;
		if (!before || before->index != pick->index) {
			struct picks_range *range = range_of(picks, pick->index);
			if (range)
				range->found++;
			picks->list[kept++] = *pick;
			continue;
		}
		bool same = before->id == pick->id;
		picks->hidden += !same;
		if (!same || before->reason != RESULT_OK || pick->reason == RESULT_OK)
			*before = *pick;
	}
	picks->count = kept;
}
