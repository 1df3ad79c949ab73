/* Batch scripts: where they are, what they say, and the files that they want. */
#include "base/buf.h"
#include "base/log.h"
#include "tasks/pattern.h"
#include "tasks/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
write_script(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct script *
find(const char *word)
{
	return script_find(&word, 1);
}

/* What it says, new; NULL: nothing. */
static char *
said_by(struct script *script, enum script_says says)
{
	char *text = script && script->says[says] ? xstrdup(script->says[says]) : NULL;
	script_free(script);
	return text;
}

static char *
array_of(const char *word)
{
	return said_by(find(word), SCRIPT_ARRAY);
}

static void
assert_text(const char *text, const char *expected)
{
	assert_string_equal(text ? text : "none", expected ? expected : "none");
}

static void
array_of_a_script(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"#!/bin/sh\n#SBATCH --array=1-20%4\n./run\n", "1-20%4"},
		{"#!/bin/sh\n\n# note\n#SBATCH -n 1 --array 1-5 -t 10\n", "1-5"},
		{"#!/bin/sh\n#SBATCH -a 3,7\n", "3,7"},
		{"#!/bin/sh\n#SBATCH -t 5 -a3-7   # comment -a 9\r\n", "3-7"},
		{"#!/bin/sh\n#SBATCH --array=\"1-3\"\n", "1-3"},
		{"#!/bin/sh\n#SBATCH --array=1-3\n#SBATCH -a 8\necho\n#SBATCH -a 9\n", "8"},
		{"#!/bin/sh\n  # indented\n#SBATCH --array=2", "2"},
		{"#!/bin/sh\n##SBATCH --array=1-3\n # SBATCH -a 1\n#SBATCH -A array\n", NULL},
		{"#!/bin/sh\n#SBATCH --array\n#SBATCH --array-not=1 -a\n", NULL},
		{"#SBATCH -n 1\necho\n#SBATCH --array=1-3\n", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		FILE *file = fopen("script", "w");
		assert_non_null(file);
		fputs(cases[i][0], file);
		fclose(file);
		char *spec = array_of("./script");
		if (cases[i][1])
			assert_string_equal(spec ? spec : "none", cases[i][1]);
		else
			assert_null(spec);
		free(spec);
	}
	assert_null(array_of("./missing"));
	assert_null(array_of("."));
}

/* A name is looked up as it will be when it is run, and what is no file is not opened. */
static void
scripts_of_path(void **state)
{
	(void)state;
	static const char text[] = "#!/bin/sh\n#SBATCH -a %d\n";
	char *old = xstrdup(getenv("PATH"));
	assert_int_equal(mkdir("bin", 0777), 0);
	assert_int_equal(mkdir("bin/dir", 0777), 0);
	assert_int_equal(mkfifo("bin/fifo", 0777), 0);
	for (int i = 0; i < 4; i++) {
		static const char *const paths[] = {"job", "bin/job", "dir", "bin/plain"};
		FILE *file = fopen(paths[i], "w");
		assert_non_null(file);
		fprintf(file, text, i);
		fclose(file);
		chmod(paths[i], i < 3 ? 0755 : 0644);
	}
	setenv("PATH", "/nowhere:bin:", 1);
	static const char *const cases[][2] = {{"job", "1"}, {"./job", "0"}, {"dir", "2"},
		{"plain", NULL}, {"bin/plain", "3"}, {"fifo", NULL}, {"bin/fifo", NULL}};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *spec = array_of(cases[i][0]);
		assert_string_equal(spec ? spec : "none", cases[i][1] ? cases[i][1] : "none");
		free(spec);
	}
	setenv("PATH", "/nowhere", 1);
	assert_null(array_of("job"));
	setenv("PATH", old, 1);
	free(old);
}

/* "bash array.sh": the first file behind the interpreter, but not of "bash -c ... FILE". */
static void
scripts_behind_interpreters(void **state)
{
	(void)state;
	static const struct {
		const char *words[5];
		size_t word; /* 0: none is found */
	} cases[] = {
		{{"bash", "script"}, 1},
		{{"/bin/sh", "-eu", "./script", "script"}, 2},
		{{"bash", "-o", "pipefail", "script"}, 3},
		{{"bash", "--norc", "script"}, 2},
		{{"python3", "script"}, 1},
		{{"bash", "-c", "./script", "script"}, 0},
		{{"bash", "-lc", "script"}, 0},
		{{"bash", "./missing"}, 0},
		{{"bash"}, 0},
		{{"./cat", "script"}, 0},
	};
	write_script("script", "#!/bin/bash\n#SBATCH --array=1-3\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = 0;
		while (cases[i].words[n])
			n++;
		struct script *script = script_find(cases[i].words, n);
		assert_int_equal(script ? script->word : 0, cases[i].word);
		free(said_by(script, SCRIPT_ARRAY));
	}
}

