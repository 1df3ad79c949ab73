/* Equal output files, by the hashes of their paths. */
#include "cli/paths.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "cli/inputs.h"
#include "cli/journals.h"
#include "cli/seen.h"
#include "tasks/source.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "{#}" makes paths differ, but for what stands around it: "{#}" and "{#}0", "x{#}" and "./x{#}".
 */
enum { PATHS_SAMPLE = 1000 };

/* Instead of a task's index: the path of a file that the run itself reads or writes. */
#define PATHS_INPUT UINT32_MAX

struct paths {
	struct seen seen;
	struct buf path, file;
	char here[PATH_MAX];
	const struct inputs *inputs; /* of the run; NULL: not looked at */
	char *run_dir;		     /* of whose tasks that are done these are */
	uint64_t unknown;	     /* of how many tasks that are done the journals do not tell */
};

static void
add_components(struct buf *path, const char *more)
{
	for (size_t len; *more; more += len) {
		more += strspn(more, "/");
		len = strcspn(more, "/");
		if (len == 2 && memcmp(more, "..", 2) == 0) {
			const char *last = memrchr(path->data, '/', path->len);
			path->len = last ? (size_t)(last - path->data) : 0;
		} else if (len && (len > 1 || *more != '.')) {
			buf_append(path, "/", 1);
			buf_append(path, more, len);
		}
	}
}

/* Any number of tasks can have that one. */
static bool
is_nothing(const char *file)
{
	return !*file || strcmp(file, "/dev/null") == 0;
}

/* "a//./b/../c" is "a/c" below the task's directory. Links are not looked at. */
static uint64_t
hash_of(struct paths *paths, const char *cwd, const char *file)
{
	struct buf *path = &paths->path;
	buf_consume(path, path->len);
	if (*file != '/' && *cwd != '/')
		add_components(path, paths->here);
	if (*file != '/')
		add_components(path, cwd);
	add_components(path, file);
	return hash_add(HASH_START, path->data, path->len);
}

static void
start(struct paths *paths)
{
	if (!getcwd(paths->here, sizeof(paths->here)))
		*paths->here = '\0';
}

static void
clear(struct paths *paths)
{
	seen_clear(&paths->seen);
	buf_clear(&paths->path);
	buf_clear(&paths->file);
	free(paths->run_dir);
}

/* HASH is 0, or that of a path in INPUTS. No system call for each of a million tasks: links are
 * found out of the first ones only. */
static int
check_input(struct paths *paths, const struct task *task, const char *file, uint64_t hash,
	struct err *err)
{
	char who[64];
	struct buf *path = &paths->file;
	const struct inputs_file *files = paths->inputs->files;
	snprintf(who, sizeof(who), "the output file of task %llu", (unsigned long long)task->index);
	for (size_t i = 0; hash && i < paths->inputs->count; i++)
		if (files[i].path && hash_of(paths, "", files[i].path) == hash)
			return inputs_refuse(&files[i], who, file, err);
	if (task->index > PATHS_SAMPLE)
		return 0;
	buf_consume(path, path->len);
	if (*file != '/' && *task->cwd)
		buf_printf(path, "%s/", task->cwd);
	buf_printf(path, "%s%c", file, 0);
	return inputs_check(paths->inputs, who, path->data, err);
}

static int
add(struct paths *paths, const struct task *task, const char *file, struct err *err)
{
	if (is_nothing(file))
		return 0;
	uint64_t hash = hash_of(paths, task->cwd, file);
	if (*task->input && hash == hash_of(paths, task->cwd, task->input))
		return err_set(err,
			"the output file of task %llu, %.200s, is its own input, which would be "
			"overwritten: expected another file",
			(unsigned long long)task->index, file);
	uint32_t before = seen_add(&paths->seen, hash, (uint32_t)task->index);
	if (check_input(paths, task, file, before == PATHS_INPUT ? hash : 0, err) < 0)
		return -1;
	if (!before || before == PATHS_INPUT)
		return 0;
	if (before == task->index)
		return err_set(err,
			"standard output and error of task %u have the same file %.200s: expected "
			"equal templates, which merge them",
			before, file);
	return err_set(err,
		"tasks %u and %llu have the same output file %.200s: expected one of its own for "
		"each ({#} is the task's index)",
		before, (unsigned long long)task->index, file);
}

