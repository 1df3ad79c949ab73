/* Sweeps, filters and job arrays: what they say of good text, and of bad. */
#include "base/err.h"
#include "base/log.h"
#include "tasks/array.h"
#include "tasks/sweep.h"
#include "tasks/where.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- sweep --- */

/* All values, a "|" after each. */
static const char *
sweep_text(const char *text)
{
	static char all[1024];
	char room[SWEEP_VALUE_MAX];
	struct err err;
	size_t len = 0;
	struct sweep *sweep = sweep_parse(text, &err);
	if (!sweep)
		fail_msg("%s", err.text);
	all[0] = '\0';
	for (uint64_t i = 0; i < sweep_count(sweep); i++) {
		struct value value = sweep_value(sweep, i, room);
		len += (size_t)snprintf(
			all + len, sizeof(all) - len, "%.*s|", (int)value.len, value.text);
		assert_true(len < sizeof(all));
	}
	sweep_free(sweep);
	return all;
}

static void
sweep_values(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"rate=0.1,0.2,big", "0.1|0.2|big|"},
		{"n=1..5", "1|2|3|4|5|"},
		{"n=5..1..2", "5|3|1|"},
		{"n=5..1..-2", "5|3|1|"},
		{"n=1..10..4", "1|5|9|"},
		{"n=-1..1", "-1|0|1|"},
		{"n=7..7", "7|"},
		{"n=08..11", "08|09|10|11|"},
		{"n=1..010..5", "001|006|"},
		{"n=-01..2", "-01|000|001|002|"},
		{"x=0..1..0.25", "0|0.25|0.5|0.75|1|"},
		{"x=0..0.5..0.1", "0|0.1|0.2|0.3|0.4|0.5|"},
		{"x=-0.1..0.1..0.1", "-0.1|0|0.1|"},
		{"x=1.5..0..0.50", "1.5|1|0.5|0|"},
		{"x=1..3,10,b,3..1..2", "1|2|3|10|b|3|1|"},
		{"x=lin(0,1,11)", "0|0.1|0.2|0.3|0.4|0.5|0.6|0.7|0.8|0.9|1|"},
		{"x=lin(0.1,0.7,7)", "0.1|0.2|0.3|0.4|0.5|0.6|0.7|"},
		{"x=lin(1.0, 2.50 ,2)", "1.0|2.50|"},
		{"x=lin(2,1,1),lin(20,-20,3)", "2|20|0|-20|"},
		{"x=log(1e-5,1e-1,5)", "1e-5|0.0001|0.001|0.01|1e-1|"},
		{"x=log(1e-300,1e300,3)", "1e-300|1|1e300|"},
		{"x=log(1,4,5)", "1|1.4142135623730951|2|2.8284271247461903|4|"},
		{"_a.b-2=../x,10.0.0.1,2..3,v1..2,..1", "../x|10.0.0.1|2|3|v1..2|..1|"},
		{"flag=,-v", "|-v|"},
		{"x=a\\,b,c\\\\d,1\\..3,\\lin(1)", "a,b|c\\d|1..3|lin(1)|"},
		{"x=line(1,2)", "line(1|2)|"},
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(sweep_text(cases[i][0]), cases[i][1]);
}

static void
sweep_errors(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "column 1: expected NAME=VALUES"},
		{"1a=2", "column 1: expected NAME=VALUES"},
		{"a", "column 2: expected '='"},
		{"a b=1", "column 2: expected '='"},
		{"a=", "column 3: expected values"},
		{"a=1..", "column 6: expected a number"},
		{"a=x,1..y", "column 8: expected a number"},
		{"a=1..2x", "column 7: expected '..' and a step"},
		{"a=1..2..1..3", "column 10: expected ','"},
		{"a=1..2..0", "column 9: expected a step other than 0"},
		{"a=1..99999999999999999999", "column 3: expected a range of at most 18 digits"},
		{"a=0..0..0.0000000000000000000001", "column 3: expected a range of at most 18"},
		{"a=1..00000000000000000000000000000002", "column 3: expected a number of at most"},
		{"a=1e3..1e4", "column 3: expected decimal numbers"},
		{"a=x,.5..1", "column 5: expected decimal numbers"},
		{"a=+1..2,x", "column 3: expected decimal numbers"},
		{"a=lin(1,2)", "column 10: expected ','"},
		{"a=lin(x,2,3)", "column 7: expected a number"},
		{"a=lin(1,1e999,3)", "column 9: expected a number"},
		{"a=lin(1,0x2,3)", "column 9: expected a number"},
		{"a=lin(1,2,0)", "column 11: expected how many"},
		{"a=lin(1,2,1.5)", "column 11: expected how many"},
		{"a=lin(1,2,3", "column 12: expected ')'"},
		{"a=lin(1,2,3)4", "column 13: expected ','"},
		{"a=log(0,2,3)", "column 7: expected a number above 0"},
		{"a=log(1,-2,3)", "column 9: expected a number above 0"},
		{"a=x\\", "column 5: expected a character after the backslash"},
		{"a=1..900000000000000000,lin(0,1,9000000000000000000)",
			"column 25: expected at most 2^63 values"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {""};
		assert_null(sweep_parse(cases[i][0], &err));
		if (!strstr(err.text, cases[i][1]))
			fail_msg("%s, not: %s", err.text, cases[i][1]);
	}
}

