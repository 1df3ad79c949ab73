/* Lines, records and rows, from files, pipes and what the command line gives. */
#include "tasks/rows.h"

#include "base/buf.h"
#include "base/err.h"
#include "scratch.h"
#include "tasks/lines.h"
#include "tasks/table.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
write_bytes(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static void
say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* A pipe, and the path that opens its reading end. */
struct tube {
	int ends[2];
	char path[64];
};

static struct tube
tube_open(void)
{
	struct tube tube;
	assert_int_equal(pipe2(tube.ends, O_CLOEXEC), 0);
	snprintf(tube.path, sizeof(tube.path), "/proc/self/fd/%d", tube.ends[0]);
	return tube;
}

static void
tube_end(struct tube *tube)
{
	close(tube->ends[1]);
	tube->ends[1] = -1;
}

static void
tube_close(struct tube *tube)
{
	close(tube->ends[0]);
	if (tube->ends[1] >= 0)
		close(tube->ends[1]);
}

/* --- lines --- */

static void
assert_line(struct lines *lines, uint64_t number, const char *expected)
{
	struct err err = {""};
	const char *line;
	size_t len;
	if (lines_next(lines, &line, &len, &err) != NEXT_ONE)
		fail_msg("no line, expected '%s': %s", expected, err.text);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(line, expected, len);
	assert_int_equal(lines_number(lines), number);
}

static void
assert_no_line(struct lines *lines, enum next expected, struct err *err)
{
	const char *line;
	size_t len;
	assert_int_equal(lines_next(lines, &line, &len, err), expected);
}

static void
lines_of_a_file(void **state)
{
	(void)state;
	struct err err;
	const char *data;
	size_t len;
	bool whole = false;
	write_text("file", "a\r\n\n#b\nlast");
	struct lines *lines = lines_open("file", NULL, &err);
	assert_non_null(lines);
	assert_true(lines_are_seekable(lines));
	assert_int_equal(lines_fd(lines), -1);
	assert_string_equal(lines_name(lines), "file");
	assert_int_equal(lines_ahead(lines, &data, &len, &whole, &err), 0);
	assert_true(whole && len == 11);
	assert_memory_equal(data, "a\r\n\n#b\nlast", len);
	for (int i = 0; i < 3; i++) {
		assert_line(lines, 1, "a\r");
		assert_line(lines, 2, "");
		assert_line(lines, 3, "#b");
		if (i < 2)
			assert_line(lines, 4, "last");
		if (i == 0)
			assert_no_line(lines, NEXT_END, &err);
		assert_int_equal(lines_remaining(lines) == 0, i < 2);
		assert_int_equal(lines_rewind(lines, &err), 0);
	}
	assert_line(lines, 1, "a\r");
	lines_free(lines);
}

static void
lines_that_cannot_be_had(void **state)
{
	(void)state;
	struct err err;
	assert_null(lines_open("nowhere", NULL, &err));
	assert_string_equal(err.text, "nowhere: cannot open: No such file or directory");
	assert_null(lines_open(".", NULL, &err));
	assert_string_equal(err.text, ". is a directory, expected a file");
	write_bytes("nul", "a\nbc\0d\n", 7);
	struct lines *lines = lines_open("nul", NULL, &err);
	assert_line(lines, 1, "a");
	for (int i = 0; i < 2; i++) {
		assert_no_line(lines, NEXT_ERROR, &err);
		assert_string_equal(err.text, "nul:2:3: a NUL byte, expected text");
	}
	lines_free(lines);
	struct tube tube = tube_open();
	assert_null(lines_open(tube.path, "no/such/dir", &err));
	assert_string_equal(err.text,
		"no/such/dir: cannot make a file to keep lines in: No such file or directory");
	tube_close(&tube);
}

static void
touch(void)
{
	assert_int_equal(utimensat(AT_FDCWD, "file", NULL, 0), 0);
}

static void
replace(void)
{
	write_text("other", "a\nb\n");
	assert_int_equal(rename("other", "file"), 0);
}

static void
cut(void)
{
	assert_int_equal(truncate("file", 1), 0);
}

static void
lines_of_a_file_that_changes(void **state)
{
	(void)state;
	void (*const changes[])(void) = {touch, replace, cut};
	const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct err err;
		write_text("file", "a\nb\n");
		assert_int_equal(utimensat(AT_FDCWD, "file", long_ago, 0), 0);
		struct lines *lines = lines_open("file", NULL, &err);
		assert_line(lines, 1, "a");
		changes[i]();
		assert_int_equal(lines_rewind(lines, &err), 0);
		assert_no_line(lines, NEXT_ERROR, &err);
		assert_string_equal(err.text, "file has changed since the run began");
		lines_free(lines);
	}
}

