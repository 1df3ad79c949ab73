/* Tasks and results as bytes, and task lists as they are found in the wild. */
#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "tasks/list.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "scratch.h"

#include <cmocka.h>

/* --- task --- */

static const struct task full_task = {.index = UINT64_C(10000000000),
	.line = 12,
	.attempt = 3,
	.need = {.cores = 4, .gpus = 1, .memory_mib = 70000},
	.timeout_ms = 90000,
	.command = "echo hello",
	.command_len = 10,
	.cwd = "/scratch",
	.input = "in.dat",
	.env = "A=1\0B=\0",
	.env_len = 7};

static void
task_is_a_copy_of_its_own(void **state)
{
	(void)state;
	char command[] = "echo hello";
	struct task *task =
		task_new(&(struct task){.index = 1, .command = command, .command_len = 4});
	memset(command, 'x', sizeof(command));
	assert_string_equal(task->command, "echo");
	assert_string_equal(task->cwd, "");
	assert_string_equal(task->input, "");
	assert_int_equal(task->env_len, 0);
	assert_int_equal(task->index, 1);
	assert_true(task_bytes(task) >= sizeof(*task) + 4);
	task_free(task);
	task_free(NULL);
}

static void
task_round_trip(void **state)
{
	(void)state;
	struct buf buf = {0};
	task_pack(&buf, &full_task);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct task *task = task_unpack(&in);
	assert_true(unpack_ok(&in));
	assert_true(task->index == full_task.index && task->attempt == 3);
	assert_memory_equal(&task->need, &full_task.need, sizeof(task->need));
	assert_int_equal(task->timeout_ms, 90000);
	assert_string_equal(task->command, "echo hello");
	assert_int_equal(task->command_len, 10);
	assert_string_equal(task->cwd, "/scratch");
	assert_string_equal(task->input, "in.dat");
	assert_int_equal(task->env_len, 7);
	assert_memory_equal(task->env, full_task.env, 7);
	task_free(task);
	buf_clear(&buf);
}

static bool
unpacks(const struct task *from, size_t cut)
{
	struct buf buf = {0};
	task_pack(&buf, from);
	char *copy = test_malloc(buf.len - cut + 1);
	memcpy(copy, buf.data, buf.len - cut);
	struct unpack in = unpack_init(copy, buf.len - cut);
	struct task *task = task_unpack(&in);
	assert_int_equal(task == NULL, in.bad);
	bool good = task != NULL;
	task_free(task);
	test_free(copy);
	buf_clear(&buf);
	return good;
}

static void
task_that_is_bad(void **state)
{
	(void)state;
	struct buf buf = {0};
	task_pack(&buf, &full_task);
	assert_true(unpacks(&full_task, 0));
	for (size_t cut = 1; cut <= buf.len; cut++)
		assert_false(unpacks(&full_task, cut));
	buf_clear(&buf);
	struct task task = full_task;
	task.command = "a\0b";
	task.command_len = 3;
	assert_false(unpacks(&task, 0));
	task = full_task;
	task.env_len = 3; /* no NUL at its end */
	assert_false(unpacks(&task, 0));
}

static void
identity_is_what_the_task_is(void **state)
{
	(void)state;
	uint64_t id = task_identity(&full_task);
	struct task task = full_task;
	task.index = 7;
	task.line = 8;
	task.attempt = 9;
	task.timeout_ms = 0;
	task.need = need_default;
	assert_true(task_identity(&task) == id);
	task.command_len--;
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.cwd = "/scratch/";
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.input = "";
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.env = "A=1\0C=\0";
	assert_true(task_identity(&task) != id);
	struct task a = {.command = "ab", .command_len = 2, .cwd = "c", .input = ""};
	struct task b = {.command = "a", .command_len = 1, .cwd = "bc", .input = ""};
	assert_true(task_identity(&a) != task_identity(&b));
}

