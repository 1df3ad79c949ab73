/* Directives of task lists, tasks written as a list, and times as people write them. */
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "tasks/list.h"
#include "tasks/listing.h"
#include "tasks/quote.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>
#include <string.h>

#include "scratch.h"

#include <cmocka.h>

static void
write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static struct list *
open_text(const char *text)
{
	struct err err;
	write_file("list", text, strlen(text));
	struct list *list = list_open("list", false, NULL, NULL, &err);
	assert_non_null(list);
	return list;
}

/* --- directives --- */

/* Each line of TEXT as "cwd|stdin|env|timeout|barrier|command", so that a table shows it all. */
static void
show_list(const char *text, struct buf *shown)
{
	struct list *list = open_text(text);
	struct task *task;
	struct err err;
	while (list_next(list, &task, &err) == NEXT_ONE) {
		buf_printf(shown, "%s|%s|", task->cwd, task->input);
		for (const char *at = task->env; at < task->env + task->env_len;
			at += strlen(at) + 1)
			buf_printf(shown, "%s;", at);
		buf_printf(
			shown, "|%u|%d|%s\n", task->timeout_ms, (int)task->barrier, task->command);
		task_free(task);
	}
	buf_append(shown, "", 1);
	list_free(list);
}

static void
directives_set_what_follows(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"a\n#MPBATCH cwd=d\nb\n\n# no\nc", "|||0|0|a\nd|||0|0|b\nd|||0|0|c\n"},
		{"#MPBATCH timeout=1.5s stdin=in\r\na\r\n#MPBATCH\tstdin= timeout=\r\nb",
			"|in||1500|0|a\n|||0|0|b\n"},
		{"#MPBATCH env:A=1 env:B=\"x y\" env:C=\na\n#MPBATCH env:A=2 -env:C -env:D\nb\n",
			"||A=1;B=x y;C=;|0|0|a\n||A=2;B=x y;|0|0|b\n"},
		{"#MPBATCH env:AB=1 env:A=2\n#MPBATCH -env:A\na", "||AB=1;|0|0|a\n"},
		{"#MPBATCH prefix=\"nice -n 5\"\na\n#MPBATCH suffix=2\\>\\&1 \nb\n"
		 "#MPBATCH prefix=\n c\n",
			"|||0|0|nice -n 5 a\n|||0|0|nice -n 5 b 2>&1\n|||0|0| c 2>&1\n"},
		{"#MPBATCH cwd='a b'\"c'\\\"\\\\\"d\\ \\\\e\na", "a bc'\"\\d \\e|||0|0|a\n"},
		{"#MPBATCH cwd=\"a\\nb\"\na", "a\nb|||0|0|a\n"},
		{"#MPBATCH cwd=a=b#c\na", "a=b#c|||0|0|a\n"},
		{"#MPBATCH cwd=d barrier timeout=1m\na\nb\n#MPBATCH reset\nc",
			"d|||60000|1|a\nd|||60000|0|b\n|||0|0|c\n"},
		{"a\n#MPBATCH barrier check\n#MPBATCH barrier reset\nb\nc",
			"|||0|0|a\n|||0|2|b\n|||0|0|c\n"},
		{"##MPBATCH cwd=d\n#MPBATCH\na", "|||0|0|a\n"},
		{" \t#MPBATCH cwd=d\na", "d|||0|0|a\n"},
		{"#MPBATCH suffix='>f'\na # b\na#b '# c' \"# d\" $# ${#e}\na \\# b",
			"|||0|0|a  >f\n|||0|0|a#b '# c' \"# d\" $# ${#e} >f\n"
			"|||0|0|a \\# b >f\n"},
		{"#MPBATCH prefix=p\na # b", "|||0|0|p a # b\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf shown = {0};
		show_list(cases[i].text, &shown);
		assert_string_equal(shown.data, cases[i].shown);
		buf_clear(&shown);
	}
}

#define KNOWN                                                                                      \
	"expected timeout=, cwd=, stdin=, stdout=, stderr=, prefix=, suffix=, shell=, "            \
	"env:NAME=, -env:NAME, reset, barrier or barrier check"

