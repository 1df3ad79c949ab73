/*
 * SLURM's job arrays, with its answers but without its bitmap: ranges in ascending order, and only
 * where ranges with steps overlap, the numbers themselves. Checked against Slurm's own
 * slurm_parse_array_tok() and _create_job_array().
 */
#include "tasks/array.h"

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Slurm's NO_VAL is 4294967294; its largest MaxArraySize is 4000001. */
static const uint64_t NUMBER_MAX = UINT64_C(4294967294), LISTED_MAX = 4000001;

struct range {
	uint64_t first, last; /* LAST is one of its numbers */
	uint64_t step;
	uint64_t before; /* numbers of the ranges before it */
};

struct array {
	struct range *ranges; /* apart from each other, ascending */
	size_t nranges, capacity;
	uint32_t *listed; /* instead of the ranges; or NULL */
	uint64_t count, step, limit;
};

/* --- parsing --- */

struct parser {
	struct array *array;
	const char *text, *at;
	struct err *err;
};

static int
expected(const struct parser *parser, const char *at, const char *what)
{
	return err_set(parser->err, "--array '%.200s', column %zu: expected %s", parser->text,
		(size_t)(at - parser->text) + 1, what);
}

static int
parse_number(struct parser *parser, uint64_t min, uint64_t *number)
{
	const char *at = parser->at;
	uint64_t got = 0;
	for (; *at >= '0' && *at <= '9' && got <= NUMBER_MAX; at++)
		got = got * 10 + (uint64_t)(*at - '0');
	if (at == parser->at || got < min || got > NUMBER_MAX)
		return expected(parser, parser->at,
			min ? "a number from 1 to 4294967294" : "a number from 0 to 4294967294");
	parser->at = at;
	*number = got;
	return 0;
}

static bool
take(struct parser *parser, char c)
{
	bool here = *parser->at == c;
	parser->at += here;
	return here;
}

static void
add_range(struct array *array, const struct range *range)
{
	if (array->nranges == array->capacity) {
		array->capacity = array->capacity ? 2 * array->capacity : 4;
		array->ranges = xrealloc(array->ranges, array->capacity * sizeof(*array->ranges));
	}
	array->ranges[array->nranges++] = *range;
}

/* N, N-M or N-M:S. Slurm ignores brackets, with which it shows arrays itself. */
static int
parse_range(struct parser *parser)
{
	struct range range = {.step = 1};
	take(parser, '[');
	if (parse_number(parser, 0, &range.first) < 0)
		return -1;
	range.last = range.first;
	if (take(parser, '-')) {
		const char *last = parser->at;
		if (parse_number(parser, 0, &range.last) < 0)
			return -1;
		if (range.last < range.first)
			return expected(parser, last, "a number not below the first");
		take(parser, ']');
		if (take(parser, ':')) {
			if (parse_number(parser, 1, &range.step) < 0)
				return -1;
			if (!parser->array->step)
				parser->array->step = range.step;
		}
	}
	take(parser, ']');
	range.last -= (range.last - range.first) % range.step;
	if (range.first == range.last)
		range.step = 1;
	add_range(parser->array, &range);
	return 0;
}

static int
parse_spec(struct parser *parser)
{
	do
		if (parse_range(parser) < 0)
			return -1;
	while (take(parser, ','));
	if (take(parser, '%') && parse_number(parser, 0, &parser->array->limit) < 0)
		return -1;
	return *parser->at ? expected(parser, parser->at, "',', '-', ':' or '%'") : 0;
}

/* --- putting in order --- */

static int
compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return (x->first > y->first) - (x->first < y->first);
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static uint64_t
range_count(const struct range *range)
{
	return (range->last - range->first) / range->step + 1;
}

/* Joins neighbours without steps that overlap or touch. True if others overlap. */
static bool
join_ranges(struct array *array)
{
	size_t kept = 0;
	bool overlap = false;
	for (size_t i = 1; i < array->nranges; i++) {
		struct range *range = &array->ranges[kept], *next = &array->ranges[i];
		bool plain = range->step == 1 && next->step == 1;
		if (plain && next->first <= range->last + 1) {
			range->last = next->last > range->last ? next->last : range->last;
			continue;
		}
		overlap = overlap || next->first <= range->last;
		array->ranges[++kept] = *next;
	}
	array->nranges = kept + 1;
	return overlap;
}

static int
list_numbers(struct parser *parser)
{
	struct array *array = parser->array;
	uint64_t count = 0, n = 0;
	for (size_t i = 0; i < array->nranges; i++)
		count += range_count(&array->ranges[i]);
	if (count > LISTED_MAX)
		return expected(parser, parser->text,
			"at most 4000001 numbers where ranges with steps overlap");
	array->listed = xmalloc(count * sizeof(*array->listed));
	for (size_t i = 0; i < array->nranges; i++)
		for (uint64_t k = 0; k < range_count(&array->ranges[i]); k++)
			array->listed[n++] =
				(uint32_t)(array->ranges[i].first + k * array->ranges[i].step);
	qsort(array->listed, n, sizeof(*array->listed), compare_numbers);
	array->count = 0;
	for (uint64_t i = 0; i < n; i++)
		if (i == 0 || array->listed[i] != array->listed[i - 1])
			array->listed[array->count++] = array->listed[i];
	return 0;
}

static int
order(struct parser *parser)
{
	struct array *array = parser->array;
	qsort(array->ranges, array->nranges, sizeof(*array->ranges), compare_ranges);
	if (join_ranges(array))
		return list_numbers(parser);
	for (size_t i = 0; i < array->nranges; i++) {
		array->ranges[i].before = array->count;
		array->count += range_count(&array->ranges[i]);
	}
	return 0;
}

struct array *
array_parse(const char *text, struct err *err)
{
	struct array *array = xcalloc(1, sizeof(*array));
	struct parser parser = {.array = array, .text = text, .at = text, .err = err};
	if (parse_spec(&parser) == 0 && order(&parser) == 0)
		return array;
	array_free(array);
	return NULL;
}

void
array_free(struct array *array)
{
	if (!array)
		return;
	free(array->listed);
	free(array->ranges);
	free(array);
}

/* --- what it is asked --- */

uint64_t
array_count(const struct array *array)
{
	return array->count;
}

uint64_t
array_value(const struct array *array, uint64_t i)
{
	if (array->listed)
		return array->listed[i];
	size_t low = 0, high = array->nranges;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (array->ranges[middle].before <= i)
			low = middle;
		else
			high = middle;
	}
	const struct range *range = &array->ranges[low];
	return range->first + (i - range->before) * range->step;
}

uint64_t
array_min(const struct array *array)
{
	return array_value(array, 0);
}

uint64_t
array_max(const struct array *array)
{
	return array_value(array, array->count - 1);
}

uint64_t
array_step(const struct array *array)
{
	return array->step ? array->step : 1;
}

uint64_t
array_limit(const struct array *array)
{
	return array->limit;
}
