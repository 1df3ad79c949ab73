/* Task lists as they are found in the wild. */
#include "base/err.h"
#include "tasks/lines.h"
#include "tasks/list.h"
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
	struct list *list = list_open("list", false, NULL, NULL, &err);
	assert_non_null(list);
	return list;
}

static void
assert_next(struct list *list, uint64_t index, uint64_t line, const char *command)
{
	struct task *task;
	struct err err;
	assert_int_equal(list_next(list, &task, &err), NEXT_ONE);
	assert_string_equal(task->command, command);
	assert_int_equal(task->command_len, strlen(command));
	assert_int_equal(task->index, index);
	assert_int_equal(task->line, line);
	assert_int_equal(task->attempt, 1);
	assert_memory_equal(&task->need, &need_default, sizeof(task->need));
	task_free(task);
}

static void
assert_status(struct list *list, enum next status)
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
	assert_status(list, NEXT_END);
	assert_status(list, NEXT_END);
	assert_int_equal(list_count(list), 5);
	list_free(list);
}

static void
list_with_a_byte_order_mark(void **state)
{
	(void)state;
	struct list *list = open_text("\xef\xbb\xbf"
				      "a\n\xef\xbb\xbf"
				      "b\n");
	assert_int_equal(list_count(list), 2);
	assert_next(list, 1, 1, "a");
	assert_next(list, 2, 2,
		"\xef\xbb\xbf"
		"b");
	list_free(list);
	list = open_text("\xef\xbb\xbf#MPBATCH prefix=p\r\na\r\n");
	assert_int_equal(list_count(list), 1);
	assert_next(list, 1, 2, "p a");
	list_free(list);
}

/* A list with TEXT in it is refused, and ERR says EXPECTED; as it is, it is taken. */
static void
assert_foreign(const char *text, const char *expected)
{
	struct err err = {.text = ""};
	write_file("list", text, strlen(text));
	assert_null(list_open("list", false, NULL, NULL, &err));
	if (!strstr(err.text, expected))
		fail_msg("'%s' does not say '%s'", err.text, expected);
	struct list *list = list_open("list", true, NULL, NULL, &err);
	assert_non_null(list);
	list_free(list);
}

static void
script_as_a_list(void **state)
{
	(void)state;
	assert_foreign("#!/bin/bash\nrm -f *\n", "list:1:1: '#!/bin/bash': this is a script");
	assert_foreign("\xef\xbb\xbf#!/bin/sh\n", "-- ./list to run the script");
	assert_foreign(
		"a\n#SBATCH --array=1-9\n", "list:2:1: '#SBATCH --array=1-9': this is a batch");
	assert_foreign(" #PBS -l x\r\n", "list:1:2: '#PBS -l x'");
	assert_foreign("#BSUB", "LSF");
	assert_foreign("#HQ --cpus 2\n", "HyperQueue");
	assert_foreign("#Launcher x\n", "Launcher");
	assert_foreign("#DSQ x\n", "dSQ");
	assert_foreign(
		"a\n#DISBATCH BARRIER\nb\n", "expected #MPBATCH prefix=, suffix= or barrier");
	assert_foreign("a\n[# 1 #] b\n", "expected the command alone");
	struct list *list = open_text("a\n#!/bin/sh\n ##SBATCH x\n#SBATCHED\n[ -f x ]\n");
	assert_int_equal(list_count(list), 2);
	list_free(list);
}

