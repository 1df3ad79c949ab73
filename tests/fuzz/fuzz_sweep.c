/*
 * Any text as a sweep: values come in any order the same, ranges go on by one step, spaced values
 * read back as numbers, and what is refused has a column.
 */
#include "base/err.h"
#include "tasks/sweep.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static double
number_at(const struct sweep *sweep, uint64_t i)
{
	char room[SWEEP_VALUE_MAX], text[4096], *end;
	struct value value = sweep_value(sweep, i, room);
	must(value.len < sizeof(text));
	memcpy(text, value.text, value.len);
	text[value.len] = '\0';
	double number = strtod(text, &end);
	must(value.len && !*end);
	return number;
}

/* One item, so all values are of one kind: equal distances, as far as doubles can tell. */
static void
check_range(const struct sweep *sweep, const char *text)
{
	uint64_t count = sweep_count(sweep), last = count - 1;
	uint64_t picks[] = {1, count / 3, count / 2, last > 1 ? last - 1 : 1};
	double first = number_at(sweep, 0), step = count > 1 ? number_at(sweep, 1) - first : 0;
	char *end;
	must(!(fabs(first - strtod(text, &end)) > 0) && strncmp(end, ".", 1) == 0);
	for (size_t i = 0; i < 4 && picks[i] < count; i++) {
		double got = number_at(sweep, picks[i]);
		double size = fabs(first) + fabs(got) + fabs(number_at(sweep, last));
		must(fabs(first + step * (double)picks[i] - got) <= size * 1e-9 * (double)count);
		must(number_at(sweep, last) >= first ? got >= first : got <= first);
	}
}

static void
check_spaced(const struct sweep *sweep)
{
	uint64_t count = sweep_count(sweep);
	double a = number_at(sweep, 0), b = number_at(sweep, count - 1);
	for (uint64_t i = 0; i < count; i += count / 50 + 1) {
		double got = number_at(sweep, i), slack = (fabs(a) + fabs(b)) * 1e-15;
		must(got >= fmin(a, b) - slack && got <= fmax(a, b) + slack);
	}
}

static void
check_values(const struct sweep *sweep, const char *text)
{
	char room[SWEEP_VALUE_MAX];
	uint64_t count = sweep_count(sweep);
	must(count > 0 && count <= UINT64_C(1) << 63);
	uint64_t commas = 0;
	for (uint64_t i = 0; i < count && i < 300; i++)
		must(sweep_value(sweep, i, room).len <= strlen(text) + SWEEP_VALUE_MAX);
	must(sweep_value(sweep, count - 1, room).len <= strlen(text) + SWEEP_VALUE_MAX);
	const char *values = strchr(text, '=') + 1;
	bool spaced = strncmp(values, "lin(", 4) == 0 || strncmp(values, "log(", 4) == 0;
	bool escaped = strchr(values, '\\');
	for (const char *c = values; *c; c++)
		commas += *c == ',';
	if (spaced && commas == 2)
		check_spaced(sweep);
	else if (!spaced && !commas && !escaped && count > 1)
		check_range(sweep, values);
	else if (!strstr(values, "..") && !strchr(values, '(') && !escaped)
		must(count == commas + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2048];
	struct err err = {""};
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	struct sweep *sweep = sweep_parse(text, &err);
	if (sweep)
		check_values(sweep, text);
	else
		must(strstr(err.text, "column ") && strstr(err.text, "expected "));
	sweep_free(sweep);
	return 0;
}
