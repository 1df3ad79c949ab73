/* Equal output files, by the hashes of their paths. */
#include "cli/paths.h"

#include "base/err.h"
#include "base/hash.h"
#include "cli/seen.h"
#include "tasks/source.h"

#include <stdint.h>
#include <string.h>

/* "a//./b" is "a/b". */
static uint64_t
add_components(uint64_t hash, const char *path)
{
	for (; *path; path += strcspn(path, "/")) {
		path += strspn(path, "/");
		size_t len = strcspn(path, "/");
		if (len && (len > 1 || *path != '.'))
			hash = hash_add(hash, path, len);
	}
	return hash;
}

static int
add(struct seen *seen, const struct task *task, const char *file, struct err *err)
{
	if (!*file)
		return 0;
	const char *cwd = *file == '/' ? "" : task->cwd;
	uint64_t hash = add_components(add_components(HASH_START, cwd), file);
	uint32_t before = seen_add(seen, hash, (uint32_t)task->index);
	if (!before)
		return 0;
	return err_set(err,
		"tasks %u and %llu have the same output file %.200s: expected one of its own for "
		"each ({#} is the task's index)",
		before, (unsigned long long)task->index, file);
}

static int
add_all(struct seen *seen, struct source *source, struct err *err)
{
	for (;;) {
		struct task *task;
		enum next next = source_next(source, &task, err);
		if (next == NEXT_AGAIN)
			continue;
		if (next != NEXT_ONE)
			return next == NEXT_END ? 0 : -1;
		int got = add(seen, task, task->out, err);
		if (got == 0 && strcmp(task->out, task->err) != 0)
			got = add(seen, task, task->err, err);
		bool many = task->index > PATHS_MAX;
		task_free(task);
		if (got < 0)
			return -1;
		if (many)
			return err_set(err,
				"--stdout and --stderr: expected {#} in them for more than "
				"%d tasks",
				PATHS_MAX);
	}
}

int
paths_check(struct source *source, struct err *err)
{
	struct seen seen = {0};
	if (source_files_differ(source))
		return 0;
	if (source_fd(source) >= 0)
		return err_set(err,
			"--stdout and --stderr: expected {#} in them where tasks come from "
			"a pipe");
	int got = add_all(&seen, source, err);
	seen_clear(&seen);
	return got < 0 ? -1 : source_rewind(source, err);
}