static void
interpreters(void **state)
{
	(void)state;
	static const struct {
		const char *line, *interpreter, *argument;
	} cases[] = {
		{"#!/bin/sh\n", "/bin/sh", NULL},
		{"#! /bin/bash -l \n", "/bin/bash", "-l"},
		{"#!/usr/bin/env -S bash -e\n", "/usr/bin/env", "-S bash -e"},
		{"#!\n", NULL, NULL},
		{"\n#!/bin/sh\n", NULL, NULL},
		{"# !/bin/sh\n", NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		write_script("script", cases[i].line);
		struct script *script = find("./script");
		assert_non_null(script);
		assert_text(script->interpreter, cases[i].interpreter);
		assert_text(script->argument, cases[i].argument);
		script_free(script);
	}
}

static void
what_scripts_say(void **state)
{
	(void)state;
	write_script("script",
		"#!/bin/sh\n#SBATCH -o \"out dir/%A_%a.out\" -e%j.err\n#SBATCH -D /scratch -J "
		"name\n"
		"#SBATCH --cpus-per-task 4 --exclusive --mail-user me@here -t 1:00\n"
		"#SBATCH --mem=4G --nodes=1 -n1 --export=ALL --gres gpu:1 --time=2:00\n");
	struct script *script = find("./script");
	assert_non_null(script);
	assert_text(script->says[SCRIPT_OUTPUT], "out dir/%A_%a.out");
	assert_text(script->says[SCRIPT_ERROR], "%j.err");
	assert_text(script->says[SCRIPT_CHDIR], "/scratch");
	assert_text(script->says[SCRIPT_NAME], "name");
	assert_text(script->says[SCRIPT_CPUS], "4");
	assert_text(script->others, "--gres, --mem, --time");
	script_free(script);
	write_script(
		"script", "#!/bin/sh\n#SBATCH -N2 --ntasks=8 --ntasks=1\n#SBATCH --export=NONE\n");
	script = find("./script");
	assert_text(script->others, "--export, --nodes");
	script_free(script);
}

/* --- names of files --- */

static void
patterns(void **state)
{
	(void)state;
	static const struct pattern_element element = {"128", "digits", "7x", 1};
	static const char *const cases[][2] = {
		{"%A_%a.out", "128_7.out"},
		{"%4A-%03a", "0128-007"},
		{"slurm-%j.out", "slurm-128_7.out"},
		{"%j_%a", "128_7"},
		{"%x/%a%%.%t%2n", "digits/7%.000"},
		{"%99a%z%5z%", "0000000007%z%5z%"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf name = {0};
		pattern_fill(&name, cases[i][0], &element);
		buf_append(&name, "", 1);
		assert_string_equal(name.data, cases[i][1]);
		assert_null(pattern_misfit(cases[i][0]));
		buf_clear(&name);
	}
}

static void
patterns_that_do_not_fit(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"job.out", "one file for all"},
		{"%A.out", "one file for all"}, {"%%a.out", "one file for all"},
		{"\\%a.out", "one file for all"}, {"%N-%a.out", "before a task is run"},
		{"%3J-%a", "before a task is run"}, {"/dev/stdout", "no file"},
		{"$HOME/%a", "no file"}, {"", "no file"}};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *why = pattern_misfit(cases[i][0]);
		assert_non_null(why);
		assert_non_null(strstr(why, cases[i][1]));
	}
	assert_null(pattern_misfit("/dev/null"));
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_of_a_script),
		cmocka_unit_test(scripts_of_path),
		cmocka_unit_test(scripts_behind_interpreters),
		cmocka_unit_test(interpreters),
		cmocka_unit_test(what_scripts_say),
		cmocka_unit_test(patterns),
		cmocka_unit_test(patterns_that_do_not_fit),
	};
	return cmocka_run_group_tests_name("script", tests, scratch_make, scratch_leave);
}
