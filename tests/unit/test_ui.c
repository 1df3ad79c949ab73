/*
 * What people see of a run: the progress line, the forecast, the summary, and the subcommands that
 * read a run directory, which is made here by the writers of journal and store.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/joined.h"
#include "cli/output_command.h"
#include "cli/picks.h"
#include "cli/report_command.h"
#include "run/reader.h"
#include "run/record.h"
#include "run/status.h"
#include "run/store.h"
#include "tasks/result.h"
#include "tasks/task.h"
#include "ui/color.h"
#include "ui/forecast.h"
#include "ui/groups.h"
#include "ui/observer.h"
#include "ui/outcomes.h"
#include "ui/progress.h"
#include "ui/report.h"
#include "ui/spread.h"
#include "ui/summary.h"
#include "ui/text.h"
#include "ui/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "scratch.h"

#include <cmocka.h>

/* The text of BUF as a string, valid until it is cleared. */
static char *
text_of(struct buf *buf)
{
	buf_append(buf, "", 1);
	return buf->data;
}

static void
assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

static void
assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in: %s", part, text);
}

/* --- numbers --- */

/* At each border the next unit begins with what would be written as its 1. */
static void
durations_are_as_people_say_them(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		const char *text;
	} rows[] = {
		{-1, "?"},
		{1.1e9, "?"},
		{0, "0 us"},
		{0.4e-6, "0 us"},
		{9.4e-6, "9 us"},
		{999.4e-6, "999 us"},
		{999.6e-6, "1 ms"},
		{2.346e-3, "2.35 ms"},
		{9.994e-3, "9.99 ms"},
		{9.996e-3, "10 ms"},
		{99.94e-3, "99.9 ms"},
		{99.96e-3, "100 ms"},
		{0.9994, "999 ms"},
		{0.9996, "1.00 s"},
		{9.994, "9.99 s"},
		{9.996, "10.0 s"},
		{59.94, "59.9 s"},
		{59.96, "1m00s"},
		{3599.4, "59m59s"},
		{3599.6, "1h00m"},
		{86399.4, "23h59m"},
		{86399.6, "1d00h"},
		{3 * 86400 + 4 * 3600, "3d04h"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char room[TEXT_MAX];
		assert_string_equal(text_duration(rows[i].seconds, room), rows[i].text);
	}
}