/* What was a comment, and its settings were not there. */
static void
misspelt_directives(void **state)
{
	(void)state;
	static const char *const misspelt[] = {"#mpbatch timeout=5", "# MPBATCH", "#MBATCH barrier",
		"#MPBTACH reset", "#MPBATCHtimeout=5", "#MPBATCH: cwd=x", "# mpbatch env:A=1",
		"#MPIBATCH x"};
	for (size_t i = 0; i < sizeof(misspelt) / sizeof(*misspelt); i++)
		assert_foreign(misspelt[i], "expected '#MPBATCH', or '##'");
	struct list *list = open_text("# mpbatch runs this\n##MPBATCH x=1\n# BATCH 3\n#\n# 5\na\n");
	assert_int_equal(list_count(list), 1);
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
		assert_status(list, NEXT_END);
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
	assert_null(list_open("nowhere", false, NULL, NULL, &err));
	assert_string_equal(err.text, "nowhere: cannot open: No such file or directory");
	assert_null(list_open(".", false, NULL, NULL, &err));
	assert_string_equal(err.text, ". is a directory, expected a file");
	write_file("list", "a\n#\0\n", 5);
	assert_null(list_open("list", false, NULL, NULL, &err));
	assert_string_equal(err.text, "list:2:2: a NUL byte, expected text");
}

/* --- lists larger than what is read at once --- */

enum { LINE = 64, LINES = 200000 };
_Static_assert(LINE *LINES > LINES_AHEAD_BYTES + (1 << 20), "larger than is looked ahead");

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
	struct list *list = list_open("large", false, NULL, NULL, &err);
	assert_non_null(list);
	assert_int_equal(list_count(list), 0);
	return list;
}

static uint64_t
take_all(struct list *list, enum next *status, struct err *err)
{
	uint64_t count = 0;
	struct task *task;
	while ((*status = list_next(list, &task, err)) == NEXT_ONE) {
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
	enum next status;
	struct list *list = open_large();
	assert_int_equal(take_all(list, &status, &err), LINES);
	assert_int_equal(status, NEXT_END);
	assert_int_equal(list_count(list), LINES);
	assert_int_equal(list_remaining(list), 0);
	list_free(list);
}

static void
list_of_just_what_is_looked_at(void **state)
{
	(void)state;
	struct err err;
	write_large("large", LINES_AHEAD_BYTES / LINE, 0);
	FILE *file = fopen("large", "a");
	fputc('\n', file);
	fclose(file);
	struct list *list = list_open("large", false, NULL, NULL, &err);
	assert_non_null(list);
	assert_int_equal(list_count(list), LINES_AHEAD_BYTES / LINE);
	list_free(list);
}

static void
list_with_a_late_nul(void **state)
{
	(void)state;
	struct err err;
	enum next status;
	write_large("large", LINES, (LINES - 1) * LINE + 2);
	struct list *list = list_open("large", false, NULL, NULL, &err);
	assert_non_null(list);
	assert_int_equal(take_all(list, &status, &err), LINES - 1);
	assert_int_equal(status, NEXT_ERROR);
	assert_string_equal(err.text, "large:200000:3: a NUL byte, expected text");
	assert_status(list, NEXT_ERROR);
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
	assert_int_equal(truncate("large", LINES_AHEAD_BYTES + 5), 0);
	set_mtime("large");
}

static void
list_that_changes(void **state)
{
	(void)state;
	void (*const changes[])(void) = {append_to_large, touch_large, replace_large, cut_large};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct err err;
		enum next status;
		struct list *list = open_large();
		changes[i]();
		assert_in_range(take_all(list, &status, &err), 1, LINES - 1);
		assert_int_equal(status, NEXT_ERROR);
		assert_string_equal(err.text, "large has changed since the run began");
		assert_status(list, NEXT_ERROR);
		list_free(list);
	}
}

