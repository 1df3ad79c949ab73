/* The values of one parameter: parsed into items, each of which computes its values. */
#include "tasks/sweep.h"

#include "base/err.h"
#include "base/log.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t COUNT_MAX = UINT64_C(1) << 63;

enum { DECIMALS_MAX = 18 };

enum item_kind { ITEM_LITERAL, ITEM_RANGE, ITEM_LIN, ITEM_LOG };

/* Whole numbers in units of the last decimal. */
struct range {
	int64_t from;
	uint64_t step;
	bool down;
	int decimals;
	int width; /* to pad to with zeros; 0: none */
};

struct spaced {
	struct value from, to; /* as they were written */
	long double first, last;
};

struct item {
	enum item_kind kind;
	uint64_t before; /* values of the items before it */
	uint64_t count;
	union {
		struct value literal;
		struct range range;
		struct spaced spaced;
	};
};

struct sweep {
	char *name;
	char *texts; /* of literals and ends */
	struct item *items;
	size_t nitems, capacity;
	uint64_t count;
	locale_t c; /* for the decimal point */
};

struct parser {
	struct sweep *sweep;
	const char *text; /* all of it */
	const char *at;
	char *texts_end;
	struct err *err;
};

static int
expected(const struct parser *parser, const char *at, const char *what)
{
	return err_set(parser->err, "--sweep '%.200s', column %zu: expected %s", parser->text,
		(size_t)(at - parser->text) + 1, what);
}

static bool
is_end(char c)
{
	return c == ',' || c == '\0';
}

/* --- ranges --- */

struct decimal {
	const char *text;
	size_t len;
	bool negative;
	bool fits;
	int64_t digits; /* without sign and point */
	int decimals;
};

static bool
push_digit(int64_t *number, char digit)
{
	if (*number > (INT64_MAX - 9) / 10)
		return false;
	*number = *number * 10 + (digit - '0');
	return true;
}

/* [-]DIGITS[.DIGITS], as far as it goes; no point that another one follows. */
static bool
scan_decimal(const char *at, struct decimal *decimal)
{
	*decimal = (struct decimal){.text = at, .negative = *at == '-', .fits = true};
	at += decimal->negative;
	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++)
		decimal->fits = decimal->fits && push_digit(&decimal->digits, *at);
	if (at[0] == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at); at++, decimal->decimals++)
			decimal->fits = decimal->fits && push_digit(&decimal->digits, *at);
	decimal->len = (size_t)(at - decimal->text);
	return true;
}

/* In units of the last of DECIMALS. */
static bool
scale(struct decimal *decimal, int decimals)
{
	for (; decimal->decimals < decimals; decimal->decimals++)
		decimal->fits = decimal->fits && push_digit(&decimal->digits, '0');
	return decimal->fits;
}

static int64_t
signed_digits(const struct decimal *decimal)
{
	return decimal->negative ? -decimal->digits : decimal->digits;
}

/* As in bash: an end with a leading zero pads all values to the longer end. */
static int
padded_width(const struct decimal *from, const struct decimal *to)
{
	const char *a = from->text + from->negative, *b = to->text + to->negative;
	bool padded = (a[0] == '0' && isdigit((unsigned char)a[1])) ||
		      (b[0] == '0' && isdigit((unsigned char)b[1]));
	return padded ? (int)(from->len > to->len ? from->len : to->len) : 0;
}

static int
make_range(const struct parser *parser, struct decimal numbers[3], struct item *item)
{
	int decimals = 0;
	for (int i = 0; i < 3; i++)
		decimals = numbers[i].decimals > decimals ? numbers[i].decimals : decimals;
	int width = decimals ? 0 : padded_width(&numbers[0], &numbers[1]);
	if (width >= SWEEP_VALUE_MAX)
		return expected(parser, numbers[0].text, "a number of at most 31 characters");
	for (int i = 0; i < 3; i++)
		if (decimals > DECIMALS_MAX || !scale(&numbers[i], decimals))
			return expected(parser, parser->at, "a range of at most 18 digits");
	if (numbers[2].digits == 0)
		return expected(parser, numbers[2].text, "a step other than 0");
	int64_t from = signed_digits(&numbers[0]), to = signed_digits(&numbers[1]);
	bool down = from > to;
	uint64_t distance = down ? (uint64_t)from - (uint64_t)to : (uint64_t)to - (uint64_t)from;
	uint64_t step = (uint64_t)numbers[2].digits;
	*item = (struct item){.kind = ITEM_RANGE,
		.count = distance / step + 1,
		.range = {.from = from,
			.step = step,
			.down = down,
			.decimals = decimals,
			.width = width}};
	return 0;
}

