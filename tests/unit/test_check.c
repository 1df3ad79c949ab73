/* --check: what is found in tasks, and where. */
#include "base/buf.h"
#include "cli/check.h"
#include "cli/scan.h"
#include "cli/seen.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <string.h>

#include "scratch.h"

#include <cmocka.h>

/* --- taking commands apart --- */

static void
show_item(void *context, const struct scan_item *item)
{
	static const char kinds[] = {[SCAN_COMMAND] = 'c',
		[SCAN_FUNCTION] = 'f',
		[SCAN_INPUT] = '<',
		[SCAN_OUTPUT] = '>',
		[SCAN_APPEND] = '+',
		[SCAN_OPEN] = '!',
		[SCAN_CLOSE] = '?'};
	buf_printf(
		context, "%zu%c%.*s ", item->column, kinds[item->kind], (int)item->len, item->word);
}

static void
commands_are_taken_apart(void **state)
{
	(void)state;
	static const struct {
		const char *text, *items;
	} cases[] = {
		{"a b c", "1ca "},
		{" a;b&c&&d||e|f\ng", "2ca 4cb 6cc 9cd 12ce 14cf 16cg "},
		{"'a b' \"c\"d", "1c'a b' "},
		{"A=1 B='2 3' a C=4", "1cA=1 5cB='2 3' 13ca "},
		{"a <b >c 2>d &>e >|f >>g <>h 2>&1 >&- <&3 3<i",
			"1ca 4<b 7>c 11>d 15>e 19>f 23+g 27+h 44<i "},
		{"a <<<b >c # >d", "1ca 9>c "},
		{"a <<EOF >b\nc\nEOF", "1ca "},
		{"a 0<<-EOF >b", "1ca 4!< "},
		{"a $(b <<EOF)", "1ca 5cb 7!< "},
		{">a b", "2>a 4cb "},
		{"a 2 >b 2c>d", "1ca 6>b 11>d "},
		{"a#b # c", "1ca#b "},
		{"(a; b) >c", "2ca 5cb 9>c "},
		{"if a; then b; elif c; else d; fi", "1cif 4ca 7cthen 12cb 15celif 20cc 23celse "
						     "28cd 31cfi "},
		{"for x in a b; do c; done <d", "1cfor 15cdo 18cc 21cdone 27<d "},
		{"while ! a; do { b; }; done", "1cwhile 7c! 9ca 12cdo 15c{ 17cb 20c} 23cdone "},
		{"case a in b|c) d;; (e) f; esac >g; h", "1ccase 16cd 24cf 33>g 36ch "},
		{"[[ a < b ]] && c", "1c[[ 16cc "},
		{"[[ ( -f a || ! -d b ) && c =~ ^(a|b) ]] >d; if [[ e ]]; then f; fi",
			"1c[[ 42>d 45cif 48c[[ 57cthen 62cf 65cfi "},
		{"[[ a; b", "1c[[ 1![[ "},
		{"a $'b\\'c' \"$'\" d; e", "1ca 19ce "},
		{"case a in b) c ;& d) e ;;& f) g;; esac; h",
			"1ccase 14cc 22ce 31cg 41ch "},
		{"case a in esac; b", "1ccase 17cb "},
		{"a() { b; }; c () d", "1fa 5c{ 7cb 10c} 13fc 18cd "},
		{"a $(b $(c >d) 'e)') f >g", "1ca 5cb 9cc 12>d 24>g "},
		{"a \"$(b \"c)\")\" `d;e` >f", "1ca 6cb 22>f "},
		{"a $((1 < (2) > 3)) ${b:-\")}\"} ${#c} \"${d#'}\" >e", "1ca 47>e "},
		{"a \\\" \\' \"\\\"'\" >b", "1ca 16>b "},
		{"a \\\n b\\\n>c", "1ca 10>c "},
		{"a $ $x $' >b'", "1ca "},
		{"", ""},
		{" # a 'b", ""},
		{"a 'b", "1ca 3!' "},
		{"a 'b' \"c 'd' \\\"", "1ca 7!\" "},
		{"a; b `c", "1ca 4cb 6!` "},
		{"a $(b \"c)\" d", "1ca 5cb 4!( "},
		{"a \"${b\" c", "1ca 7!\" "},
		{"a ${b c", "1ca 4!{ "},
		{"(a; (b)", "2ca 6cb 1!( "},
		{"a $((1 + (2)) b", "1ca 4!( "},
		{"a ) b", "1ca 3?) "},
		{"a b\\", "1ca 4!\\ "},
		{"a \"b\\", "1ca 3!\" "},
		{"a $(`b\\", "1ca 5!` "},
		{"for i in a; do b", "1cfor 13cdo 16cb 1!for "},
		{"done", "1?done "},
		{"a; if b; then c", "1ca 4cif 7cb 10cthen 15cc 4!if "},
		{"{ a; (b) }; c if } {", "1c{ 3ca 7cb 13cc "},
		{"(if a) fi", "2cif 5ca 2!if "},
		{"case a in b) { c;; esac", "1ccase 14c{ 16cc 14!{ "},
		{"case a in b) c;;", "1ccase 14cc 1!case "},
		{"if a; then if b; then c; fi fi }",
			"1cif 4ca 7cthen 12cif 15cb 18cthen 23cc 26cfi 32?} "},
		{"while a; do case b in c) d; esac done", "1cwhile 7ca 10cdo 13ccase 26cd "},
		{"function f { a; }; f", "1cfunction 12c{ 14ca 17c} 20cf "},
		{"for ((i=0;i<9;i++)); do a; done", "1cfor 22cdo 25ca 28cdone "},
		{"((a > b)) && c=(d e) f", "14cc= 22cf "},
		{"(((a); b) && c)", "4ca 8cb 14cc "},
		{"x=1 fi; >a done; case a in b) (c) esac", "1cx=1 5cfi 10>a 12cdone 18ccase 32cc "},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf shown = {0};
		scan_command(cases[i].text, strlen(cases[i].text), show_item, &shown);
		buf_append(&shown, "", 1);
		if (strcmp(shown.data, cases[i].items) != 0)
			print_message("%s\n%s\n", cases[i].text, shown.data);
		assert_string_equal(shown.data, cases[i].items);
		buf_clear(&shown);
	}
}