/* Journals of earlier versions must still match. */
static void
identity_stays_what_it_was(void **state)
{
	(void)state;
	assert_true(task_identity(&full_task) == UINT64_C(0x9e0f80f749190e87));
}

/* --- result --- */

static const struct result full_result = {.index = UINT64_C(10000000000),
	.attempt = 2,
	.slot = 300,
	.reason = RESULT_SPAWN,
	.via = RESULT_VIA_SHELL,
	.step = STEP_EXEC,
	.exit_code = -1,
	.signal = 9,
	.error = 2,
	.strays = 3,
	.start_us = INT64_C(1700000000123456),
	.runtime_ns = INT64_C(90000000000),
	.user_us = 5,
	.system_us = 6,
	.maxrss_kib = 7000000,
	.out_bytes = 3,
	.err_bytes = 5,
	.out = "out",
	.err = "error"};

static void
result_round_trip(void **state)
{
	(void)state;
	struct buf buf = {0}, again = {0};
	result_pack(&buf, &full_result);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct result result = result_unpack(&in);
	assert_true(unpack_ok(&in));
	assert_memory_equal(result.out, "out", 3);
	assert_memory_equal(result.err, "error", 5);
	result.out = full_result.out;
	result.err = full_result.err;
	assert_memory_equal(&result, &full_result, offsetof(struct result, offered));
	assert_true(result.exit_code == -1 && result.signal == 9 && result.error == 2);
	assert_true(result.strays == 3 && result.start_us == full_result.start_us);
	assert_true(result.runtime_ns == full_result.runtime_ns && result.user_us == 5);
	assert_true(result.system_us == 6 && result.maxrss_kib == 7000000);
	result.offered = true;
	result.out_bytes = UINT64_C(1) << 40;
	result.out = result.err = NULL;
	result_pack(&again, &result);
	in = unpack_init(again.data, again.len);
	result = result_unpack(&in);
	assert_true(unpack_ok(&in) && result.offered && result.out_bytes == UINT64_C(1) << 40);
	buf_clear(&buf);
	buf_clear(&again);
}

static bool
result_unpacks(const struct buf *buf, size_t len)
{
	char *copy = test_malloc(len + 1);
	memcpy(copy, buf->data, len);
	struct unpack in = unpack_init(copy, len);
	result_unpack(&in);
	test_free(copy);
	return unpack_ok(&in);
}

static void
result_that_is_bad(void **state)
{
	(void)state;
	struct buf buf = {0};
	result_pack(&buf, &full_result);
	assert_true(result_unpacks(&buf, buf.len));
	for (size_t len = 0; len < buf.len; len++)
		assert_false(result_unpacks(&buf, len));
	struct result result = full_result;
	result.reason = RESULT_REASONS;
	buf_consume(&buf, buf.len);
	result_pack(&buf, &result);
	assert_false(result_unpacks(&buf, buf.len));
	result = full_result;
	result.via = RESULT_VIAS;
	buf_consume(&buf, buf.len);
	result_pack(&buf, &result);
	assert_false(result_unpacks(&buf, buf.len));
	buf_clear(&buf);
}

static void
result_names(void **state)
{
	(void)state;
	for (int i = 0; i < RESULT_REASONS; i++)
		assert_non_null(result_reason_names[i]);
	for (int i = 0; i < RESULT_VIAS; i++)
		assert_non_null(result_via_names[i]);
	assert_string_equal(result_reason_names[RESULT_CANCELLED], "cancelled");
	assert_string_equal(result_step_name(STEP_CWD), "change directory");
	assert_string_equal(result_step_name(STEPS), "unknown step");
	assert_string_equal(result_step_name(-1), "unknown step");
}

/* --- lists --- */

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
	struct list *list = list_open("list", &err);
	assert_non_null(list);
	return list;
}