/* 0, or -1 for what is likely to have been meant as one: 1e3..1e4, .5..1, +1..2. */
static int
refuse_range(const struct parser *parser)
{
	size_t begin = strspn(parser->at, "+-.");
	size_t number = strspn(parser->at, "+-.0123456789eE");
	const char *dots = strstr(parser->at + begin, "..");
	if (!isdigit((unsigned char)parser->at[begin]) || !dots || dots >= parser->at + number)
		return 0;
	return expected(parser, parser->at,
		"decimal numbers such as 0.5 or -10 in a range ('1\\..2' is text)");
}

/* 1: a range; 0: something else, which does not begin as one. */
static int
parse_range(struct parser *parser, struct item *item)
{
	struct decimal numbers[3];
	const char *at = parser->at;
	int count = 0;
	for (; count < 3; count++) {
		if (!scan_decimal(at, &numbers[count]))
			return count ? expected(parser, at, "a number") : refuse_range(parser);
		at += numbers[count].len;
		if (strncmp(at, "..", 2) != 0 || count == 2)
			break;
		at += 2;
	}
	if (count == 0)
		return refuse_range(parser);
	if (!is_end(*at))
		return expected(parser, at, count == 1 ? "'..' and a step, or ','" : "','");
	if (count == 1)
		scan_decimal("1", &numbers[2]);
	if (make_range(parser, numbers, item) < 0)
		return -1;
	parser->at = at;
	return 1;
}

/* Written from its last digit on: with snprintf() making a task took twice as long. */
static struct value
range_value(const struct range *range, uint64_t i, char room[SWEEP_VALUE_MAX])
{
	uint64_t from = (uint64_t)range->from;
	int64_t units = (int64_t)(range->down ? from - i * range->step : from + i * range->step);
	bool negative = units < 0;
	uint64_t left = negative ? -(uint64_t)units : (uint64_t)units;
	int decimals = range->decimals, width = range->width - negative, digits = 0;
	size_t at = SWEEP_VALUE_MAX;
	for (; decimals && left % 10 == 0; decimals--)
		left /= 10;
	do {
		if (digits && digits == decimals)
			room[--at] = '.';
		room[--at] = (char)('0' + left % 10);
		left /= 10;
		digits++;
	} while (left || digits <= decimals || digits < width);
	if (negative)
		room[--at] = '-';
	return (struct value){.text = room + at, .len = SWEEP_VALUE_MAX - at};
}

/* --- lin and log --- */

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

static struct value
keep_text(struct parser *parser, const char *text, size_t len)
{
	struct value kept = {.text = parser->texts_end, .len = len};
	memcpy(parser->texts_end, text, len);
	parser->texts_end += len;
	return kept;
}

static int
parse_end(struct parser *parser, bool above_zero, struct value *text, long double *number)
{
	const char *at = skip_blanks(parser->at);
	size_t len = strspn(at, "0123456789+-.eE");
	char *end;
	*number = strtold_l(at, &end, parser->sweep->c);
	if (!len || end != at + len || !isfinite((double)*number))
		return expected(parser, at, "a number");
	if (above_zero && !((double)*number > 0))
		return expected(parser, at, "a number above 0");
	parser->at = skip_blanks(end);
	if (*parser->at != ',')
		return expected(parser, parser->at, "','");
	parser->at++;
	*text = keep_text(parser, at, len);
	return 0;
}

