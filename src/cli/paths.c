/* Equal output files, by the hashes of their paths. */
#include "cli/paths.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "cli/seen.h"
#include "tasks/source.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* "{#}" makes paths differ, but for what stands around it: "{#}" and "{#}0", "x{#}" and "./x{#}".
 */
enum { PATHS_SAMPLE = 1000 };

struct paths {
	struct seen seen;
	struct buf path;
	char here[PATH_MAX];
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

static int
add(struct paths *paths, const struct task *task, const char *file, struct err *err)
{
	if (is_nothing(file))
		return 0;
	uint64_t hash = hash_of(paths, task->cwd, file);
	uint32_t before = seen_add(&paths->seen, hash, (uint32_t)task->index);
	if (!before)
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
paths_check(struct source *source, struct err *err)
{
	struct paths paths = {0};
	bool differ = source_files_differ(source);
	if (source_fd(source) >= 0 && differ)
		return 0;
	if (source_fd(source) >= 0)
		return err_set(err,
			"--stdout and --stderr: expected {#} in them where tasks come from "
			"a pipe");
	if (!getcwd(paths.here, sizeof(paths.here)))
		*paths.here = '\0';
	int got = add_all(&paths, source, differ, err);
	seen_clear(&paths.seen);
	buf_clear(&paths.path);
	return got < 0 ? -1 : source_rewind(source, err);
}