static void
assert_next(struct list *list, uint64_t index, uint64_t line, const char *command)
{
	struct task *task;
	struct err err;
	assert_int_equal(list_next(list, &task, &err), LIST_TASK);
	assert_string_equal(task->command, command);
	assert_int_equal(task->command_len, strlen(command));
	assert_int_equal(task->index, index);
	assert_int_equal(task->line, line);
	assert_int_equal(task->attempt, 1);
	assert_memory_equal(&task->need, &need_default, sizeof(task->need));
	task_free(task);
}

static void
assert_status(struct list *list, enum list_status status)
{
	struct task *task;
	struct err err;
	assert_int_equal(list_next(list, &task, &err), status);
}

static void
list_of_lines(void **state)
{
	(void)state;
	struct list *list = open_text("a 1\n\n# no\n \t\n  b  \r\n\r\n\t# no\nc # yes\n\xff\nlast");
	assert_int_equal(list_fd(list), -1);
	assert_int_equal(list_count(list), 5);
	assert_int_equal(list_remaining(list), 5);
	assert_next(list, 1, 1, "a 1");
	assert_next(list, 2, 5, "  b  ");
	assert_int_equal(list_remaining(list), 3);
	assert_next(list, 3, 8, "c # yes");
	assert_next(list, 4, 9, "\xff");
	assert_next(list, 5, 10, "last");
	assert_int_equal(list_remaining(list), 0);
	assert_status(list, LIST_END);
	assert_status(list, LIST_END);
	assert_int_equal(list_count(list), 5);
	list_free(list);
}

static void
list_without_tasks(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "\n", "#", "# a\n\n", "\r\n", " \t"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct list *list = open_text(texts[i]);
		assert_int_equal(list_count(list), 0);
		assert_int_equal(list_remaining(list), 0);
		assert_status(list, LIST_END);
		list_free(list);
	}
	list_free(NULL);
}

static void
list_with_a_line_of_a_megabyte(void **state)
{
	(void)state;
	char *text = test_malloc((1 << 20) + 3);
	memset(text, 'x', 1 << 20);
	strcpy(text + (1 << 20), "\ny");
	struct list *list = open_text(text);
	text[1 << 20] = '\0';
	assert_next(list, 1, 1, text);
	assert_next(list, 2, 2, "y");
	list_free(list);
	test_free(text);
}

static void
list_that_cannot_be_opened(void **state)
{
	(void)state;
	struct err err;
	assert_null(list_open("nowhere", &err));
	assert_string_equal(
		err.text, "nowhere: cannot open the task list: No such file or directory");
	assert_null(list_open(".", &err));
	assert_string_equal(err.text, ". is a directory, expected a task list");
	write_file("list", "a\n#\0\n", 5);
	assert_null(list_open("list", &err));
	assert_string_equal(err.text, "list:2:2: a NUL byte, expected a shell command");
}

/* --- lists larger than what is read at once --- */

enum { LINE = 64, LINES = 200000 };
_Static_assert(LINE *LINES > LIST_AHEAD_BYTES + (1 << 20), "larger than is looked ahead");

static const struct timespec long_ago = {.tv_sec = 1000000000};