static void
lines_as_they_arrive(void **state)
{
	(void)state;
	struct err err;
	struct tube tube = tube_open();
	struct lines *lines = lines_open(tube.path, NULL, &err);
	assert_false(lines_are_seekable(lines));
	assert_true(lines_fd(lines) >= 0);
	assert_no_line(lines, NEXT_WAIT, &err);
	say(tube.ends[1], "on");
	assert_no_line(lines, NEXT_WAIT, &err);
	say(tube.ends[1], "e\ntwo\nthr");
	assert_line(lines, 1, "one");
	assert_int_equal(lines_remaining(lines), 1);
	assert_line(lines, 2, "two");
	assert_no_line(lines, NEXT_WAIT, &err);
	tube_end(&tube);
	assert_line(lines, 3, "thr");
	assert_no_line(lines, NEXT_END, &err);
	assert_no_line(lines, NEXT_END, &err);
	assert_int_equal(lines_rewind(lines, &err), -1);
	assert_non_null(strstr(err.text, " cannot be read a second time"));
	lines_free(lines);
	tube_close(&tube);
}

static void
lines_that_are_kept(void **state)
{
	(void)state;
	struct err err;
	struct tube tube = tube_open();
	struct lines *lines = lines_open(tube.path, ".", &err);
	assert_non_null(lines);
	say(tube.ends[1], "one\ntwo\nth");
	for (int i = 0; i < 3; i++) {
		assert_line(lines, 1, "one");
		assert_line(lines, 2, "two");
		assert_no_line(lines, NEXT_WAIT, &err);
		assert_int_equal(lines_rewind(lines, &err), 0);
	}
	say(tube.ends[1], "ree\nfour");
	tube_end(&tube);
	for (int i = 0; i < 3; i++) {
		assert_line(lines, 1, "one");
		assert_line(lines, 2, "two");
		assert_line(lines, 3, "three");
		assert_line(lines, 4, "four");
		assert_no_line(lines, NEXT_END, &err);
		assert_int_equal(lines_rewind(lines, &err), 0);
	}
	lines_free(lines);
	tube_close(&tube);
}

/* More than a block of them, so that the spool is read and the pipe after it. */
static void
lines_that_are_kept_in_many_blocks(void **state)
{
	(void)state;
	enum { LINES = 100000 };
	struct err err;
	char expected[16];
	struct tube tube = tube_open();
	struct lines *lines = lines_open(tube.path, ".", &err);
	const char *line;
	size_t len;
	int put = 0, got = 0;
	for (; got < LINES; got++) {
		enum next next;
		while ((next = lines_next(lines, &line, &len, &err)) == NEXT_WAIT) {
			for (int i = 0; i < 1000; i++, put++) {
				snprintf(expected, sizeof(expected), "%d\n", put);
				say(tube.ends[1], expected);
			}
		}
		assert_int_equal(next, NEXT_ONE);
	}
	assert_int_equal(lines_rewind(lines, &err), 0);
	tube_end(&tube);
	for (got = 0; got < LINES; got++) {
		snprintf(expected, sizeof(expected), "%d", got);
		assert_line(lines, (uint64_t)got + 1, expected);
	}
	assert_no_line(lines, NEXT_END, &err);
	lines_free(lines);
	tube_close(&tube);
}