static void
directives_that_are_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"#MPBATCH retries=2", "list:2:10: retries=2, " KNOWN},
		{"#MPBATCH  cwd=d foo", "list:2:17: foo, " KNOWN},
		{"\t #MPBATCH foo", "list:2:12: foo, " KNOWN},
		{"#MPBATCH cwd", "list:2:10: cwd, " KNOWN},
		{"#MPBATCH check", "list:2:10: check, " KNOWN},
		{"#MPBATCH barrier reset check", "list:2:24: check, " KNOWN},
		{"#MPBATCH timeout=soon", "list:2:10: timeout=soon, expected " DURATION_EXPECTED},
		{"#MPBATCH env:1A=2", "list:2:10: env:1A=2, expected env:NAME=VALUE"},
		{"#MPBATCH env:A", "list:2:10: env:A, expected env:NAME=VALUE"},
		{"#MPBATCH -env:A=1", "list:2:10: -env:A=1, expected -env:NAME"},
		{"#MPBATCH cwd='a\r",
			"list:2:14: a quote that is not closed, expected a ' later in the line"},
		{"#MPBATCH cwd=a\\",
			"list:2:15: a backslash at the end of the line, expected a character "
			"behind it"},
		{"#MPBATCH cwd=\"\\a\"",
			"list:2:15: a backslash in \"...\", expected \\\", \\\\ or \\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err;
		struct buf text = {0};
		buf_printf(&text, "a\n%s\nb\n", cases[i].line);
		write_file("list", text.data, text.len);
		assert_null(list_open("list", false, NULL, NULL, &err));
		assert_string_equal(err.text, cases[i].text);
		buf_clear(&text);
	}
}

/* --- listings --- */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Some of what makes trouble in shells and directives, and is never empty if SOME. */
static const char *
random_text(uint32_t *seed, bool some, struct buf *room)
{
	static const char bytes[] = "aB1 \t\n\r'\"\\$`#=;%-\xff\xc3";
	size_t start = room->len, len = next_random(seed) % 6 + some;
	for (size_t i = 0; i < len; i++)
		buf_append(room, &bytes[next_random(seed) % (sizeof(bytes) - 1)], 1);
	buf_append(room, "", 1);
	return room->data + start;
}

/* Few values, so that tasks are often like the one before. */
static struct task *
random_task(uint32_t *seed)
{
	static const char *const names[] = {"A", "AB", "B", "_1"};
	static const uint32_t times[] = {0, 1, 999, 60000, 1234567, UINT32_MAX};
	struct buf texts = {0}, env = {0};
	buf_room(&texts, 256); /* pointers into it stay */
	for (int i = 0; i < 4; i++)
		if (next_random(seed) % 2)
			buf_printf(&env, "%s=%s%c", names[next_random(seed) % 4],
				random_text(seed, false, &texts), 0);
	struct task task = {.barrier = next_random(seed) % 8 ? 0 : next_random(seed) % 3,
		.timeout_ms = times[next_random(seed) % 6],
		.shell = next_random(seed) % 2 ? "/bin/sh -u" : "",
		.cwd = next_random(seed) % 2 ? random_text(seed, true, &texts) : "",
		.input = next_random(seed) % 2 ? random_text(seed, true, &texts) : "",
		.out = next_random(seed) % 2 ? random_text(seed, true, &texts) : "",
		.err = next_random(seed) % 2 ? random_text(seed, true, &texts) : "",
		.env = env.data,
		.env_len = env.len,
		.command = random_text(seed, true, &texts)};
	task.command_len = strlen(task.command);
	struct task *made = task_new(&task);
	buf_clear(&texts);
	buf_clear(&env);
	return made;
}

/* The variables a program sees, in order: of several with one name the last. */
static void
show_env(const struct task *task, struct buf *shown)
{
	const char *end = task->env + task->env_len;
	for (const char *at = task->env; at < end; at += strlen(at) + 1) {
		bool last = true;
		for (const char *other = at + strlen(at) + 1; other < end;
			other += strlen(other) + 1)
			last = last && strncmp(at, other, strcspn(at, "=") + 1) != 0;
		if (last)
			buf_append(shown, at, strlen(at) + 1);
	}
	buf_append(shown, "", 1);
}

static void
assert_same_task(const struct task *task, const struct task *read)
{
	struct buf line = {0}, env = {0}, read_env = {0};
	quote_line(&line, task->command, task->command_len);
	assert_int_equal(read->command_len, line.len);
	assert_memory_equal(read->command, line.data, line.len);
	assert_string_equal(read->shell, task->shell);
	assert_string_equal(read->cwd, task->cwd);
	assert_string_equal(read->input, task->input);
	assert_string_equal(read->out, task->out);
	assert_string_equal(read->err, task->err);
	assert_int_equal(read->timeout_ms, task->timeout_ms);
	show_env(task, &env);
	show_env(read, &read_env);
	assert_int_equal(read_env.len, env.len);
	assert_memory_equal(read_env.data, env.data, env.len);
	buf_clear(&line);
	buf_clear(&env);
	buf_clear(&read_env);
}