static void
set_mtime(const char *path)
{
	const struct timespec times[2] = {long_ago, long_ago};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Line N is N in LINE - 1 digits. NUL_AT, if not 0: a byte of the file that is NUL. */
static void
write_large(const char *path, size_t lines, size_t nul_at)
{
	char *text = test_malloc(lines * LINE + 1);
	for (size_t i = 0; i < lines; i++)
		snprintf(text + i * LINE, LINE + 1, "%0*zu\n", LINE - 1, i + 1);
	if (nul_at)
		text[nul_at] = '\0';
	write_file(path, text, lines * LINE - 1); /* no final newline */
	set_mtime(path);
	test_free(text);
}

static struct list *
open_large(void)
{
	struct err err;
	write_large("large", LINES, 0);
	struct list *list = list_open("large", &err);
	assert_non_null(list);
	assert_int_equal(list_count(list), 0);
	return list;
}

static uint64_t
take_all(struct list *list, enum list_status *status, struct err *err)
{
	uint64_t count = 0;
	struct task *task;
	while ((*status = list_next(list, &task, err)) == LIST_TASK) {
		count++;
		assert_int_equal(task->index, count);
		assert_int_equal(strtoul(task->command, NULL, 10), count);
		assert_int_equal(task->command_len, LINE - 1);
		task_free(task);
		uint64_t left = list_remaining(list), really = LINES - count;
		assert_in_range(left, really - really / 10, really + really / 10 + 2);
	}
	return count;
}

static void
list_larger_than_looked_at(void **state)
{
	(void)state;
	struct err err;
	enum list_status status;
	struct list *list = open_large();
	assert_int_equal(take_all(list, &status, &err), LINES);
	assert_int_equal(status, LIST_END);
	assert_int_equal(list_count(list), LINES);
	assert_int_equal(list_remaining(list), 0);
	list_free(list);
}

static void
list_of_just_what_is_looked_at(void **state)
{
	(void)state;
	struct err err;
	write_large("large", LIST_AHEAD_BYTES / LINE, 0);
	FILE *file = fopen("large", "a");
	fputc('\n', file);
	fclose(file);
	struct list *list = list_open("large", &err);
	assert_non_null(list);
	assert_int_equal(list_count(list), LIST_AHEAD_BYTES / LINE);
	list_free(list);
}

static void
list_with_a_late_nul(void **state)
{
	(void)state;
	struct err err;
	enum list_status status;
	write_large("large", LINES, (LINES - 1) * LINE + 2);
	struct list *list = list_open("large", &err);
	assert_non_null(list);
	assert_int_equal(take_all(list, &status, &err), LINES - 1);
	assert_int_equal(status, LIST_ERROR);
	assert_string_equal(err.text, "large:200000:3: a NUL byte, expected a shell command");
	assert_status(list, LIST_ERROR);
	list_free(list);
}

static void
append_to_large(void)
{
	FILE *file = fopen("large", "a");
	fputs("\nmore", file);
	fclose(file);
	set_mtime("large");
}

static void
touch_large(void)
{
	assert_int_equal(utimensat(AT_FDCWD, "large", NULL, 0), 0);
}

static void
replace_large(void)
{
	write_large("other", LINES, 0);
	assert_int_equal(rename("other", "large"), 0);
}

static void
cut_large(void)
{
	assert_int_equal(truncate("large", LIST_AHEAD_BYTES + 5), 0);
	set_mtime("large");
}

static void
list_that_changes(void **state)
{
	(void)state;
	void (*const changes[])(void) = {append_to_large, touch_large, replace_large, cut_large};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct err err;
		enum list_status status;
		struct list *list = open_large();
		changes[i]();
		assert_in_range(take_all(list, &status, &err), 1, LINES - 1);
		assert_int_equal(status, LIST_ERROR);
		assert_string_equal(err.text, "large has changed since the run began");
		assert_status(list, LIST_ERROR);
		list_free(list);
	}
}

static void
list_that_is_deleted_is_whole(void **state)
{
	(void)state;
	struct err err;
	enum list_status status;
	struct list *list = open_large();
	assert_int_equal(unlink("large"), 0);
	assert_int_equal(take_all(list, &status, &err), LINES);
	assert_int_equal(status, LIST_END);
	list_free(list);
}

/* --- pipes and standard input --- */

static void
say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Opens "-" with FD as standard input. */
static struct list *
open_input(int fd, int *saved)
{
	struct err err;
	*saved = dup(STDIN_FILENO);
	dup2(fd, STDIN_FILENO);
	struct list *list = list_open("-", &err);
	assert_non_null(list);
	return list;
}