/* Nothing makes it read beyond the text, call back with what is outside, or never end. */
static void
assert_inside(void *context, const struct scan_item *item)
{
	const struct buf *text = context;
	assert_true(item->len > 0 && item->column > 0);
	assert_true(item->column - 1 + item->len <= text->len);
	assert_ptr_equal(item->word, text->data + item->column - 1);
}

static void
anything_can_be_taken_apart(void **state)
{
	(void)state;
	static const char *const pieces[] = {"a", " ", "'", "\"", "`", "$", "(", ")", "{", "}",
		"\\", "#", "\n", "[[ ", " ]]", "$'", ";&", ";", ";;", "&", "|", "<", ">", "1", "=",
		"case ", " in ", "esac", "$((", "\xff", "do ", "if ", " fi", " done ", "{ ", " }"};
	uint32_t seed = 1;
	for (int round = 0; round < 20000; round++) {
		struct buf text = {0};
		for (int i = 0; i < 12; i++) {
			seed = seed * 1664525 + 1013904223;
			buf_append_string(
				&text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(*pieces))]);
		}
		char *exact = test_malloc(text.len);
		memcpy(exact, text.data, text.len);
		struct buf copy = {.data = exact, .len = text.len};
		scan_command(exact, text.len, assert_inside, &copy);
		test_free(exact);
		buf_clear(&text);
	}
	struct buf deep = {0};
	for (int i = 0; i < 100000; i++)
		buf_append_string(&deep, i % 2 ? "$(" : "\"${a:-");
	scan_command(deep.data, deep.len, assert_inside, &deep);
	buf_clear(&deep);
}

static void
words_without_their_quotes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"a-b.c", "a-b.c"}, {"'a b'c", "a bc"},
		{"\"a \\\"\\$\\x\"", "a \"$\\x"}, {"\\a\\ \\*", "a *"}, {"'*$x'", "*$x"},
		{"\"*?\"", "*?"}, {"''", ""}, {"$x", NULL}, {"a*", NULL}, {"\"$x\"", NULL},
		{"`a`", NULL}, {"~/a", NULL}, {"{a,b}", NULL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf word = {0};
		bool is = scan_literal(cases[i][0], strlen(cases[i][0]), &word);
		buf_append(&word, "", 1);
		assert_int_equal(is, cases[i][1] != NULL);
		if (is)
			assert_string_equal(word.data, cases[i][1]);
		buf_clear(&word);
	}
}

/* --- what was seen --- */

static void
hashes_are_seen_once(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	struct seen seen = {0};
	assert_int_equal(seen_find(&seen, 0), 0);
	for (uint32_t i = 0; i < MANY; i++) /* alike in their upper or lower half */
		assert_int_equal(seen_add(&seen, i % 2 ? i : (uint64_t)i << 32, i + 1), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		uint64_t hash = i % 2 ? i : (uint64_t)i << 32;
		assert_int_equal(seen_add(&seen, hash, 77), i + 1);
		assert_int_equal(seen_find(&seen, hash), i + 1);
	}
	assert_int_equal(seen_find(&seen, MANY + 1), 0);
	assert_int_equal(seen.count, MANY);
	assert_in_range(seen.capacity * sizeof(*seen.entries), 12 * MANY, 21 * MANY);
	seen_clear(&seen);
}