/* DIFFER: their templates say that there will be none. */
static int
add_all(struct paths *paths, struct source *source, bool differ, struct err *err)
{
	for (;;) {
		struct task *task;
		enum next next = source_next(source, &task, err);
		if (next == NEXT_AGAIN)
			continue;
		if (next != NEXT_ONE)
			return next == NEXT_END ? 0 : -1;
		int got = add(paths, task, task->out, err);
		if (got == 0 && strcmp(task->out, task->err) != 0)
			got = add(paths, task, task->err, err);
		uint64_t index = task->index;
		task_free(task);
		if (got < 0 || (differ && index == PATHS_SAMPLE))
			return got;
		if (index > PATHS_MAX)
			return err_set(err,
				"--stdout and --stderr: expected {#} in them for more than "
				"%d tasks",
				PATHS_MAX);
	}
}

int
paths_check(struct source *source, const struct inputs *inputs, struct err *err)
{
	struct paths paths = {.inputs = inputs};
	bool differ = source_files_differ(source);
	if (source_fd(source) >= 0 && differ)
		return 0;
	if (source_fd(source) >= 0)
		return err_set(err,
			"--stdout and --stderr: expected {#} in them where tasks come from "
			"a pipe");
	start(&paths);
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->files[i].path)
			seen_add(&paths.seen, hash_of(&paths, "", inputs->files[i].path),
				PATHS_INPUT);
	int got = add_all(&paths, source, differ, err);
	clear(&paths);
	return got < 0 ? -1 : source_rewind(source, err);
}

/* --- files of tasks that are done --- */

/* The hash of a file that a journal names; 0: of none. */
static uint64_t
hash_written(struct paths *paths, const struct reader_text *text)
{
	struct buf *file = &paths->file;
	if (!text->len || *text->text != '/')
		return 0;
	buf_consume(file, file->len);
	reader_unescape(file, text->text, text->len);
	buf_append(file, "", 1);
	return is_nothing(file->data) ? 0 : hash_of(paths, "", file->data);
}

/* Through the records of what is done, up to the first that has written a file of that hash (1), or
 * through all (0), whose files are added. -1: ERR. */
static int
read_done(struct paths *paths, uint64_t wanted, struct journals *journals,
	struct reader_record *record, struct err *err)
{
	int got;
	while ((got = journals_next(journals, record, err)) > 0) {
		if (record->result.reason != RESULT_OK)
			continue;
		paths->unknown += !record->out.len;
		const struct reader_text *files[] = {&record->out, &record->err};
		for (int i = 0; i < 2; i++) {
			uint64_t hash = hash_written(paths, files[i]);
			if (hash && hash == wanted)
				return 1;
			if (hash && !wanted)
				seen_add(&paths->seen, hash, 1);
		}
	}
	return got;
}

struct paths *
paths_of_done(const char *run_dir, struct err *err)
{
	struct paths *paths = xcalloc(1, sizeof(*paths));
	struct journals *journals = journals_open(run_dir, 0, err);
	struct reader_record record;
	start(paths);
	paths->run_dir = xstrdup(run_dir);
	int got = journals ? read_done(paths, 0, journals, &record, err) : -1;
	journals_free(journals);
	if (paths->unknown)
		log_warning("an older mpbatch has not noted which files %llu tasks that are done "
			    "have written: new ones may write the same",
			(unsigned long long)paths->unknown);
	if (got == 0)
		return paths;
	paths_free(paths);
	return NULL;
}

void
paths_free(struct paths *paths)
{
	if (!paths)
		return;
	clear(paths);
	free(paths);
}

static int
refuse(struct paths *paths, const struct task *task, const char *file, struct err *err)
{
	uint64_t hash = hash_of(paths, task->cwd, file);
	struct journals *journals = journals_open(paths->run_dir, 0, err);
	struct reader_record record;
	if (journals && read_done(paths, hash, journals, &record, err) > 0)
		err_set(err,
			"task %llu, '%.100s', would write %.160s, which is what task %llu of "
			"session %d, '%.*s', has written, and that one is done: expected new "
			"tasks behind the others, or other names than before (another directory, "
			"or values rather than {#})",
			(unsigned long long)task->index, task->command, file,
			(unsigned long long)record.result.index, record.session,
			record.command.len < 100 ? (int)record.command.len : 100,
			record.command.text);
	journals_free(journals);
	return -1;
}

int
paths_check_task(struct paths *paths, const struct task *task, struct err *err)
{
	const char *const files[] = {task->out, task->err};
	for (int i = 0; i < 2; i++)
		if (!is_nothing(files[i]) &&
			seen_find(&paths->seen, hash_of(paths, task->cwd, files[i])))
			return refuse(paths, task, files[i], err);
	return 0;
}
