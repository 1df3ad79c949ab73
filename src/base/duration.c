/* "1h30m" as milliseconds. */
#include "base/duration.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 4 };

static double
unit_ms(char unit)
{
	switch (unit) {
	case 'd':
		return 86400e3;
	case 'h':
		return 3600e3;
	case 'm':
		return 60e3;
	case 's':
		return 1e3;
	default:
		return 0;
	}
}

/* Digits, a point and digits; where it ends is in *END. */
static double
parse_decimal(const char *text, const char **end)
{
	double value = 0, place = 1;
	for (; isdigit((unsigned char)*text); text++)
		value = 10 * value + (*text - '0');
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++)
			value += (*text - '0') * (place /= 10);
	*end = text;
	return value;
}

/* "1h30m": units that get smaller, each with its number. -1 if TEXT is none such. */
static double
parse_units(const char *text)
{
	double sum = 0, before = 0;
	do {
		const char *end;
		double value = parse_decimal(text, &end);
		double unit = unit_ms(*end);
		if (!isdigit((unsigned char)*text) || unit <= 0 || (before > 0 && unit >= before))
			return -1;
		sum += value * unit;
		before = unit;
		text = end + 1;
	} while (*text);
	return sum;
}

/* Slurm's forms, but for minutes alone: M:S, H:M:S, D-H, D-H:M and D-H:M:S. -1 if TEXT is none
 * such. Numbers behind the first are within their bounds, as sbatch(1) shows them. */
static double
parse_clock(const char *text)
{
	static const double units[] = {86400e3, 3600e3, 60e3, 1e3}, bounds[] = {0, 24, 60, 60};
	double numbers[PARTS_MAX];
	int count = 0;
	bool days = strchr(text, '-');
	for (;; text++) {
		const char *end = text + strspn(text, "0123456789");
		if (end == text || count == PARTS_MAX)
			return -1;
		numbers[count++] = strtod(text, NULL);
		text = end;
		if (!*text)
			break;
		if (*text != (days && count == 1 ? '-' : ':'))
			return -1;
	}
	int first = days ? 0 : PARTS_MAX - count;
	if (count < 2 || (!days && count == PARTS_MAX))
		return -1;
	double sum = numbers[0] * units[first];
	for (int i = 1; i < count; i++) {
		if (numbers[i] >= bounds[first + i])
			return -1;
		sum += numbers[i] * units[first + i];
	}
	return sum;
}

/* "1h30" and "2d12": whether the last number is minutes or seconds, say, is for the user to tell.
 */
static bool
lacks_unit(const char *text)
{
	size_t len = strlen(text);
	return strpbrk(text, "dhms") && !text[strspn(text, "0123456789.dhms")] &&
	       isdigit((unsigned char)text[len - 1]);
}

const char *
duration_parse(const char *text, uint32_t *ms)
{
	const char *end;
	double sum = parse_decimal(text, &end) * 1e3;
	if (!isdigit((unsigned char)*text))
		sum = -1;
	else if (*end)
		sum = strpbrk(text, ":-") ? parse_clock(text) : parse_units(text);
	sum += 0.5; /* to the nearest */
	if (sum < 1 || sum >= (double)UINT32_MAX + 1)
		return lacks_unit(text)
			       ? "a time: its last number lacks a unit, as the m in 1h30m or the h "
				 "in 2d12h"
			       : DURATION_EXPECTED;
	*ms = (uint32_t)sum;
	return NULL;
}