static void
lines_of_a_file_as_standard_input(void **state)
{
	(void)state;
	struct err err;
	write_text("file", "1\n2\n3\n");
	int saved = dup(STDIN_FILENO), fd = open("file", O_RDONLY);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	dup2(fd, STDIN_FILENO);
	struct lines *lines = lines_open("-", NULL, &err);
	assert_string_equal(lines_name(lines), "standard input");
	for (int i = 0; i < 2; i++) {
		assert_line(lines, 1, "2");
		assert_line(lines, 2, "3");
		assert_no_line(lines, NEXT_END, &err);
		assert_int_equal(lines_rewind(lines, &err), 0);
	}
	lines_free(lines);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fd);
}

/* --- rows, as text --- */

/* Row by row, values between '|'; then what came in place of a row. */
static enum next
rows_text(struct rows *rows, struct buf *text, struct err *err)
{
	struct row row;
	enum next next;
	while ((next = rows_next(rows, &row, err)) == NEXT_ONE) {
		assert_int_equal(row.count, rows_columns(rows)->count);
		for (size_t i = 0; i < row.count; i++) {
			buf_append(text, row.values[i].text, row.values[i].len);
			buf_append_string(text, i + 1 < row.count ? "|" : "\n");
		}
	}
	return next;
}

static void
assert_rows(struct rows *rows, enum next last, const char *expected)
{
	struct buf text = {0};
	struct err err = {""};
	enum next next = rows_text(rows, &text, &err);
	buf_append(&text, "", 1);
	assert_string_equal(text.data, expected);
	if (next != last)
		fail_msg("%d, expected %d: %s", next, last, err.text);
	buf_clear(&text);
}

static struct rows *
must_open(const struct rows_options *options)
{
	struct err err = {""};
	struct rows *rows = rows_open(options, &err);
	if (!rows)
		fail_msg("%s", err.text);
	return rows;
}