static void
listings_are_read_back(void **state)
{
	(void)state;
	enum { TASKS = 20 };
	for (uint32_t round = 1; round <= 500; round++) {
		uint32_t seed = round;
		struct listing listing = {0};
		struct buf text = {0};
		struct task *tasks[TASKS], *read;
		struct err err;
		for (int i = 0; i < TASKS; i++) {
			tasks[i] = random_task(&seed);
			listing_add(&listing, &text, tasks[i]);
		}
		write_file("list", text.data, text.len);
		struct list *list = list_open("list", false, NULL, NULL, &err);
		assert_non_null(list);
		for (int i = 0; i < TASKS; i++) {
			assert_int_equal(list_next(list, &read, &err), NEXT_ONE);
			assert_same_task(tasks[i], read);
			bool kept = i || tasks[i]->barrier == BARRIER_CHECK;
			assert_int_equal(
				read->barrier, kept ? tasks[i]->barrier : BARRIER_NONE);
			task_free(read);
			task_free(tasks[i]);
		}
		assert_int_equal(list_next(list, &read, &err), NEXT_END);
		assert_int_equal(listing.written, TASKS);
		list_free(list);
		listing_clear(&listing);
		buf_clear(&text);
	}
}

static void
listing_says_what_differs(void **state)
{
	(void)state;
	struct listing listing = {0};
	struct buf text = {0};
	struct task task = {.shell = "",
		.cwd = "d",
		.input = "",
		.out = "o",
		.err = "",
		.env = "A=1\0B=2",
		.env_len = 8};
	task.command = "x";
	task.command_len = 1;
	task.timeout_ms = 90000;
	listing_add(&listing, &text, &task);
	listing_add(&listing, &text, &task);
	task.barrier = BARRIER_CHECK;
	listing_skip(&listing, &task);
	task.barrier = BARRIER_WAIT;
	task.env = "A=3\0B=2";
	task.timeout_ms = 0;
	task.out = "";
	task.err = "e";
	listing_add(&listing, &text, &task);
	listing_clear(&listing);
	buf_append(&text, "", 1);
	assert_string_equal(text.data,
		"#MPBATCH cwd=\"d\" stdout=\"o\" timeout=90 env:A=\"1\" env:B=\"2\"\n"
		"x\nx\n"
		"#MPBATCH barrier check\n"
		"#MPBATCH stdout=\"\" stderr=\"e\" timeout= env:A=\"3\"\n"
		"x\n");
	buf_clear(&text);
}

/* --- durations --- */

static void
durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t ms; /* 0: refused */
	} cases[] = {{"90", 90000}, {"1.5s", 1500}, {"10m", 600000}, {"1h30m", 5400000},
		{"2d", 172800000}, {"0.001", 1}, {"1.234", 1234}, {"4294967.295", UINT32_MAX},
		{"1m0.5s", 60500}, {"4294967.296", 0}, {"1m0.5", 0}, {"1h30", 0}, {"2d12", 0},
		{"30m1h", 0}, {"1h1h", 0}, {"01:30:00", 5400000}, {"90:00", 5400000},
		{"1-12", 129600000}, {"1-12:30", 131400000}, {"1-12:30:15", 131415000},
		{"0-00:00:01", 1000}, {"1:60", 0}, {"1-24", 0}, {"1:2:3:4", 0}, {"1-2-3", 0},
		{":30", 0}, {"1:", 0}, {"1.5:00", 0}, {"1-", 0}, {"1-2:3:4:5", 0}, {"00:00", 0},
		{"50d", 0}, {"0", 0}, {"0.0004", 0}, {"", 0}, {"s", 0}, {"-1", 0}, {"10x", 0},
		{"1 m", 0}, {".5", 0}, {"1.2.3", 0}, {"5ms", 0}, {"1e3", 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t ms = 0;
		assert_int_equal(!duration_parse(cases[i].text, &ms), cases[i].ms > 0);
		assert_int_equal(ms, cases[i].ms);
	}
	static const char *const unitless[] = {"1h30", "2d12", "1m0.5", "1d2h3"};
	for (size_t i = 0; i < sizeof(unitless) / sizeof(*unitless); i++) {
		uint32_t ms = 0;
		assert_non_null(strstr(duration_parse(unitless[i], &ms), "lacks a unit"));
	}
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directives_set_what_follows),
		cmocka_unit_test(directives_that_are_wrong),
		cmocka_unit_test(listings_are_read_back),
		cmocka_unit_test(listing_says_what_differs),
		cmocka_unit_test(durations),
	};
	return cmocka_run_group_tests_name("directive", tests, scratch_make, scratch_leave);
}