/* --- tasks --- */

static void
make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	close(fd);
}

/* "in", "dir/prog" and "dir/data", and a PATH of "bin" and ":", where "tool" is. */
static int
make_things(void **state)
{
	if (scratch_make(state) < 0 || mkdir("dir", 0700) < 0 || mkdir("bin", 0700) < 0)
		return -1;
	struct buf path = {0};
	make_file("in", 0600);
	make_file("dir/prog", 0700);
	make_file("dir/data", 0600);
	make_file("bin/tool", 0700);
	make_file("bin/data", 0600);
	make_file("bin/mkdir", 0700);
	buf_printf(&path, "%s/bin::/nowhere%c", scratch_path, 0);
	int got = setenv("PATH", path.data, 1);
	buf_clear(&path);
	unsetenv("BASH_FUNC_exported%%");
	return got;
}

/* Checks a task for each line, in the directory CWD, and compares all that is said. */
static void
assert_report(const char *name, const char *cwd, const char *lines, const char *expected, int code)
{
	struct check *check = check_new(name);
	struct buf report = {0};
	for (uint64_t i = 1; *lines; i++) {
		size_t len = strcspn(lines, "\n");
		struct task task = {.index = i,
			.line = name ? 10 * i : 0,
			.command = lines,
			.command_len = len,
			.cwd = cwd,
			.input = "",
			.out = "",
			.err = "",
			.env = ""};
		struct task *copy = task_new(&task);
		check_task(check, copy, &report);
		task_free(copy);
		lines += len + (lines[len] == '\n');
	}
	int got = check_end(check, &report);
	char *last = memrchr(report.data, '\n', report.len - 1);
	report.len = last ? (size_t)(last + 1 - report.data) : 0;
	buf_append(&report, "", 1);
	assert_string_equal(report.data, expected);
	assert_int_equal(got, code);
	buf_clear(&report);
}

static void
commands_are_looked_up(void **state)
{
	(void)state;
	assert_report("jobs", "",
		"tool a\n"
		"too a\n"
		"A=1 echo b | 'to'ol; nope 2>&1\n"
		"dir/prog; ./dir/prog b\n"
		"dir/data\n"
		"dir/none c\n"
		"dir\n"
		"dir/\n"
		"\"$HOME\" d; $x; \"too\"\n"
		"data\n",
		"jobs:20:1: warning: too: command not found\n"
		"jobs:30:22: warning: nope: command not found\n"
		"jobs:50:1: warning: dir/data: command: not an executable file\n"
		"jobs:60:1: warning: dir/none: command: No such file or directory\n"
		"jobs:70:1: warning: dir: command not found\n"
		"jobs:80:1: warning: dir/: command: not an executable file\n"
		"jobs:100:1: warning: data: command not found\n",
		1);
	assert_report("jobs", "dir",
		"prog\n" /* by the empty entry of PATH */
		"./prog; dir/prog\n"
		"/nowhere/prog\n",
		"jobs:20:9: warning: dir/prog: command: No such file or directory\n"
		"jobs:30:1: warning: /nowhere/prog: command: No such file or directory\n",
		1);
	assert_report("jobs", "", "f() { tool; }; f\n. x; g\nPATH=/x h\ncd dir && ./j && /no/k\n",
		"jobs:40:18: warning: /no/k: command: No such file or directory\n", 1);
	setenv("BASH_FUNC_exported%%", "() { :; }", 1);
	assert_report("jobs", "", "exported\nnot_exported\n",
		"jobs:20:1: warning: not_exported: command not found\n", 1);
}

static void
commands_are_closed(void **state)
{
	(void)state;
	assert_report("jobs", "", "tool 'a\ntool )\ntool \\\ntool <<E\n",
		"jobs:10:6: error: a ' that is not closed\n"
		"jobs:20:6: error: ) without its beginning\n"
		"jobs:30:6: warning: a backslash at the end: a task is one line\n"
		"jobs:40:6: warning: a here-document without its lines: a task is one line\n",
		2);
}