static uint64_t
lines_in(const char *text)
{
	uint64_t count = 0;
	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* Twice, and counted. */
static void
check_rows(const struct rows_options *options, const char *expected)
{
	struct rows *rows = must_open(options);
	uint64_t count = lines_in(expected);
	assert_int_equal(rows_fd(rows), -1);
	if (!options->where) {
		assert_int_equal(rows_count(rows), count);
		assert_int_equal(rows_remaining(rows), count);
	}
	for (int i = 0; i < 2; i++) {
		struct err err;
		assert_rows(rows, NEXT_END, expected);
		assert_rows(rows, NEXT_END, "");
		assert_int_equal(rows_count(rows), count);
		assert_int_equal(rows_remaining(rows), 0);
		assert_int_equal(rows_rewind(rows, &err), 0);
		assert_int_equal(rows_remaining(rows), count);
	}
	rows_free(rows);
}

/* The first six are what GNU parallel 20221122 makes of them, with --dry-run. */
#define ARGUMENTS(...)                                                                             \
	.kind = INPUT_ARGUMENTS, .arguments = (char *[]){__VA_ARGS__, NULL},                       \
	.narguments = COUNT(((const char *[]){__VA_ARGS__}))
#define NONE .kind = INPUT_ARGUMENTS
#define FILE_(path) .kind = INPUT_FILE, .text = (path)
#define SWEEP(spec) .kind = INPUT_SWEEP, .text = (spec)
#define ARRAY(spec) .kind = INPUT_ARRAY, .text = (spec)
#define LINKED .linked = true

static const struct product {
	struct rows_input inputs[3];
	size_t ninputs;
	bool header;
	const char *where;
	const char *expected;
} products[] = {
	{{{ARGUMENTS("a", "b")}, {ARGUMENTS("x", "y", "z")}}, 2, false, NULL,
		"a|x\na|y\na|z\nb|x\nb|y\nb|z\n"},
	{{{ARGUMENTS("a", "b")}, {ARGUMENTS("1", "2", "3"), LINKED}, {ARGUMENTS("x", "y")}}, 3,
		false, NULL, "a|1|x\na|1|y\nb|2|x\nb|2|y\n"},
	{{{ARGUMENTS("a", "b")}, {ARGUMENTS("1", "2")}, {ARGUMENTS("x", "y", "z"), LINKED}}, 3,
		false, NULL, "a|1|x\na|2|y\nb|1|x\nb|2|y\n"},
	{{{ARGUMENTS("A", "a", "b")}, {ARGUMENTS("B", "1", "2", "3"), LINKED}}, 2, true, NULL,
		"a|1\nb|2\n"},
	{{{FILE_("three")}, {FILE_("two"), LINKED}}, 2, false, NULL, "1|a\n2|b\n"},
	{{{FILE_("two")}, {FILE_("three"), LINKED}}, 2, false, NULL, "a|1\nb|2\n"},
	{{{FILE_("two")}, {FILE_("three")}}, 2, false, NULL, "a|1\na|2\na|3\nb|1\nb|2\nb|3\n"},
	{{{ARGUMENTS("x y", "")}, {FILE_("two"), LINKED}}, 2, false, NULL, "x y|a\n|b\n"},
	{{{FILE_("odd")}}, 1, false, NULL, "one\n\n# data\n  x  \nlast\n"},
	{{{FILE_("odd")}}, 1, true, NULL, "\n# data\n  x  \nlast\n"},
	{{{FILE_("empty")}, {FILE_("two")}}, 2, false, NULL, ""},
	{{{FILE_("two")}, {FILE_("empty")}}, 2, false, NULL, ""},
	{{{ARGUMENTS("a")}, {NONE}}, 2, false, NULL, ""},
	{{{NONE}, {ARGUMENTS("a"), LINKED}}, 2, false, NULL, ""},
	{{{SWEEP("n=1..3")}, {SWEEP("m=8..9")}}, 2, false, NULL, "1|8\n1|9\n2|8\n2|9\n3|8\n3|9\n"},
	{{{SWEEP("n=1..2")}, {SWEEP("m=8..9"), LINKED}}, 2, false, NULL, "1|8\n2|9\n"},
	{{{ARRAY("5-7")}}, 1, false, NULL, "5\n6\n7\n"},
	{{{FILE_("two")}, {SWEEP("n=1..3")}}, 2, false, "n > 2", "a|3\nb|3\n"},
	{{{FILE_("two")}, {SWEEP("n=1..3")}}, 2, false, "n > 3", ""},
};

static void
rows_of_products(void **state)
{
	(void)state;
	write_text("two", "a\nb\n");
	write_text("three", "1\n2\n3");
	write_text("odd", "one\r\n\n# data\n  x  \nlast");
	write_text("empty", "");
	for (size_t i = 0; i < COUNT(products); i++)
		check_rows(&(struct rows_options){.inputs = products[i].inputs,
				   .ninputs = products[i].ninputs,
				   .header = products[i].header,
				   .where = products[i].where},
			products[i].expected);
}

static void
rows_have_names_and_lines(void **state)
{
	(void)state;
	const char *const names[] = {"x", "y z", NULL, "v", "n", "array"};
	const uint64_t lines[] = {2, 2, 4, 4};
	const struct rows_input inputs[] = {
		{FILE_("t.csv")}, {ARGUMENTS("v", "1")}, {SWEEP("n=1..2")}, {ARRAY("3-3")}};
	struct err err;
	struct row row;
	write_text("t.csv", "x,y z,\n1,\"2\n2\",3\n4,5,6\n");
	struct rows *rows = must_open(&(struct rows_options){
		.inputs = inputs, .ninputs = COUNT(inputs), .format = ROWS_CSV, .header = true});
	const struct columns *columns = rows_columns(rows);
	assert_int_equal(columns->count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i])
			assert_string_equal(columns->names[i], names[i]);
		else
			assert_null(columns->names[i]);
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(rows_next(rows, &row, &err), NEXT_ONE);
		assert_int_equal(row.line, lines[i]);
	}
	rows_free(rows);
}