static void
sweep_of_any_size(void **state)
{
	(void)state;
	char room[SWEEP_VALUE_MAX];
	struct sweep *sweep = sweep_parse("seed=x,1..900000000000000000,last", NULL);
	assert_non_null(sweep);
	assert_string_equal(sweep_name(sweep), "seed");
	assert_int_equal(sweep_count(sweep), UINT64_C(900000000000000002));
	struct value value = sweep_value(sweep, UINT64_C(123456789012345678), room);
	assert_int_equal(value.len, 18);
	assert_memory_equal(value.text, "123456789012345678", 18);
	value = sweep_value(sweep, UINT64_C(900000000000000001), room);
	assert_int_equal(value.len, 4);
	assert_memory_equal(value.text, "last", 4);
	sweep_free(sweep);
	sweep_free(NULL);
}

/* --- where --- */

static const char *const names[] = {"rate", "seed", "my-name", NULL, "2020"};
static const struct columns columns = {.count = COUNT(names), .names = names};
static const struct value values[] = {{"0.25", 4}, {" 12 ", 4}, {"abc", 3}, {"", 0}, {"1e2", 3}};
static const struct row row = {.line = 1, .count = COUNT(values), .values = values};

/* 1 or 0: it holds or does not; -1: ERR. */
static int
where_answer(const char *text, struct err *err)
{
	bool holds = false;
	struct where *where = where_parse(text, &columns, err);
	int result = where ? where_holds(where, &row, &holds, err) : -1;
	where_free(where);
	return result < 0 ? -1 : holds;
}

static void
where_answers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int holds;
	} cases[] = {
		{"rate<0.3 || seed<=10", 1},
		{"rate<0.3 && seed<=10", 0},
		{"rate < .3&&seed <= 1.2e1", 1},
		{"1 || 0 && 0", 1},
		{"(1 || 0) && 0", 0},
		{"0 || 2", 1},
		{"!(seed == 12)", 0},
		{"!0 + 1 == 2", 1},
		{"1 + 2 * 3 == 7", 1},
		{"(1 + 2) * 3 == 9", 1},
		{"2 - 1 - 1 == 0", 1},
		{"-seed < -11 == 1", 1},
		{"- -seed == 12", 1},
		{"seed % 5 == 2 && seed / 5 == 2.4", 1},
		{"3 > 2 > 1", 0},
		{"seed == 12.0", 1},
		{"seed == '12'", 0},
		{"{my-name} == 'abc' && {my-name} != \"abcd\"", 1},
		{"{my-name} < 'abd' && {my-name} > 'ab'", 1},
		{"{my-name} > 12", 1},
		{"{4} == ''", 1},
		{"{4} < 5 || {4} >= 5 || 5 > {4} || {4} == 5", 0},
		{"{4} != 5 && !({4} < 5) && {4} < 'a'", 1},
		{"{2} == 12 && {1} >= 0.25", 1},
		{"{2020} == 100", 1},
		{"seed == 12 || {my-name} / 0", 1},
		{"seed != 12 && {my-name} / 0", 0},
		{"0.1 + 0.2 == 0.30000000000000004", 1},
		{"12345678901234567890 == 12345678901234567891", 1},
		{"'' < 'a' && !('a' < 'a') && 'a' <= 'a' && 'a' >= 'a'", 1},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {""};
		if (where_answer(cases[i].text, &err) != cases[i].holds)
			fail_msg("%s is not %d (%s)", cases[i].text, cases[i].holds, err.text);
	}
}

static void
where_errors(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "column 1: expected a name, a number, a quote or '('"},
		{"seed ==", "column 8: expected a name"},
		{"seed = 3", "column 6: expected an operator"},
		{"seed 3", "column 6: expected an operator"},
		{"(seed", "column 6: expected an operator or ')'"},
		{"seed == 12)", "column 11: expected an operator"},
		{"seed == 'x", "column 9: a quote that does not end"},
		{"{seed", "column 1: expected '}'"},
		{"seed == 12x", "column 9: expected a number"},
		{"1 == x", "column 6: no column is named 'x'; known are {1} to {5} rate seed "
			   "my-name 2020"},
		{"{6}", "column 1: no column is named '6'"},
		{"{0}", "column 1: no column is named '0'"},
		{"{my-name}", "column 1: 'abc' is no number"},
		{"1 && {my-name}", "column 6: 'abc' is no number"},
		{"{my-name} || 1", "column 1: 'abc' is no number"},
		{"1 + {my-name}", "column 3: 'abc' is no number"},
		{"!{4}", "column 1: '' is no number"},
		{"seed + 1 == 'x'", "column 10: 'x' is no number"},
		{"seed / 0", "column 6: division by 0"},
		{"seed % 0", "column 6: division by 0"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {""};
		assert_int_equal(where_answer(cases[i][0], &err), -1);
		if (!strstr(err.text, cases[i][1]))
			fail_msg("%s, not: %s", err.text, cases[i][1]);
	}
}

