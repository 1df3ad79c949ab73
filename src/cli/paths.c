/* Equal output files, by the hashes of their paths: 16 bytes each, at most half of a table. */
#include "cli/paths.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "tasks/source.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct path {
	uint64_t hash; /* 0: free */
	uint64_t index;
};

struct paths {
	struct path *table;
	size_t size; /* a power of two */
	size_t count;
};

static struct path *
place_of(const struct paths *paths, uint64_t hash)
{
	size_t at = (size_t)hash & (paths->size - 1);
	while (paths->table[at].hash && paths->table[at].hash != hash)
		at = (at + 1) & (paths->size - 1);
	return &paths->table[at];
}

static void
grow(struct paths *paths)
{
	struct paths old = *paths;
	paths->size = old.size ? 2 * old.size : 1024;
	paths->table = xcalloc(paths->size, sizeof(*paths->table));
	for (size_t i = 0; i < old.size; i++)
		if (old.table[i].hash)
			*place_of(paths, old.table[i].hash) = old.table[i];
	free(old.table);
}

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
add(struct paths *paths, const struct task *task, const char *file, struct err *err)
{
	if (!*file)
		return 0;
	const char *cwd = *file == '/' ? "" : task->cwd;
	uint64_t hash = add_components(add_components(HASH_START, cwd), file) | 1;
	if (2 * (paths->count + 1) > paths->size)
		grow(paths);
	struct path *place = place_of(paths, hash);
	if (place->hash)
		return err_set(err,
			"tasks %llu and %llu have the same output file %.200s: expected one of its "
			"own for each ({#} is the task's index)",
			(unsigned long long)place->index, (unsigned long long)task->index, file);
	*place = (struct path){.hash = hash, .index = task->index};
	paths->count++;
	return 0;
}

static int
add_all(struct paths *paths, struct source *source, struct err *err)
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
		bool many = task->index > PATHS_MAX;
		task_free(task);
		if (got < 0)
			return -1;
		if (many)
			return err_set(err, "--stdout and --stderr: expected {#} in them for more than "
					    "%d tasks",
				PATHS_MAX);
	}
}

int
paths_check(struct source *source, struct err *err)
{
	struct paths paths = {0};
	if (source_files_differ(source))
		return 0;
	if (source_fd(source) >= 0)
		return err_set(err, "--stdout and --stderr: expected {#} in them where tasks come from "
				    "a pipe");
	int got = add_all(&paths, source, err);
	free(paths.table);
	return got < 0 ? -1 : source_rewind(source, err);
}