static void
rows_of_a_held_file_have_lines(void **state)
{
	(void)state;
	const uint64_t lines[] = {2, 4, 2, 4};
	const struct rows_input inputs[] = {{ARGUMENTS("v", "1", "2")}, {FILE_("t.csv")}};
	struct err err;
	struct row row;
	write_text("t.csv", "x\n1\n\n2\n");
	struct rows *rows = must_open(&(struct rows_options){
		.inputs = inputs, .ninputs = COUNT(inputs), .format = ROWS_CSV, .header = true});
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(rows_next(rows, &row, &err), NEXT_ONE);
		assert_int_equal(row.line, lines[i]);
	}
	rows_free(rows);
}

static const struct refusal {
	struct rows_input inputs[3];
	size_t ninputs;
	bool header;
	const char *expected;
} refusals[] = {
	{{{FILE_("nowhere")}}, 1, false, "nowhere: cannot open: No such file or directory"},
	{{{FILE_("nul")}}, 1, false, "nul:2:3: a NUL byte, expected text"},
	{{{ARGUMENTS("a")}, {FILE_("nul")}}, 2, false, "nul:2:3: a NUL byte, expected text"},
	{{{FILE_("empty")}}, 1, true, "empty is empty, expected a header"},
	{{{NONE}}, 1, true, "':::' without values, expected a name as the first"},
	{{{FILE_("-")}, {ARGUMENTS("a")}, {FILE_("-")}}, 3, false,
		"standard input is given twice, expected once"},
	{{{SWEEP("n=1..3")}, {SWEEP("m=1..5"), LINKED}}, 2, false,
		"--zip: n has 3 values and m 5, expected as many"},
	{{{ARGUMENTS("n", "1")}, {FILE_("two")}, {SWEEP("n=1..3")}}, 3, true,
		"columns 1 (:::) and 3 (--sweep) are both named 'n'"},
	{{{SWEEP("a=1..4000000000")}, {SWEEP("b=1..4000000000")}}, 2, false,
		"the inputs make more than 2^63 rows"},
};

static void
rows_that_are_refused(void **state)
{
	(void)state;
	write_bytes("nul", "a\nbc\0d\n", 7);
	write_text("empty", "");
	write_text("two", "a\nb\n");
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct err err = {""};
		assert_null(rows_open(&(struct rows_options){.inputs = refusals[i].inputs,
					      .ninputs = refusals[i].ninputs,
					      .header = refusals[i].header},
			&err));
		assert_string_equal(err.text, refusals[i].expected);
	}
}

static void
rows_filter_that_fails(void **state)
{
	(void)state;
	struct err err;
	struct row row;
	const struct rows_input inputs[] = {{FILE_("t")}};
	write_text("t", "x\n1\nword\n");
	struct rows *rows = must_open(&(struct rows_options){
		.inputs = inputs, .ninputs = 1, .header = true, .where = "x + 0 > 0"});
	assert_int_equal(rows_next(rows, &row, &err), NEXT_ONE);
	assert_int_equal(rows_next(rows, &row, &err), NEXT_ERROR);
	assert_memory_equal(err.text, "t:3: ", 5);
	rows_free(rows);
}