static int
parse_spaced(struct parser *parser, struct item *item)
{
	struct spaced *spaced = &item->spaced;
	struct decimal count;
	parser->at += strlen("lin(");
	if (parse_end(parser, item->kind == ITEM_LOG, &spaced->from, &spaced->first) < 0 ||
		parse_end(parser, item->kind == ITEM_LOG, &spaced->to, &spaced->last) < 0)
		return -1;
	const char *at = skip_blanks(parser->at);
	if (!scan_decimal(at, &count) || !count.fits || count.decimals || count.negative ||
		count.digits == 0)
		return expected(parser, at, "how many values, from 1 to 9e18");
	item->count = (uint64_t)count.digits;
	at = skip_blanks(at + count.len);
	if (*at != ')')
		return expected(parser, at, "')'");
	if (!is_end(*++at))
		return expected(parser, at, "','");
	parser->at = at;
	return 0;
}

/* Long double, so that what lies between decimals becomes the double nearest to a decimal. */
static double
spaced_number(const struct item *item, uint64_t i)
{
	const struct spaced *spaced = &item->spaced;
	long double part = (long double)i, whole = (long double)(item->count - 1);
	if (item->kind == ITEM_LIN)
		return (double)((spaced->first * (whole - part) + spaced->last * part) / whole);
	long double first = log10l(spaced->first), last = log10l(spaced->last);
	return (double)exp10l((first * (whole - part) + last * part) / whole);
}

/* 15 digits are the most that a double always keeps; %g drops their trailing zeros. */
static struct value
spaced_value(
	const struct sweep *sweep, const struct item *item, uint64_t i, char room[SWEEP_VALUE_MAX])
{
	if (i == 0)
		return item->spaced.from;
	if (i == item->count - 1)
		return item->spaced.to;
	double number = spaced_number(item, i);
	locale_t callers = uselocale(sweep->c);
	int len = 0;
	for (int digits = 15; digits <= 17; digits++) {
		len = snprintf(room, SWEEP_VALUE_MAX, "%.*g", digits, number);
		double back = strtod(room, NULL);
		if (!(back < number) && !(back > number))
			break;
	}
	uselocale(callers);
	return (struct value){.text = room, .len = (size_t)len};
}

/* --- items --- */

static int
parse_literal(struct parser *parser, struct item *item)
{
	char *start = parser->texts_end;
	const char *at = parser->at;
	for (; !is_end(*at); at++) {
		if (*at == '\\' && !*++at)
			return expected(parser, at, "a character after the backslash");
		*parser->texts_end++ = *at;
	}
	*item = (struct item){.kind = ITEM_LITERAL,
		.count = 1,
		.literal = {.text = start, .len = (size_t)(parser->texts_end - start)}};
	parser->at = at;
	return 0;
}

/* Where a number ends that AT begins with; AT if there is none. */
static const char *
skip_number(const char *at)
{
	struct decimal number;
	return scan_decimal(at, &number) ? at + number.len : at;
}

/* Other languages' ranges: 1:10 and 0:0.1:1 (MATLAB), 1-10 (Slurm), {1..10} (bash). Dates and
 * versions have more parts, or letters. */
static bool
is_other_range(const char *at)
{
	const char *end = skip_number(at);
	if (at[0] == '{' && skip_number(at + 1) > at + 1)
		return true;
	if (end == at || (*end != ':' && *end != '-'))
		return false;
	char separator = *end;
	if (separator == '-' && (*at == '-' || memchr(at, '.', (size_t)(end - at))))
		return false;
	for (int parts = 1; parts < 3 && *end == separator; parts++) {
		const char *next = skip_number(end + 1);
		if (next == end + 1)
			return false;
		end = next;
		if (separator == '-')
			break;
	}
	return is_end(*end);
}

