/* "1h30m" as milliseconds. */
#include "base/duration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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
	case '\0':
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

int
duration_parse(const char *text, uint32_t *ms)
{
	double sum = 0;
	do {
		const char *end;
		double value = parse_decimal(text, &end);
		double unit = unit_ms(*end);
		if (!isdigit((unsigned char)*text) || unit <= 0)
			return -1;
		sum += value * unit;
		text = *end ? end + 1 : end;
	} while (*text);
	sum += 0.5; /* to the nearest */
	if (sum < 1 || sum >= (double)UINT32_MAX + 1)
		return -1;
	*ms = (uint32_t)sum;
	return 0;
}