static void
rows_without_end(void **state)
{
	(void)state;
	struct err err;
	struct row row;
	const struct rows_input inputs[] = {{SWEEP("a=1..1000000000")}, {SWEEP("b=1..1000000000")}};
	struct rows *rows = must_open(&(struct rows_options){.inputs = inputs, .ninputs = 2});
	assert_int_equal(rows_count(rows), UINT64_C(1000000000000000000));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rows_next(rows, &row, &err), NEXT_ONE);
	assert_int_equal(rows_remaining(rows), UINT64_C(999999999999999000));
	assert_memory_equal(row.values[1].text, "1000", 4);
	rows_free(rows);
}

static void
rows_of_a_large_file(void **state)
{
	(void)state;
	enum { LINES = 200000 };
	struct err err;
	struct row row;
	uint64_t count = 0;
	const struct rows_input inputs[] = {{FILE_("large")}, {ARGUMENTS("x", "y")}};
	FILE *file = fopen("large", "w");
	for (int i = 0; i < LINES; i++)
		fprintf(file, "%010d\n", i);
	assert_int_equal(fclose(file), 0);
	struct rows *rows = must_open(&(struct rows_options){.inputs = inputs, .ninputs = 2});
	assert_int_equal(rows_count(rows), 0);
	while (rows_next(rows, &row, &err) == NEXT_ONE) {
		count++;
		uint64_t left = rows_remaining(rows), really = 2 * LINES - count;
		if (count > 10)
			assert_in_range(left, really - really / 5, really + really / 5 + 4);
	}
	assert_int_equal(count, 2 * LINES);
	assert_int_equal(rows_count(rows), count);
	rows_free(rows);
}

/* --- from pipes --- */

static void
rows_as_they_arrive(void **state)
{
	(void)state;
	struct err err;
	struct tube tube = tube_open();
	const struct rows_input inputs[] = {
		{FILE_(tube.path)}, {ARGUMENTS("1", "2", "3"), LINKED}, {ARGUMENTS("x", "y")}};
	struct rows *rows = must_open(&(struct rows_options){.inputs = inputs, .ninputs = 3});
	assert_true(rows_fd(rows) >= 0);
	assert_rows(rows, NEXT_WAIT, "");
	say(tube.ends[1], "a\nb");
	assert_rows(rows, NEXT_WAIT, "a|1|x\na|1|y\n");
	assert_rows(rows, NEXT_WAIT, "");
	assert_true(rows_fd(rows) >= 0);
	say(tube.ends[1], "b\nc\n");
	assert_rows(rows, NEXT_WAIT, "bb|2|x\nbb|2|y\nc|3|x\nc|3|y\n");
	say(tube.ends[1], "d\n");
	assert_int_equal(rows_count(rows), 0);
	assert_rows(rows, NEXT_END, "");
	assert_int_equal(rows_count(rows), 6);
	assert_int_equal(rows_rewind(rows, &err), -1);
	rows_free(rows);
	tube_close(&tube);
}

static void
records_as_they_arrive(void **state)
{
	(void)state;
	struct err err;
	struct tube tube = tube_open();
	const struct rows_input inputs[] = {{FILE_(tube.path)}};
	say(tube.ends[1], "x,y\n");
	struct rows *rows = must_open(&(struct rows_options){.inputs = inputs,
		.ninputs = 1,
		.format = ROWS_CSV,
		.header = true,
		.spool_dir = "."});
	assert_string_equal(rows_columns(rows)->names[1], "y");
	assert_rows(rows, NEXT_WAIT, "");
	say(tube.ends[1], "1,2\n3,\"4");
	assert_rows(rows, NEXT_WAIT, "1|2\n");
	say(tube.ends[1], "\n5");
	assert_rows(rows, NEXT_WAIT, "");
	say(tube.ends[1], "\"\n");
	assert_rows(rows, NEXT_WAIT, "3|4\n5\n");
	assert_int_equal(rows_rewind(rows, &err), 0);
	assert_rows(rows, NEXT_WAIT, "1|2\n3|4\n5\n");
	say(tube.ends[1], "6,7");
	tube_end(&tube);
	assert_rows(rows, NEXT_END, "6|7\n");
	assert_int_equal(rows_rewind(rows, &err), 0);
	assert_rows(rows, NEXT_END, "1|2\n3|4\n5\n6|7\n");
	rows_free(rows);
	tube_close(&tube);
}