static void
list_that_is_deleted_is_whole(void **state)
{
	(void)state;
	struct err err;
	enum next status;
	struct list *list = open_large();
	assert_int_equal(unlink("large"), 0);
	assert_int_equal(take_all(list, &status, &err), LINES);
	assert_int_equal(status, NEXT_END);
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
	struct list *list = list_open("-", false, NULL, NULL, &err);
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
	assert_status(list, NEXT_WAIT);
	say(ends[1], "on");
	assert_status(list, NEXT_WAIT);
	say(ends[1], "e\ntwo\n#\nthr");
	struct pollfd readable = {.fd = list_fd(list), .events = POLLIN};
	assert_int_equal(poll(&readable, 1, 60000), 1);
	assert_next(list, 1, 1, "one");
	assert_int_equal(list_count(list), 0);
	assert_int_equal(list_remaining(list), 2);
	assert_next(list, 2, 2, "two");
	assert_status(list, NEXT_WAIT);
	assert_int_equal(list_remaining(list), 0);
	say(ends[1], "ee");
	close(ends[1]);
	assert_next(list, 3, 4, "three");
	assert_int_equal(list_remaining(list), 0);
	assert_status(list, NEXT_END);
	assert_status(list, NEXT_END);
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
	assert_int_equal(list_next(list, &task, &err), NEXT_ERROR);
	assert_string_equal(err.text, "standard input:2:3: a NUL byte, expected text");
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
	assert_status(list, NEXT_END);
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
	struct list *list = list_open("fifo", false, NULL, NULL, &err);
	assert_non_null(list);
	assert_true(list_fd(list) >= 0);
	assert_status(list, NEXT_WAIT);
	say(fd, "a\n");
	assert_next(list, 1, 1, "a");
	assert_status(list, NEXT_WAIT);
	close(fd);
	assert_status(list, NEXT_END);
	list_free(list);
}

static void
directive_that_is_wrong_and_late(void **state)
{
	(void)state;
	struct err err;
	enum next next;
	write_large("large", LINES, 0);
	FILE *file = fopen("large", "r+");
	fseek(file, (LINES - 1) * LINE, SEEK_SET);
	fputs("#MPBATCH x ", file);
	fclose(file);
	struct list *list = list_open("large", false, NULL, NULL, &err);
	assert_non_null(list);
	assert_int_equal(take_all(list, &next, &err), LINES - 1);
	assert_int_equal(next, NEXT_ERROR);
	assert_memory_equal(err.text, "large:200000:10: x, expected timeout=", 36);
	list_free(list);
}

/* Outputs go by message or to files: that is settled before the first task. */
static void
output_files_that_are_set_late(void **state)
{
	(void)state;
	struct err err;
	enum next next;
	write_large("large", LINES, 0);
	FILE *file = fopen("large", "r+");
	fseek(file, (LINES - 1) * LINE, SEEK_SET);
	fputs("#MPBATCH stdout=", file);
	fseek(file, 0, SEEK_SET);
	struct list *list = list_open("large", false, NULL, NULL, &err);
	assert_false(list_has_files(list));
	assert_int_equal(take_all(list, &next, &err), LINES - 1);
	assert_int_equal(next, NEXT_ERROR);
	assert_memory_equal(err.text, "large:200000:1: stdout= or stderr= for the first time", 53);
	list_free(list);
	fputs("#MPBATCH stderr=", file);
	fclose(file);
	list = list_open("large", false, NULL, NULL, &err);
	assert_true(list_has_files(list));
	list_free(list);
}

static void
list_read_again(void **state)
{
	(void)state;
	struct err err;
	int ends[2];
	char path[32];
	static const char text[] = "a\n#MPBATCH prefix=p\nb\n";
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	say(ends[1], text);
	close(ends[1]);
	struct list *lists[] = {open_text(text), list_open(path, false, NULL, ".", &err)};
	for (int i = 0; i < 4; i++) {
		struct list *list = lists[i / 2];
		assert_next(list, 1, 1, "a");
		if (i % 2)
			assert_next(list, 2, 3, "p b");
		if (i % 2)
			assert_status(list, NEXT_END);
		assert_int_equal(list_rewind(list, &err), 0);
	}
	list_free(lists[0]);
	list_free(lists[1]);
	close(ends[0]);
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_of_lines),
		cmocka_unit_test(list_with_a_byte_order_mark),
		cmocka_unit_test(script_as_a_list),
		cmocka_unit_test(misspelt_directives),
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
		cmocka_unit_test(directive_that_is_wrong_and_late),
		cmocka_unit_test(output_files_that_are_set_late),
		cmocka_unit_test(list_read_again),
	};
	return cmocka_run_group_tests_name("list", tests, scratch_make, scratch_leave);
}