/* 0, or -1 for what is likely to have been meant as a range or as lin() or log(). */
static int
refuse_foreign(const struct parser *parser)
{
	static const char *const calls[][2] = {{"range(", "FROM..TO"},
		{"arange(", "FROM..TO..STEP"}, {"seq(", "FROM..TO"},
		{"linspace(", "lin(FROM,TO,COUNT)"}, {"logspace(", "log(FROM,TO,COUNT)"},
		{"geomspace(", "log(FROM,TO,COUNT)"}};
	const char *at = parser->at;
	char what[128];
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const char *call = strstr(at, calls[i][0]); /* np.linspace( too */
		if (!call || call >= at + strcspn(at, ",") || (call > at && call[-1] != '.'))
			continue;
		snprintf(what, sizeof(what), "%s (\\%c at its beginning makes it text)",
			calls[i][1], *at);
		return expected(parser, at, what);
	}
	if (!is_other_range(at))
		return 0;
	return expected(parser, at,
		*at == '{'		       ? "FROM..TO or FROM..TO..STEP without braces"
		: at[strcspn(at, ":-")] == ':' ? "FROM..TO or FROM..TO..STEP ('1\\:2' is text)"
					       : "FROM..TO or FROM..TO..STEP ('1\\-2' is text)");
}

static int
parse_item(struct parser *parser, struct item *item)
{
	if (strncmp(parser->at, "lin(", 4) == 0 || strncmp(parser->at, "log(", 4) == 0) {
		item->kind = parser->at[1] == 'i' ? ITEM_LIN : ITEM_LOG;
		return parse_spaced(parser, item);
	}
	if (refuse_foreign(parser) < 0)
		return -1;
	int range = parse_range(parser, item);
	return range ? range : parse_literal(parser, item);
}

static int
parse_items(struct parser *parser)
{
	struct sweep *sweep = parser->sweep;
	for (;;) {
		const char *start = parser->at;
		struct item item = {.count = 0};
		if (parse_item(parser, &item) < 0)
			return -1;
		if (item.count > COUNT_MAX - sweep->count)
			return expected(parser, start, "at most 2^63 values in all");
		if (sweep->nitems == sweep->capacity) {
			sweep->capacity = sweep->capacity ? 2 * sweep->capacity : 4;
			sweep->items =
				xrealloc(sweep->items, sweep->capacity * sizeof(*sweep->items));
		}
		item.before = sweep->count;
		sweep->items[sweep->nitems++] = item;
		sweep->count += item.count;
		if (!*parser->at)
			return 0;
		parser->at++;
	}
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

static size_t
name_len(const char *text)
{
	return strspn(text, LETTERS) ? strspn(text, LETTERS "0123456789.-") : 0;
}

static int
parse_all(struct parser *parser)
{
	size_t len = name_len(parser->text);
	if (!len)
		return expected(parser, parser->text, "NAME=VALUES");
	parser->at = parser->text + len;
	if (*parser->at != '=')
		return expected(parser, parser->at,
			"'=' after the name, which is of letters, "
			"digits, '_', '.' and '-'");
	if (!*++parser->at)
		return expected(parser, parser->at, "values");
	parser->sweep->name = xstrdup(parser->text);
	parser->sweep->name[len] = '\0';
	return parse_items(parser);
}

struct sweep *
sweep_parse(const char *text, struct err *err)
{
	struct sweep *sweep = xcalloc(1, sizeof(*sweep));
	sweep->texts = xmalloc(strlen(text) + 1);
	sweep->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	struct parser parser = {
		.sweep = sweep, .text = text, .texts_end = sweep->texts, .err = err};
	if (parse_all(&parser) == 0)
		return sweep;
	sweep_free(sweep);
	return NULL;
}

void
sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	freelocale(sweep->c);
	free(sweep->items);
	free(sweep->texts);
	free(sweep->name);
	free(sweep);
}

/* --- what it is asked --- */

const char *
sweep_name(const struct sweep *sweep)
{
	return sweep->name;
}

uint64_t
sweep_count(const struct sweep *sweep)
{
	return sweep->count;
}

struct value
sweep_value(const struct sweep *sweep, uint64_t i, char room[SWEEP_VALUE_MAX])
{
	size_t low = 0, high = sweep->nitems;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (sweep->items[middle].before <= i)
			low = middle;
		else
			high = middle;
	}
	const struct item *item = &sweep->items[low];
	if (item->kind == ITEM_LITERAL)
		return item->literal;
	if (item->kind == ITEM_RANGE)
		return range_value(&item->range, i - item->before, room);
	return spaced_value(sweep, item, i - item->before, room);
}