static void
rows_of_a_pipe_to_the_right(void **state)
{
	(void)state;
	struct tube tube = tube_open();
	const struct rows_input inputs[] = {{ARGUMENTS("a", "b")}, {FILE_(tube.path)}};
	say(tube.ends[1], "1\n2");
	tube_end(&tube);
	check_rows(&(struct rows_options){.inputs = inputs, .ninputs = 2}, "a|1\na|2\nb|1\nb|2\n");
	tube_close(&tube);
}

/* --- tables --- */

static const struct csv {
	const char *text;
	const char *rows;  /* what is made of it, */
	const char *error; /* or what is wrong with it */
	char format;
} csvs[] = {
	{"a,b\n1,2\n", "a|b\n1|2\n", NULL, ROWS_CSV},
	{"a,b\n1,2", "a|b\n1|2\n", NULL, ROWS_CSV},
	{"a;b\n\"1;\";2,3\n", "a|b\n1;|2,3\n", NULL, ';'},
	{"a,b\r\n1,2\r\n", "a|b\n1|2\n", NULL, ROWS_CSV},
	{"\xef\xbb\xbf"
	 "a,b\n",
		"a|b\n", NULL, ROWS_CSV},
	{"\xef\xbb\xbf\"a\",b\n", "a|b\n", NULL, ROWS_CSV},
	{"\xef\xbb\xbf\n\xef\xbb\xbf\n", "\xef\xbb\xbf\n", NULL, ROWS_CSV},
	{"\xef\xbb\xbf"
	 "a\r\n\xef\xbb\xbf\n",
		"a\n\xef\xbb\xbf\n", NULL, ROWS_LINES},
	{" a , b \n\"\",\n", " a | b \n|\n", NULL, ROWS_CSV},
	{"\"a\"\"b\",\"c,d\"\n", "a\"b|c,d\n", NULL, ROWS_CSV},
	{"\"a\n\r\nb\",c\nd,e\n", "a\n\r\nb|c\nd|e\n", NULL, ROWS_CSV},
	{"\n\r\na,b\n\n\nc,d\n\n", "a|b\nc|d\n", NULL, ROWS_CSV},
	{"a\n\"\"\n\nb\n", "a\n\nb\n", NULL, ROWS_CSV},
	{",\n", "|\n", NULL, ROWS_CSV},
	{"a,\"\"\n", "a|\n", NULL, ROWS_CSV},
	{"a b\tc,d\n\"e\tf\"\t \n", "a b|c,d\ne\tf| \n", NULL, ROWS_TSV},
	{"", "", NULL, ROWS_CSV},
	{"\n\n", "", NULL, ROWS_CSV},
	{"a,b\n1,2,3\n", NULL, "t:2:5: 3 fields, expected 2 as in line 1", ROWS_CSV},
	{"a,b\n1,2,\n", NULL, "t:2:5: 3 fields, expected 2 as in line 1", ROWS_CSV},
	{"\na,b\n\n1,\"2\n2\",\"3\n3\",4\n", NULL, "t:5:4: 4 fields, expected 2 as in line 2",
		ROWS_CSV},
	{"a\n1,2\n", NULL, "t:2:3: 2 fields, expected 1 as in line 1", ROWS_CSV},
	{"a,b,c\n1,2\n", NULL, "t:2:4: 2 fields, expected 3 as in line 1", ROWS_CSV},
	{"a,b\n1", NULL, "t:2:2: 1 field, expected 2 as in line 1", ROWS_CSV},
	{"a,b\n1,x\"y\n", NULL, "t:2:4: a quote inside a field that does not begin with one",
		ROWS_CSV},
	{"a,b\n1, \"y\"\n", NULL, "t:2:4: a quote inside a field that does not begin with one",
		ROWS_CSV},
	{"a,b\n\"1\"x,y\n", NULL,
		"t:2:4: text after a closing quote, expected the end of the field", ROWS_CSV},
	{"a,b\n\"1\" ,y\n", NULL,
		"t:2:4: text after a closing quote, expected the end of the field", ROWS_CSV},
	{"a,b\n1,\"2\n3,4\n", NULL, "t:2:3: a quote that is never closed, expected one more",
		ROWS_CSV},
	{"\"\n", NULL, "t:1:1: a quote that is never closed, expected one more", ROWS_CSV},
	{"\xef\xbb\xbf\"", NULL, "t:1:4: a quote that is never closed, expected one more",
		ROWS_CSV},
	{"a,b\n1,2\r3,4\n", NULL, "t:2:4: a CR in the middle of a line, expected it in quotes",
		ROWS_CSV},
};