static void
sizes_and_counts_are_as_people_say_them(void **state)
{
	(void)state;
	static const uint64_t kib = 1024, mib = kib * kib, tib = mib * mib;
	const struct {
		uint64_t number;
		const char *bytes, *count;
	} rows[] = {
		{0, "0 B", "0"},
		{999, "999 B", "999"},
		{1023, "1023 B", "1023"},
		{kib, "1.00 KiB", "1024"},
		{9999, "9.76 KiB", "9999"},
		{10000, "9.77 KiB", "10.0k"},
		{10234, "9.99 KiB", "10.2k"},
		{10236, "10.0 KiB", "10.2k"},
		{99949, "97.6 KiB", "99.9k"},
		{99950, "97.6 KiB", "100k"},
		{999499, "976 KiB", "999k"},
		{999500, "976 KiB", "1.00M"},
		{999999, "977 KiB", "1.00M"},
		{1023 * kib, "1023 KiB", "1.05M"},
		{mib - 1, "1.00 MiB", "1.05M"},
		{mib, "1.00 MiB", "1.05M"},
		{1024 * mib - 1, "1.00 GiB", "1.07G"},
		{UINT64_C(999999999), "954 MiB", "1.00G"},
		{tib - 1, "1.00 TiB", "1.10T"},
		{UINT64_C(9999999999999), "9.09 TiB", "10.0T"},
		{1024 * tib - 1, "1.00 PiB", "1126T"},
		{UINT64_MAX, "16384 PiB", "18446744T"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char room[TEXT_MAX];
		assert_string_equal(text_bytes(rows[i].number, room), rows[i].bytes);
		assert_string_equal(text_count(rows[i].number, room), rows[i].count);
	}
}

/* Without a power of ten: "9.3e-05/s" was a task in three hours. */
static void
rates_are_as_people_say_them(void **state)
{
	(void)state;
	static const struct {
		double per_s;
		const char *text;
	} rows[] = {
		{1e-4 / 3600, "0.0001/h"},
		{1.0 / 10800, "0.33/h"},
		{0.09 / 60, "5.4/h"},
		{0.1 / 60, "0.1/min"},
		{0.0999, "6/min"},
		{0.1, "0.1/s"},
		{9.94, "9.9/s"},
		{9.96, "10/s"},
		{1234.5, "1234/s"},
		{123456, "123456/s"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char room[TEXT_MAX];
		assert_string_equal(text_rate(rows[i].per_s, room), rows[i].text);
	}
}

/* --- progress --- */

static const struct progress_view view_of_all = {.ended = 450,
	.total = 1000,
	.failed = 3,
	.rate = 12.3,
	.eta_s = 80,
	.busy = 63,
	.slots = 64};

static void
progress_drops_what_matters_least(void **state)
{
	(void)state;
	static const struct {
		int width;
		const char *has, *has_not;
	} rows[] = {
		{200, "] 450/1000 tasks ended (45 %), 3 failed, 12/s, 63 of 64 slots busy, ", NULL},
		{200, " left", NULL},
		{79, "450/1000 tasks ended (45 %), 3 failed, 12/s, 63 of 64 slots busy, ", "["},
		{66, "450/1000 tasks ended (45 %), 3 failed, 12/s, ", "busy"},
		{51, "450/1000 tasks ended (45 %), 3 failed, ", "/s"},
		{38, "450/1000 tasks ended (45 %), 3 failed", "left"},
		{32, "450/1000 tasks ended, 3 failed", "%"},
		{22, "450/1000 tasks ended", "failed"},
		{12, "450/1000", "tasks"},
		{4, "", "4"},
		{0, "", "4"},
		{-1, "", "4"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf buf = {0};
		progress_line(&buf, &view_of_all, rows[i].width);
		const char *text = text_of(&buf);
		assert_has(text, rows[i].has);
		if (rows[i].has_not)
			assert_has_not(text, rows[i].has_not);
		assert_true((int)strlen(text) <= (rows[i].width > 0 ? rows[i].width : 0));
		buf_clear(&buf);
	}
}

static void
progress_says_what_it_knows(void **state)
{
	(void)state;
	struct buf line = {0}, plain = {0};
	struct progress_view view = {.ended = 7, .eta_s = -1, .busy = 1, .slots = 2};
	progress_line(&line, &view, 100);
	assert_string_equal(text_of(&line), "7 tasks ended, 1 of 2 slots busy");
	view.total = 28;
	progress_plain(&plain, &view);
	assert_string_equal(text_of(&plain), "7/28 tasks ended (25 %), 1 of 2 slots busy");
	buf_clear(&line);
	progress_line(&line, &view, 100);
	assert_has(text_of(&line), "] 7/28 tasks ended (25 %), 1 of 2 slots busy");
	buf_clear(&line);
	buf_clear(&plain);
	view.total = 31274;
	view.about = true;
	progress_plain(&plain, &view);
	assert_string_equal(text_of(&plain), "7/~31.3k tasks ended (0 %), 1 of 2 slots busy");
	buf_clear(&plain);
}

static size_t
without_colors(char *text)
{
	size_t len = strlen(text), kept = 0, code;
	for (size_t i = 0; i < len; i += code ? code : 1) {
		code = color_length(text + i, len - i);
		if (!code)
			text[kept++] = text[i];
	}
	text[kept] = '\0';
	return len - kept;
}

static void
colors_take_no_column(void **state)
{
	(void)state;
	static const char line[] = "10 tasks: 7 succeeded, 3 failed, and some words more";
	for (int width = 0; width < 150; width++) {
		struct buf plain[2] = {{0}}, colored[2] = {{0}}, text = {0};
		color_init(COLOR_NEVER);
		progress_line(&plain[0], &view_of_all, width);
		text_wrap(&plain[1], line, strlen(line), 4, width);
		color_init(COLOR_ALWAYS);
		progress_line(&colored[0], &view_of_all, width);
		color_append(&text, COLOR_RED);
		buf_append_string(&text, line);
		color_append(&text, COLOR_OFF);
		text_wrap(&colored[1], text.data, text.len, 4, width);
		for (int i = 0; i < 2; i++) {
			char *got = text_of(&colored[i]);
			size_t codes = without_colors(got);
			assert_string_equal(got, text_of(&plain[i]));
			assert_true(codes || !*got || (i == 0 && !strstr(got, "failed")));
			buf_clear(&plain[i]);
			buf_clear(&colored[i]);
		}
		buf_clear(&text);
	}
	color_init(COLOR_NEVER);
}

/* A message would show the codes. */
static void
plain_progress_has_no_color(void **state)
{
	(void)state;
	struct buf plain = {0};
	color_init(COLOR_ALWAYS);
	progress_plain(&plain, &(struct progress_view){.ended = 1, .total = 2, .failed = 1});
	color_init(COLOR_NEVER);
	assert_int_equal(without_colors(text_of(&plain)), 0);
	buf_clear(&plain);
}

static void
percent_is_100_only_for_all(void **state)
{
	(void)state;
	static const struct {
		uint64_t done, all;
		const char *whole, *tenths;
	} rows[] = {
		{0, 1, "0 %", "0.0 %"},
		{1, 4, "25 %", "25.0 %"},
		{399, 400, "99 %", "99.7 %"},
		{9999, 10000, "99 %", "99.9 %"},
		{UINT64_C(999999999999), UINT64_C(1000000000000), "99 %", "99.9 %"},
		{400, 400, "100 %", "100.0 %"},
		{401, 400, "100 %", "100.0 %"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char room[TEXT_MAX];
		assert_string_equal(
			text_percent(rows[i].done, rows[i].all, false, room), rows[i].whole);
		assert_string_equal(
			text_percent(rows[i].done, rows[i].all, true, room), rows[i].tenths);
	}
	struct buf buf = {0};
	struct progress_view view = {.ended = 399, .total = 400, .eta_s = -1};
	progress_plain(&buf, &view);
	assert_has(text_of(&buf), "399/400 tasks ended (99 %)");
	buf_clear(&buf);
	view = (struct progress_view){.ended = 500, .total = 400, .about = true, .eta_s = -1};
	progress_plain(&buf, &view);
	assert_has(text_of(&buf), "500/~400 tasks ended (99 %)");
	buf_clear(&buf);
}

static void
progress_bar_is_as_full_as_the_run(void **state)
{
	(void)state;
	for (uint64_t ended = 0; ended <= 10; ended++) {
		struct buf buf = {0};
		struct progress_view view = {.ended = ended, .total = 10, .eta_s = -1};
		progress_line(&buf, &view, 200);
		const char *bar = text_of(&buf);
		size_t full = strspn(bar + 1, "#"), empty = strspn(bar + 1 + full, ".");
		assert_int_equal(bar[0], '[');
		assert_int_equal(full, (full + empty) * ended / 10);
		buf_clear(&buf);
	}
}

static void
progress_is_drawn_ten_times_a_second(void **state)
{
	(void)state;
	const int64_t s = CLOCK_NS_PER_S, ms = CLOCK_NS_PER_MS;
	struct progress_view view = {.eta_s = -1};
	struct progress *progress =
		progress_new(&(struct progress_options){.bar = PROGRESS_ALWAYS, .start_ns = s});
	assert_false(progress_wants(progress, 1, s + 99 * ms));
	assert_true(progress_wants(progress, 1, s + 100 * ms));
	progress_show(progress, &view, 1, s + 100 * ms);
	assert_false(progress_wants(progress, 2, s + 199 * ms));
	assert_true(progress_wants(progress, 2, s + 200 * ms));
	assert_false(progress_wants(progress, 1, s + 200 * ms)); /* nothing has happened */
	assert_true(progress_due_ns(progress) == s + 1100 * ms);
	progress_free(progress);
	progress = progress_new(
		&(struct progress_options){.bar = PROGRESS_NEVER, .interval_s = 5, .start_ns = s});
	assert_false(progress_wants(progress, 1, 6 * s - 1));
	assert_true(progress_wants(progress, 1, 6 * s));
	progress_free(progress);
	progress = progress_new(&(struct progress_options){.bar = PROGRESS_NEVER, .interval_s = 0});
	assert_true(progress_due_ns(progress) == CLOCK_NEVER);
	assert_false(progress_wants(progress, 1, 1000 * s));
	progress_free(progress);
}

/* --- forecast --- */

enum { SIM_SLOTS = 32, SIM_TASKS = 3200 };

static double
uniform(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

/* A list schedule: each slot takes the next task when it is free. */
struct sim {
	struct forecast forecast;
	double now, times[SIM_TASKS], starts[SIM_SLOTS], ends[SIM_SLOTS], expected[SIM_TASKS],
		at[SIM_TASKS];
	int next, ended;
};

static void
sim_take(struct sim *sim, int slot)
{
	sim->starts[slot] = sim->now;
	sim->ends[slot] = sim->next < SIM_TASKS ? sim->now + sim->times[sim->next++] : INFINITY;
}

static void
sim_step(struct sim *sim)
{
	int first = 0, running = 0;
	double ages[SIM_SLOTS];
	for (int i = 1; i < SIM_SLOTS; i++)
		if (sim->ends[i] < sim->ends[first])
			first = i;
	sim->now = sim->ends[first];
	forecast_ended(&sim->forecast, sim->ends[first] - sim->starts[first]);
	sim_take(sim, first);
	for (int i = 0; i < SIM_SLOTS; i++)
		if (isfinite(sim->ends[i]))
			ages[running++] = sim->now - sim->starts[i];
	struct forecast_work work = {.left = (uint64_t)(SIM_TASKS - sim->ended - 1),
		.slots = SIM_SLOTS,
		.ages = ages,
		.nrunning = running};
	sim->at[sim->ended] = sim->now;
	sim->expected[sim->ended++] = forecast_left_s(&sim->forecast, &work);
}

static void
check_forecast(bool exponential, uint64_t seed)
{
	struct sim *sim = test_calloc(1, sizeof(*sim));
	for (int i = 0; i < SIM_TASKS; i++)
		sim->times[i] = exponential ? -3 * log(uniform(&seed)) : 3;
	for (int i = 0; i < SIM_SLOTS; i++)
		sim_take(sim, i);
	while (sim->ended < SIM_TASKS)
		sim_step(sim);
	for (int i = SIM_TASKS / 10; i < SIM_TASKS * 8 / 10; i++) {
		double left = sim->now - sim->at[i];
		if (fabs(sim->expected[i] / left - 1) > 0.2)
			fail_msg("after %d of %d: %g s left, %g forecast", i + 1, SIM_TASKS, left,
				sim->expected[i]);
	}
	test_free(sim);
}

static void
forecast_is_right_to_a_fifth(void **state)
{
	(void)state;
	check_forecast(false, 0);
	for (uint64_t seed = 1; seed <= 5; seed++)
		check_forecast(true, seed);
}

static void
forecast_knows_what_it_does_not_know(void **state)
{
	(void)state;
	struct forecast forecast = {0};
	double age = 100;
	struct forecast_work work = {.left = 5, .slots = 2, .ages = &age, .nrunning = 1};
	assert_true(forecast_left_s(&forecast, &work) < 0);
	forecast_ended(&forecast, 1);
	assert_true(forecast_left_s(&forecast, &work) > 4); /* one has run for 100 s */
	work.slots = 0;
	assert_true(forecast_left_s(&forecast, &work) < 0);
	work.left = 0;
	assert_true(forecast_left_s(&forecast, &work) == 0);
}

/* 399 tasks of 2 ms have ended, one goes on. */
static void
forecast_of_a_straggler_is_no_milliseconds(void **state)
{
	(void)state;
	struct forecast forecast = {0};
	for (int i = 0; i < 399; i++)
		forecast_ended(&forecast, 0.002);
	for (double age = 0.5; age < 100; age *= 2) {
		double left = forecast_left_s(
			&forecast, &(struct forecast_work){
					   .left = 1, .slots = 2, .ages = &age, .nrunning = 1});
		if (left < age / 2 || left > age * 2)
			fail_msg("%g s left of a task that has run for %g s", left, age);
	}
}

static void
forecast_rate_is_that_of_late(void **state)
{
	(void)state;
	struct forecast forecast = {0};
	for (int second = 1; second <= 100; second++) { /* 10 a second, then 2 a second */
		for (int i = 0; i < (second <= 50 ? 10 : 2); i++)
			forecast_ended(&forecast, 1);
		forecast_turn(&forecast, second);
	}
	double rate = forecast_rate(&forecast, 100);
	assert_true(rate > 1.9 && rate < 2.1);
}

static void
spread_finds_quantiles(void **state)
{
	(void)state;
	struct spread spread = {0};
	assert_true(spread_quantile(&spread, 0.5) == 0);
	for (int i = 1; i <= 1000; i++)
		spread_add(&spread, i / 100.0);
	spread_add(&spread, -1);
	spread_add(&spread, 1e12);
	assert_true(fabs(spread_quantile(&spread, 0.5) / 5 - 1) < 0.06);
	assert_true(fabs(spread_quantile(&spread, 0.9) / 9 - 1) < 0.06);
	assert_true(spread_quantile(&spread, 1) > 1e6);
}

/* --- the slots' time --- */

static void
use(struct usage *usage, int slot, int64_t start_s, int64_t seconds, uint64_t left)
{
	struct result result = {
		.start_us = start_s * 1000000, .runtime_ns = seconds * CLOCK_NS_PER_S};
	usage_ended(usage, slot, &result, left, 2);
}

static void
usage_says_where_time_went(void **state)
{
	(void)state;
	struct usage usage = {.start_us = 1000 * 1000000LL};
	double ages[4];
	int shares[USAGE_PARTS];
	use(&usage, 0, 1010, 20, 3);
	use(&usage, 1, 1020, 30, 2);
	assert_int_equal(usage_ages(&usage, 3, 1060 * 1000000LL, ages), 3);
	assert_true(ages[0] == 30 && ages[1] == 10 && ages[2] == 60);
	use(&usage, 0, 1040, 40, 1); /* the other slot has the last one */
	assert_int_equal(usage_ages(&usage, 2, 1090 * 1000000LL, ages), 1);
	assert_true(ages[0] == 40);
	use(&usage, 1, 1050, 50, 0);
	usage_shares(&usage, 2, 1100 * 1000000LL, shares);
	assert_int_equal(shares[USAGE_RUNNING], 700);
	assert_int_equal(shares[USAGE_START], 150);
	assert_int_equal(shares[USAGE_WAITING], 50);
	assert_int_equal(shares[USAGE_TAIL], 100);
	usage_shares(&usage, 7, 1103 * 1000000LL, shares);
	assert_int_equal(shares[0] + shares[1] + shares[2] + shares[3], 1000);
	usage_clear(&usage);
	usage.start_us = 1000 * 1000000LL;
	use(&usage, 0, 1000, 9999, 0);
	usage_shares(&usage, 1, (1000 + 10000) * 1000000LL, shares);
	assert_int_equal(shares[USAGE_RUNNING], 999); /* 99.99 % is not all */
	assert_int_equal(shares[USAGE_TAIL], 1);
	usage_clear(&usage);
	usage_shares(&usage, 3, 0, shares);
	assert_int_equal(shares[USAGE_WAITING], 1000);
}

/* --- groups of failures --- */

static void
add_failure(struct groups *groups, uint64_t index, int code, const char *host, const char *tail)
{
	struct result result = {.index = index, .reason = RESULT_EXIT, .exit_code = code};
	groups_add(groups, &(struct groups_failure){.result = &result,
				   .line = index,
				   .host = host,
				   .host_len = strlen(host),
				   .command = "false\t1",
				   .command_len = 7,
				   .tail = tail,
				   .tail_len = strlen(tail)});
}

static void
groups_share_reason_and_last_line(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	struct buf buf = {0};
	add_failure(groups, 1, 1, "a", "no file 12\n");
	add_failure(groups, 2, 1, "a", "other\nwords\nfirst\nno file 7\n\n");
	add_failure(groups, 3, 2, "a", "no file 12\n");
	add_failure(groups, 4, 3, "a", "");
	add_failure(groups, 5, 3, "b", "");
	add_failure(groups, 6, 3, "b", "");
	groups_print(groups, "tasks", &buf);
	assert_string_equal(text_of(&buf), "  3 tasks, most of them on b: exit code 3, such as\n"
					   "  task 4 (line 4) on a: false?1\n"
					   "  2 tasks, all on a: exit code 1, such as\n"
					   "  task 1 (line 1) on a: false?1\n"
					   "    | no file 12\n"
					   "  task 3 (line 3) on a: exit code 2: false?1\n"
					   "    | no file 12\n");
	groups_free(groups);
	buf_clear(&buf);
}

/* One failure elsewhere, and nothing was said of the host that had all others. */
static void
groups_name_the_host_of_most(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	struct buf buf = {0};
	char host[16];
	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof(host), "node%d", i < 64 ? i : 40);
		add_failure(groups, (uint64_t)i + 1, 1, host, "");
	}
	groups_print(groups, "tasks", &buf);
	assert_has(text_of(&buf), "  100 tasks: exit code 1");
	buf_clear(&buf);
	for (int i = 0; i < 100; i++)
		add_failure(groups, (uint64_t)i + 101, 1, "node40", "");
	groups_print(groups, "tasks", &buf);
	assert_has(text_of(&buf), "  200 tasks, most of them on node40: exit code 1");
	groups_free(groups);
	buf_clear(&buf);
}

static void
no_control_character_reaches_the_terminal(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	struct buf buf = {0};
	add_failure(groups, 1, 1, "a\033", "\033[31m \xc2\x9b \x9b \xff caf\xc3\xa9 \xc2\xa0\r\n");
	groups_print(groups, "tasks", &buf);
	assert_has(text_of(&buf), " on a?: ");
	assert_has(text_of(&buf), "    | ?[31m ? ? ? caf\xc3\xa9 \xc2\xa0\n");
	groups_free(groups);
	buf_clear(&buf);
}

static void
groups_are_bounded(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	struct buf buf = {0};
	for (int i = 0; i < 2 * GROUPS_MAX; i++)
		add_failure(groups, (uint64_t)i + 1, i + 1, "h", "1\n2\n3\n4\n");
	groups_print(groups, "tasks", &buf);
	const char *text = text_of(&buf);
	assert_has(text, "  task 10 (line 10)");
	assert_has_not(text, "  task 11 ");
	assert_has_not(text, "    | 1\n");
	assert_has(text, "    | 2\n    | 3\n    | 4\n");
	assert_has(text, "  590 others\n");
	assert_int_equal(groups_count(groups), 2 * GROUPS_MAX);
	groups_free(groups);
	buf_clear(&buf);
}

/* --- summary --- */

static void
check_summary(struct summary summary, const char *expected)
{
	struct buf buf = {0};
	summary_print(&buf, &summary);
	assert_string_equal(text_of(&buf), expected);
	buf_clear(&buf);
}

static void
summary_counts_and_explains(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	add_failure(groups, 9, 1, "a", "");
	struct summary summary = {.ended = 10,
		.by_reason = {[RESULT_OK] = 8, [RESULT_EXIT] = 1, [RESULT_CANCELLED] = 1},
		.tasks = 17,
		.done_before = 5,
		.left_out = 2,
		.exit_code = 3,
		.seconds = 83,
		.slots = 2,
		.hosts = 1,
		.shares = {905, 20, 30, 45},
		.groups = groups,
		.journal = "j.tsv"};
	check_summary(summary,
		"mpbatch: 10 tasks: 8 succeeded, 1 failed, 1 cancelled; 5 succeeded in earlier "
		"sessions; 2 not asked for\n"
		"mpbatch: 1m23s on 2 slots of 1 host, which ran tasks 90.5 % of that time "
		"(start-up 2.0 %, waiting for work 3.0 %, idle at the end 4.5 %)\n"
		"mpbatch: work remains: 4 of 17 tasks have not succeeded\n"
		"mpbatch: the failed tasks, all of them in j.tsv:\n"
		"  task 9 (line 9) on a: exit code 1: false?1\n");
	groups_free(groups);
}

static void
summary_of_a_short_run_is_short(void **state)
{
	(void)state;
	struct groups *groups = groups_new();
	struct summary summary = {.ended = 2,
		.by_reason = {[RESULT_OK] = 2},
		.seconds = 1.2,
		.slots = 1,
		.hosts = 1,
		.shares = {500, 200, 0, 300},
		.groups = groups};
	check_summary(summary, "mpbatch: 2 tasks: 2 succeeded\n"
			       "mpbatch: 1.20 s on 1 slot of 1 host\n");
	groups_free(groups);
}

static void
summary_of_nothing_is_a_sentence(void **state)
{
	(void)state;
	static const struct {
		int exit_code;
		uint64_t tasks, done_before, left_out;
		const char *text;
	} rows[] = {
		{0, 0, 0, 0, "nothing to run: the task list is empty\n"},
		{0, 8, 8, 0, "nothing to run: all 8 tasks succeeded in earlier sessions\n"},
		{0, 0, 8, 0, "nothing to run: all 8 tasks succeeded in earlier sessions\n"},
		{0, 1, 1, 0, "nothing to run: the task succeeded in an earlier session\n"},
		{3, 4, 3, 1,
			"nothing to run: 3 of 4 tasks succeeded in earlier sessions, the other is "
			"not asked for\nmpbatch: work remains: 1 of 4 tasks has not succeeded\n"},
		{3, 4, 2, 2,
			"nothing to run: 2 of 4 tasks succeeded in earlier sessions, the others "
			"are not asked for\n"
			"mpbatch: work remains: 2 of 4 tasks have not succeeded\n"},
		{3, 1, 0, 1,
			"nothing to run: no task is asked for\n"
			"mpbatch: work remains: 1 of 1 task has not succeeded\n"},
		{3, 9, 3, 0,
			"no task has ended; 3 succeeded in earlier sessions\n"
			"mpbatch: work remains: 6 of 9 tasks have not succeeded\n"},
		{4, 0, 0, 0, "no task has ended\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char expected[300];
		struct groups *groups = groups_new();
		snprintf(expected, sizeof(expected), "mpbatch: %s", rows[i].text);
		check_summary((struct summary){.exit_code = rows[i].exit_code,
				      .tasks = rows[i].tasks,
				      .done_before = rows[i].done_before,
				      .left_out = rows[i].left_out,
				      .groups = groups},
			expected);
		groups_free(groups);
	}
}

static void
outcomes_say_why_where_it_is_no_exit_code(void **state)
{
	(void)state;
	static const struct {
		uint64_t by_reason[RESULT_REASONS];
		const char *text;
	} rows[] = {
		{{0}, "0 succeeded"},
		{{[RESULT_OK] = 1, [RESULT_CANCELLED] = 2}, "1 succeeded, 2 cancelled"},
		{{[RESULT_EXIT] = 3}, "0 succeeded, 3 failed"},
		{{[RESULT_EXIT] = 3, [RESULT_LOST] = 1},
			"0 succeeded, 4 failed (3 by exit code, 1 lost)"},
		{{2, 1, 1, 1, 1, 1, 1, 1, 1},
			"2 succeeded, 7 failed (1 by exit code, 1 by signal, 1 at the time limit, "
			"1 for memory, 1 not started, 1 output not kept, 1 lost), 1 cancelled"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf buf = {0};
		outcomes_print(&buf, rows[i].by_reason);
		assert_string_equal(text_of(&buf), rows[i].text);
		buf_clear(&buf);
	}
}

static void
lines_are_wrapped_between_words(void **state)
{
	(void)state;
	static const struct {
		int width;
		const char *text, *wrapped;
	} rows[] = {
		{40, "", ""},
		{40, "1234567890 1234567890 1234567890 1234567", NULL},
		{40, "1234567890 1234567890 1234567890 12345678",
			"1234567890 1234567890 1234567890\n  12345678"},
		{40, "1234567890 1234567890 1234567890 caf\xc3\xa9 7", NULL},
		{40, "1234567890 1234567890 1234567890 123 5 %", NULL},
		{40, "1234567890 1234567890 1234567890 1234 5 %)",
			"1234567890 1234567890 1234567890 1234\n  5 %)"},
		{40, "12345678901234567890123456789012345678901234567890 1",
			"12345678901234567890123456789012345678901234567890\n  1"},
		{39, "1234567890 1234567890 1234567890 12345678", NULL},
		{0, "1234567890 1234567890 1234567890 12345678", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf buf = {0};
		text_wrap(&buf, rows[i].text, strlen(rows[i].text), 2, rows[i].width);
		assert_string_equal(
			text_of(&buf), rows[i].wrapped ? rows[i].wrapped : rows[i].text);
		buf_clear(&buf);
	}
}

/* --- a run directory --- */

struct written {
	int session;
	uint64_t index;
	const char *command;
	int attempt, code;
	const char *out, *err; /* OUT NULL: not stored */
	double seconds;
	const char *host;
};

static const struct written written[] = {
	{1, 1, "one", 1, 0, "first\nline two", "warned\n", 1, "fast"},
	{1, 2, "two", 1, 3, "half\n", "bad 1\n", 2, "fast"},
	{1, 2, "two", 2, 0, "whole\n", "", 4, "slow"},
	{1, 3, "three", 1, 0, NULL, "", 0.5, "fast"},
	{1, 4, "four,\"\t\xff\n", 1, 7, "four\n", "bad 2\n", 9, "slow"},
	{2, 4, "four,\"\t\xff\n", 1, 7, "four again\n", "bad 3\n", 8, "slow"},
	{2, 6, "six", 1, 0, "", "", 1, "fast"},
};
enum { WRITTEN = sizeof(written) / sizeof(*written) };

static void
append_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void
write_record(struct buf *journal, struct store *store, const struct written *from)
{
	struct result result = {.index = from->index,
		.attempt = (uint16_t)from->attempt,
		.reason = from->code ? RESULT_EXIT : RESULT_OK,
		.exit_code = from->code,
		.start_us = 1700000000000000,
		.runtime_ns = (int64_t)(from->seconds * 1e9),
		.maxrss_kib = 1024 * (int64_t)from->index,
		.out_bytes = from->out ? strlen(from->out) : 0,
		.err_bytes = strlen(from->err)};
	if (from->out) {
		assert_int_equal(store_write(store, from->out, strlen(from->out), NULL), 0);
		assert_int_equal(store_write(store, from->err, strlen(from->err), NULL), 0);
		struct stored stored = store_end(store);
		result.stored = result.away = true;
		result.stored_at = stored.offset;
		result.stored_sum = stored.sum;
	}
	struct task *task = task_new(&(struct task){.index = from->index,
		.attempt = (uint16_t)from->attempt,
		.command = from->command,
		.command_len = strlen(from->command)});
	record_append(journal, &(struct record){.session = from->session,
				       .host = from->host,
				       .rank = 0,
				       .slot = 1,
				       .cores = "0",
				       .task = task,
				       .result = &result});
	task_free(task);
}

static int
make_run(void **state)
{
	(void)state;
	mkdir("jobs.txt.mpbatch", 0777);
	for (int session = 1; session <= 2; session++) {
		struct buf journal = {0};
		char path[64];
		struct store *store = store_new("jobs.txt.mpbatch", session, 0, 1);
		record_header(&journal);
		for (int i = 0; i < WRITTEN; i++)
			if (written[i].session == session)
				write_record(&journal, store, &written[i]);
		snprintf(path, sizeof(path), "jobs.txt.mpbatch/journal.%d.tsv", session);
		append_file(path, journal.data, journal.len);
		store_free(store);
		buf_clear(&journal);
	}
	return 0;
}

static int
remove_run(void **state)
{
	(void)state;
	return nftw("jobs.txt.mpbatch", scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- subcommands --- */

static char out[1 << 16], errors[1 << 16];

static void
read_file(const char *path, char *room, size_t size)
{
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t got = read(fd, room, size - 1);
	room[got > 0 ? got : 0] = '\0';
	close(fd);
}

/* Runs it with the words of LINE; what it prints is in OUT and ERRORS. */
static int
command(int (*main_of)(int, char **), const char *line)
{
	char words[200], *argv[16];
	int argc = 0, saved[2] = {dup(1), dup(2)};
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		int fd = open(i ? "err" : "out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
		dup2(fd, i + 1);
		close(fd);
	}
	int code = main_of(argc, argv);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	read_file("out", out, sizeof(out));
	read_file("err", errors, sizeof(errors));
	return code;
}

static void
output_prints_what_was_stored(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		int code;
		const char *out, *error;
	} rows[] = {
		{"output jobs.txt 1", 0, "first\nline two", NULL},
		{"output jobs.txt.mpbatch/ 1", 0, "first\nline two", NULL},
		{"output jobs.txt 1 --stderr", 0, "warned\n", NULL},
		{"output jobs.txt 2", 0, "whole\n", NULL},
		{"output jobs.txt 2 --attempt 1", 0, "half\n", NULL},
		{"output jobs.txt 1-2", 0, "first\nline twowhole\n", NULL},
		{"output jobs.txt 2 1", 0, "first\nline twowhole\n", NULL},
		{"output jobs.txt 4", 0, "four again\n", NULL},
		{"output jobs.txt 4 --session 1", 0, "four\n", NULL},
		{"output jobs.txt --failed --stderr", 0, "bad 3\n", NULL},
		{"output jobs.txt 6", 0, "", NULL},
		{"output jobs.txt 3", 1, "",
			"task 3: its output was not stored (--output store keeps it)"},
		{"output jobs.txt 5", 1, "", "task 5 has not ended yet"},
		{"output jobs.txt 1-7", 1, "first\nline twowhole\nfour again\n",
			"2 of tasks 1-7 have not ended yet"},
		{"output jobs.txt 1-4 --grep two|o.e$", 1, "1:2:line two\n2:1:whole\n", NULL},
		{"output jobs.txt 1-2 --grep arn --stderr", 0, "1:1:warned\n", NULL},
		{"output", 2, "", "no run"},
		{"output nothing", 2, "", "'nothing': expected a run directory"},
		{"output jobs.txt 0", 2, "", "index '0': expected"},
		{"output jobs.txt 3-2", 2, "", "index '3-2': expected"},
		{"output jobs.txt 1x", 2, "", "index '1x': expected"},
		{"output jobs.txt --attempt 0", 2, "", "--attempt: '0' is not a number"},
		{"output jobs.txt --session 3", 2, "", "no journal of session 3"},
		{"output jobs.txt --grep a(", 2, "", "--grep: 'a('"},
		{"output jobs.txt --no-such", 2, "", "option --no-such is unknown"},
		{"output jobs.txt --export x --stderr", 2, "", "no --grep and no --stderr"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int code = command(output_main, rows[i].line);
		if (code != rows[i].code || strcmp(out, rows[i].out) != 0)
			fail_msg("%s: code %d, '%s', '%s'", rows[i].line, code, out, errors);
		if (rows[i].error)
			assert_has(errors, rows[i].error);
		else if (!rows[i].code)
			assert_string_equal(errors, "");
	}
}

/* What it has no task for cannot end later. */
static void
output_knows_which_tasks_there_are(void **state)
{
	(void)state;
	struct buf text = {0};
	status_format(&text, &(struct status){.state = STATUS_FINISHED, .session = 2, .tasks = 6});
	assert_int_equal(status_write("jobs.txt.mpbatch", text.data, text.len, NULL), 0);
	buf_clear(&text);
	assert_int_equal(command(output_main, "output jobs.txt 99"), 1);
	assert_string_equal(errors, "mpbatch: error: there is no task 99: the run has tasks 1 to 6 "
				    "only\n");
	assert_int_equal(command(output_main, "output jobs.txt 4-8"), 1);
	assert_string_equal(errors,
		"mpbatch: error: there are no tasks 7-8: the run has tasks 1 to "
		"6 only\n"
		"mpbatch: error: 1 of tasks 4-8 have not ended yet\n");
	assert_int_equal(command(output_main, "output jobs.txt 99 --session 1"), 1);
	assert_string_equal(errors, "mpbatch: error: task 99 has not ended yet\n");
}

static void
output_exports_files(void **state)
{
	(void)state;
	char text[100];
	assert_int_equal(command(output_main, "output jobs.txt 1 2 --export exported"), 0);
	read_file("exported/1.out", text, sizeof(text));
	assert_string_equal(text, "first\nline two");
	read_file("exported/1.err", text, sizeof(text));
	assert_string_equal(text, "warned\n");
	read_file("exported/2.out", text, sizeof(text));
	assert_string_equal(text, "whole\n");
	append_file("exported/2.out", "mine", 4);
	assert_int_equal(command(output_main, "output jobs.txt 2 6 --export exported"), 1);
	assert_has(errors, "task 2: exported/2.out: File exists");
	read_file("exported/2.out", text, sizeof(text));
	assert_string_equal(text, "whole\nmine");
	assert_int_equal(access("exported/6.out", F_OK), 0);
}

static void
output_never_shows_damage(void **state)
{
	(void)state;
	char name[STORE_NAME_MAX], path[100];
	snprintf(path, sizeof(path), "jobs.txt.mpbatch/%s", store_name(1, 0, 1, name));
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "F", 1, 0), 1);
	close(fd);
	assert_int_equal(command(output_main, "output jobs.txt 1-2"), 1);
	assert_string_equal(out, "whole\n");
	assert_has(errors, "error: task 1: ");
	assert_int_equal(command(output_main, "output jobs.txt 1 --export damaged"), 1);
	assert_int_equal(access("damaged/1.out", F_OK), -1);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(command(output_main, "output jobs.txt 2"), 1);
	assert_string_equal(out, "");
	unlink(path);
	assert_int_equal(command(output_main, "output jobs.txt 2"), 1);
	assert_has(errors, "error: task 2: ");
}

static void
report_prints_tables(void **state)
{
	(void)state;
	assert_int_equal(command(report_main, "report jobs.txt"), 0);
	assert_has(out, "7 attempts in 2 sessions: 4 succeeded, 3 failed\n");
	const char *slow = strstr(out, "\nslow "), *fast = strstr(out, "\nfast ");
	assert_true(slow && fast && slow < fast);
	const char *slowest = strstr(out, "\nSlowest");
	assert_non_null(slowest);
	assert_has(slowest, "four,\"???\n");
	assert_has(out, "6.00 MiB");
	assert_has(out, "  2 attempts, all on slow: exit code 7, such as\n  task 4 on slow: ");
	assert_int_equal(command(report_main, "report nothing"), 2);
	assert_int_equal(command(report_main, "report"), 2);
	assert_int_equal(command(report_main, "report --nothing jobs.txt"), 2);
}

static void
report_joins_records(void **state)
{
	(void)state;
	assert_int_equal(command(report_main, "report --csv jobs.txt"), 0);
	assert_memory_equal(out, "session,index,element,attempt,host,", 35);
	assert_has(out, ",command\r\n1,1,,1,fast,0,1,0,1700000000.000000,1.000000,");
	assert_has(out, ",\"four,\"\"\t\xff\n\"\r\n");
	assert_int_equal(command(report_main, "report --json jobs.txt"), 0);
	assert_memory_equal(out, "[\n{\"session\":1,\"index\":1,", 24);
	assert_has(out, "\"runtime\":4.000000,");
	assert_has(out, "\"exit\":7,\"signal\":0,\"reason\":\"exit\",");
	assert_has(out, "\"command\":\"four,\\\"\\u0009\xef\xbf\xbd\\u000a\"}");
	assert_has(out, "\"command\":\"six\"}\n]\n");
}

static void
json_replaces_what_is_no_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} rows[] = {
		{"a\xc3\xa4", "\"a\xc3\xa4\""},
		{"\xc3", "\"\xef\xbf\xbd\""},
		{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80x", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\""},
		{"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\x7f\x01\"\\", "\"\\u007f\\u0001\\\"\\\\\""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf buf = {0};
		joined_json_string(&buf, rows[i].text, strlen(rows[i].text));
		assert_string_equal(text_of(&buf), rows[i].json);
		buf_clear(&buf);
	}
}

/* --- which attempt --- */

static void
picks_prefer_success_and_later_tasks(void **state)
{
	(void)state;
	static const struct {
		uint64_t index, id;
		enum result_reason reason;
		uint64_t at;
	} rows[] = {
		{2, 7, RESULT_OK, 1},
		{2, 7, RESULT_EXIT, 2}, /* a success wins */
		{1, 5, RESULT_OK, 3},
		{1, 6, RESULT_EXIT, 4}, /* another task has the number now */
		{3, 8, RESULT_EXIT, 5},
		{3, 8, RESULT_SIGNAL, 6},
	};
	struct picks picks = {0};
	picks_begin(&picks);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		picks_add(&picks, &(struct reader_record){.id = rows[i].id,
					  .stored_at = rows[i].at,
					  .result = {.index = rows[i].index,
						  .reason = (uint8_t)rows[i].reason}});
	picks_choose(&picks);
	assert_int_equal(picks.count, 3);
	assert_int_equal(picks.list[0].stored_at, 4);
	assert_int_equal(picks.list[1].stored_at, 1);
	assert_int_equal(picks.list[2].stored_at, 6);
	assert_int_equal(picks.hidden, 1);
	picks_clear(&picks);
}

/* --- the observer --- */

static void
report_forecasts_and_survives_odd_ends(void **state)
{
	(void)state;
	int64_t now = clock_now_ns();
	struct observer *report =
		report_new(&(struct report_options){.quiet = true, .start_ns = now});
	struct observed_run run = {.tasks = 110, .done_before = 10, .slots = 2, .busy = 2};
	struct task *task = task_new(&(struct task){.index = 1, .command = "x", .command_len = 1});
	struct result result = {.start_us = clock_unix_us(), .runtime_ns = CLOCK_NS_PER_S};
	double rate, eta;
	report->ops->turn(report, &run, now);
	report->ops->forecast(report, &rate, &eta);
	assert_true(eta < 0);
	for (int i = 0; i < 50; i++)
		report->ops->ended(report, &(struct observed_end){.task = task,
						   .result = &result,
						   .host = "h",
						   .slot = i == 7 ? -1 : i % 2});
	result = (struct result){.reason = RESULT_LOST};
	report->ops->ended(report,
		&(struct observed_end){.task = task, .result = &result, .host = "h", .slot = -1});
	report->ops->turn(report, &run, now + 25 * CLOCK_NS_PER_S);
	report->ops->forecast(report, &rate, &eta);
	assert_true(rate > 1.9 && rate < 2.2);
	assert_true(eta > 0);
	assert_true(report->ops->due_ns(report) == CLOCK_NEVER);
	report_print(
		report, &(struct report_end){.exit_code = 1, .now_ns = now + 25 * CLOCK_NS_PER_S});
	report_free(report);
	task_free(task);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_as_people_say_them),
		cmocka_unit_test(sizes_and_counts_are_as_people_say_them),
		cmocka_unit_test(rates_are_as_people_say_them),
		cmocka_unit_test(progress_drops_what_matters_least),
		cmocka_unit_test(progress_says_what_it_knows),
		cmocka_unit_test(colors_take_no_column),
		cmocka_unit_test(plain_progress_has_no_color),
		cmocka_unit_test(percent_is_100_only_for_all),
		cmocka_unit_test(progress_bar_is_as_full_as_the_run),
		cmocka_unit_test(progress_is_drawn_ten_times_a_second),
		cmocka_unit_test(forecast_is_right_to_a_fifth),
		cmocka_unit_test(forecast_knows_what_it_does_not_know),
		cmocka_unit_test(forecast_of_a_straggler_is_no_milliseconds),
		cmocka_unit_test(forecast_rate_is_that_of_late),
		cmocka_unit_test(spread_finds_quantiles),
		cmocka_unit_test(usage_says_where_time_went),
		cmocka_unit_test(groups_share_reason_and_last_line),
		cmocka_unit_test(groups_name_the_host_of_most),
		cmocka_unit_test(no_control_character_reaches_the_terminal),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(summary_counts_and_explains),
		cmocka_unit_test(summary_of_a_short_run_is_short),
		cmocka_unit_test(summary_of_nothing_is_a_sentence),
		cmocka_unit_test(outcomes_say_why_where_it_is_no_exit_code),
		cmocka_unit_test(lines_are_wrapped_between_words),
		cmocka_unit_test_setup_teardown(
			output_prints_what_was_stored, make_run, remove_run),
		cmocka_unit_test_setup_teardown(
			output_knows_which_tasks_there_are, make_run, remove_run),
		cmocka_unit_test_setup_teardown(output_exports_files, make_run, remove_run),
		cmocka_unit_test_setup_teardown(output_never_shows_damage, make_run, remove_run),
		cmocka_unit_test_setup_teardown(report_prints_tables, make_run, remove_run),
		cmocka_unit_test_setup_teardown(report_joins_records, make_run, remove_run),
		cmocka_unit_test(json_replaces_what_is_no_utf8),
		cmocka_unit_test(picks_prefer_success_and_later_tasks),
		cmocka_unit_test(report_forecasts_and_survives_odd_ends),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