static void
where_nesting_is_bounded(void **state)
{
	(void)state;
	static const char step[] = "1==1<1+1*(";
	const size_t len = sizeof(step) - 1;
	char text[4096] = "";
	struct err err = {""};
	for (size_t i = 0; i < 99; i++)
		memcpy(text + i * len, step, len);
	memset(text + 99 * len, '1', 1);
	memset(text + 99 * len + 1, ')', 99);
	assert_true(where_answer(text, &err) >= 0);
	memset(text, '(', 200);
	assert_int_equal(where_answer(text, &err), -1);
	assert_non_null(strstr(err.text, "column 101: expected at most 100 levels"));
}

static void
no_comma_for_a_point(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "de_DE.UTF-8"))
		skip();
	struct err err;
	assert_string_equal(sweep_text("x=lin(0,1,3)"), "0|0.5|1|");
	assert_int_equal(where_answer("rate == 2.5e-1", &err), 1);
	setlocale(LC_ALL, "C");
}

/* --- array --- */

static void
array_values(void **state)
{
	(void)state;
	static const struct {
		const char *text, *values;
		unsigned step, limit;
	} cases[] = {
		{"7", "7 ", 1, 0},
		{"1-4", "1 2 3 4 ", 1, 0},
		{"0-15:4%2", "0 4 8 12 ", 4, 2},
		{"5-7,3,1", "1 3 5 6 7 ", 1, 0},
		{"1-3,2-5,5,6", "1 2 3 4 5 6 ", 1, 0},
		{"1-9:4,3-6:3,3", "1 3 5 6 9 ", 4, 0},
		{"1-10:4,2-3,9", "1 2 3 5 9 ", 4, 0},
		{"0-4:2,1-5:2", "0 1 2 3 4 5 ", 2, 0},
		{"4-4:9,1-9:100,2", "1 2 4 ", 9, 0},
		{"[1-2,4]%0", "1 2 4 ", 1, 0},
		{"4294967294,1", "1 4294967294 ", 1, 0},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256] = "";
		struct err err = {""};
		struct array *array = array_parse(cases[i].text, &err);
		if (!array)
			fail_msg("%s", err.text);
		for (uint64_t k = 0; k < array_count(array); k++)
			sprintf(text + strlen(text), "%llu ",
				(unsigned long long)array_value(array, k));
		assert_string_equal(text, cases[i].values);
		assert_int_equal(array_step(array), cases[i].step);
		assert_int_equal(array_limit(array), cases[i].limit);
		array_free(array);
	}
}

static void
array_errors(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "column 1: expected a number from 0"},
		{"x", "column 1: expected a number from 0"},
		{"1-", "column 3: expected a number from 0"},
		{"1,", "column 3: expected a number from 0"},
		{"1,-3", "column 3: expected a number from 0"},
		{"5-3", "column 3: expected a number not below the first"},
		{"1-5:0", "column 5: expected a number from 1"},
		{"1-5:", "column 5: expected a number from 1"},
		{"1:2", "column 2: expected ','"},
		{"1-5 6", "column 4: expected ','"},
		{"1%2,3", "column 4: expected ','"},
		{"1%", "column 3: expected a number"},
		{"0-4294967295", "column 3: expected a number from 0 to 4294967294"},
		{"0-99999999999999999999", "column 3: expected a number from 0 to 4294967294"},
		{"0-4294967294:2,7", "at most 4000001 numbers where ranges with steps overlap"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {""};
		assert_null(array_parse(cases[i][0], &err));
		if (!strstr(err.text, cases[i][1]))
			fail_msg("%s, not: %s", err.text, cases[i][1]);
	}
}

static void
array_of_any_size(void **state)
{
	(void)state;
	struct array *array = array_parse("7,1000-4294967294:2,10-20", NULL);
	assert_non_null(array);
	assert_int_equal(array_count(array), 12 + (UINT64_C(4294967294) - 1000) / 2 + 1);
	assert_int_equal(array_min(array), 7);
	assert_int_equal(array_max(array), 4294967294);
	assert_int_equal(array_value(array, 1), 10);
	assert_int_equal(array_value(array, 12), 1000);
	assert_int_equal(array_value(array, array_count(array) - 2), 4294967292);
	array_free(array);
	array_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sweep_values),
		cmocka_unit_test(sweep_errors),
		cmocka_unit_test(sweep_of_any_size),
		cmocka_unit_test(where_answers),
		cmocka_unit_test(where_errors),
		cmocka_unit_test(where_nesting_is_bounded),
		cmocka_unit_test(no_comma_for_a_point),
		cmocka_unit_test(array_values),
		cmocka_unit_test(array_errors),
		cmocka_unit_test(array_of_any_size),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