static void
tables(void **state)
{
	(void)state;
	const struct rows_input inputs[] = {{FILE_("t")}};
	for (size_t i = 0; i < COUNT(csvs); i++) {
		struct err err = {""};
		const struct rows_options options = {
			.inputs = inputs, .ninputs = 1, .format = csvs[i].format};
		write_text("t", csvs[i].text);
		struct rows *rows = rows_open(&options, &err);
		if (csvs[i].error) {
			assert_null(rows);
			assert_string_equal(err.text, csvs[i].error);
			continue;
		}
		if (!rows)
			fail_msg("case %zu: %s", i, err.text);
		assert_rows(rows, NEXT_END, csvs[i].rows);
		assert_int_equal(rows_rewind(rows, &err), 0);
		assert_rows(rows, NEXT_END, csvs[i].rows);
		rows_free(rows);
	}
}

/* Beyond what is read ahead, a bad record is found when it is its turn. */
static void
tables_with_a_late_error(void **state)
{
	(void)state;
	enum { RECORDS = 400000 };
	struct err err;
	struct row row;
	enum next next;
	int count = 0;
	FILE *file = fopen("large", "w");
	for (int i = 0; i < RECORDS; i++)
		fprintf(file, "%d,\"%d\"\n", i, i);
	fputs("1\n", file);
	assert_int_equal(fclose(file), 0);
	struct table *table = table_open("large", ',', NULL, &err);
	assert_non_null(table);
	while ((next = table_next(table, &row, &err)) == NEXT_ONE)
		count++;
	assert_int_equal(count, RECORDS);
	assert_int_equal(next, NEXT_ERROR);
	assert_string_equal(err.text, "large:400001:2: 1 field, expected 2 as in line 1");
	table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_a_file),
		cmocka_unit_test(lines_that_cannot_be_had),
		cmocka_unit_test(lines_of_a_file_that_changes),
		cmocka_unit_test(lines_as_they_arrive),
		cmocka_unit_test(lines_that_are_kept),
		cmocka_unit_test(lines_that_are_kept_in_many_blocks),
		cmocka_unit_test(lines_of_a_file_as_standard_input),
		cmocka_unit_test(rows_of_products),
		cmocka_unit_test(rows_have_names_and_lines),
		cmocka_unit_test(rows_of_a_held_file_have_lines),
		cmocka_unit_test(rows_that_are_refused),
		cmocka_unit_test(rows_filter_that_fails),
		cmocka_unit_test(rows_without_end),
		cmocka_unit_test(rows_of_a_large_file),
		cmocka_unit_test(rows_as_they_arrive),
		cmocka_unit_test(records_as_they_arrive),
		cmocka_unit_test(rows_of_a_pipe_to_the_right),
		cmocka_unit_test(tables),
		cmocka_unit_test(tables_with_a_late_error),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