static void
close_input(struct list *list, int saved)
{
	list_free(list);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void
list_as_it_arrives(void **state)
{
	(void)state;
	int ends[2], saved;
	assert_int_equal(pipe(ends), 0);
	struct list *list = open_input(ends[0], &saved);
	assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(list_fd(list), F_GETFD), FD_CLOEXEC);
	assert_status(list, LIST_WAIT);
	say(ends[1], "on");
	assert_status(list, LIST_WAIT);
	say(ends[1], "e\ntwo\n#\nthr");
	struct pollfd readable = {.fd = list_fd(list), .events = POLLIN};
	assert_int_equal(poll(&readable, 1, 60000), 1);
	assert_next(list, 1, 1, "one");
	assert_int_equal(list_count(list), 0);
	assert_int_equal(list_remaining(list), 2);
	assert_next(list, 2, 2, "two");
	assert_status(list, LIST_WAIT);
	assert_int_equal(list_remaining(list), 0);
	say(ends[1], "ee");
	close(ends[1]);
	assert_next(list, 3, 4, "three");
	assert_int_equal(list_remaining(list), 0);
	assert_status(list, LIST_END);
	assert_status(list, LIST_END);
	assert_int_equal(list_count(list), 3);
	close_input(list, saved);
	close(ends[0]);
}

static void
list_from_a_pipe_with_a_nul(void **state)
{
	(void)state;
	int ends[2], saved;
	struct task *task;
	struct err err;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a\nbc\0\n", 6), 6);
	struct list *list = open_input(ends[0], &saved);
	assert_next(list, 1, 1, "a");
	assert_int_equal(list_next(list, &task, &err), LIST_ERROR);
	assert_string_equal(err.text, "standard input:2:3: a NUL byte, expected a shell command");
	close_input(list, saved);
	close(ends[0]);
	close(ends[1]);
}

/* As in { read first; mpbatch -; } < file, where a file's name that is none must not matter. */
static void
list_from_a_file_as_standard_input(void **state)
{
	(void)state;
	int saved;
	write_file("list", "first\nsecond\nthird\n", 19);
	write_file("standard input", "x\n", 2);
	int fd = open("list", O_RDONLY);
	assert_int_equal(lseek(fd, 6, SEEK_SET), 6);
	struct list *list = open_input(fd, &saved);
	assert_int_equal(list_fd(list), -1);
	assert_int_equal(list_count(list), 2);
	assert_next(list, 1, 1, "second");
	assert_next(list, 2, 2, "third");
	assert_status(list, LIST_END);
	close_input(list, saved);
	close(fd);
}

static void
list_from_a_fifo(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	int fd = open("fifo", O_RDWR); /* so that neither open waits */
	struct list *list = list_open("fifo", &err);
	assert_non_null(list);
	assert_true(list_fd(list) >= 0);
	assert_status(list, LIST_WAIT);
	say(fd, "a\n");
	assert_next(list, 1, 1, "a");
	assert_status(list, LIST_WAIT);
	close(fd);
	assert_status(list, LIST_END);
	list_free(list);
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_is_a_copy_of_its_own),
		cmocka_unit_test(task_round_trip),
		cmocka_unit_test(task_that_is_bad),
		cmocka_unit_test(identity_is_what_the_task_is),
		cmocka_unit_test(identity_stays_what_it_was),
		cmocka_unit_test(result_round_trip),
		cmocka_unit_test(result_that_is_bad),
		cmocka_unit_test(result_names),
		cmocka_unit_test(list_of_lines),
		cmocka_unit_test(list_without_tasks),
		cmocka_unit_test(list_with_a_line_of_a_megabyte),
		cmocka_unit_test(list_that_cannot_be_opened),
		cmocka_unit_test(list_larger_than_looked_at),
		cmocka_unit_test(list_of_just_what_is_looked_at),
		cmocka_unit_test(list_with_a_late_nul),
		cmocka_unit_test(list_that_changes),
		cmocka_unit_test(list_that_is_deleted_is_whole),
		cmocka_unit_test(list_as_it_arrives),
		cmocka_unit_test(list_from_a_pipe_with_a_nul),
		cmocka_unit_test(list_from_a_file_as_standard_input),
		cmocka_unit_test(list_from_a_fifo),
	};
	return cmocka_run_group_tests_name("tasks", tests, scratch_make, scratch_leave);
}