static void
files_are_looked_up(void **state)
{
	(void)state;
	assert_report("jobs", "",
		"tool <in\n"
		"tool <no \"<no\"\n"
		"tool > x/out 2>>y/err\n"
		"tool > made; tool < ./made\n"
		"tool < 'made'\n"
		"cd dir; tool < data > x/y\n"
		"mkdir -p z; tool > z/a\n"
		"tool < $x > $y/a\n"
		"tool > in/a\n",
		"jobs:20:7: warning: no: input file: No such file or directory\n"
		"jobs:30:8: warning: x/out: directory of the output file: No such file or "
		"directory\n"
		"jobs:30:17: warning: y/err: directory of the output file: No such file or "
		"directory\n"
		"jobs:90:8: warning: in/a: directory of the output file: Not a directory\n",
		1);
	assert_report("jobs", "new", "tool > ./out\ntool > a/out\ntool < in\n",
		"jobs:20:8: warning: a/out: directory of the output file: No such file or "
		"directory\n"
		"jobs:30:8: warning: in: input file: No such file or directory\n",
		1);
}

static void
files_are_written_once(void **state)
{
	(void)state;
	struct buf text = {0}, expected = {0};
	buf_printf(&text,
		"tool >a\n"
		"tool 2>./a >b\n"
		"tool >b >>a >/dev/null; tool >b\n"
		"tool &>%s//a >/dev/null\n"
		"cd dir; tool >b\n"
		"tool >>c <c\n"
		"tool >>c\n"
		"tool >c%c",
		scratch_path, 0);
	buf_printf(&expected,
		"task 2:8: warning: ./a: task 1 writes the same file\n"
		"task 3:7: warning: b: task 2 writes the same file\n"
		"task 3:31: warning: b: task 2 writes the same file\n"
		"task 4:8: warning: %s//a: task 1 writes the same file\n"
		"task 8:7: warning: c: task 6 writes the same file\n%c",
		scratch_path, 0);
	assert_report(NULL, "", text.data, expected.data, 1);
	buf_clear(&text);
	buf_clear(&expected);
}

static void
equal_tasks(void **state)
{
	(void)state;
	assert_report("jobs", "", "tool 1\ntool 2\ntool 1\ntool  1\ntool 1",
		"jobs:30:1: warning: the same task as line 10\n"
		"jobs:50:1: warning: the same task as line 10\n",
		1);
}

static void
odd_bytes_are_visible(void **state)
{
	(void)state;
	assert_report("jobs", "", "tool\r a\r",
		"jobs:10:5: warning: a carriage return in the command\n"
		"jobs:10:8: warning: a carriage return in the command\n"
		"jobs:10:1: warning: tool\\x0d: command not found\n",
		1);
}

/* What the task brings with it, and the last line. */
static void
belongings_of_tasks(void **state)
{
	(void)state;
	struct check *check = check_new("jobs");
	struct buf report = {0};
	struct task task = {.index = 1,
		.line = 1,
		.command = "tool",
		.command_len = 4,
		.cwd = "",
		.input = "data",
		.out = "x/o",
		.err = "x/o",
		.env = ""};
	check_task(check, &task, &report);
	task.line = 2;
	task.cwd = "dir";
	task.input = "data";
	task.out = "../dir/x";
	task.err = "../x/o";
	task.env = "PATH=/nowhere";
	task.env_len = sizeof("PATH=/nowhere");
	check_task(check, &task, &report);
	task.line = 3;
	task.env = "";
	task.env_len = 0;
	task.command = "tool 'a";
	task.command_len = 7;
	task.out = "";
	check_task(check, &task, &report);
	assert_int_equal(check_end(check, &report), 2);
	buf_append(&report, "", 1);
	assert_string_equal(report.data,
		"jobs:1:1: warning: data: input file: No such file or directory\n"
		"jobs:2:1: warning: tool: command not found\n"
		"jobs:3:1: warning: ../x/o: line 2 writes the same file\n"
		"jobs:3:6: error: a ' that is not closed\n"
		"3 tasks, 3 warnings, 1 error\n");
	buf_clear(&report);
	assert_report("jobs", "", "tool > out\n:", "", 0);
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_taken_apart),
		cmocka_unit_test(anything_can_be_taken_apart),
		cmocka_unit_test(words_without_their_quotes),
		cmocka_unit_test(hashes_are_seen_once),
		cmocka_unit_test(commands_are_looked_up),
		cmocka_unit_test(commands_are_closed),
		cmocka_unit_test(files_are_looked_up),
		cmocka_unit_test(files_are_written_once),
		cmocka_unit_test(equal_tasks),
		cmocka_unit_test(odd_bytes_are_visible),
		cmocka_unit_test(belongings_of_tasks),
	};
	return cmocka_run_group_tests_name("check", tests, make_things, scratch_leave);
}
