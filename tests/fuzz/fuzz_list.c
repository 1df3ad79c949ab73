/*
 * Any bytes as a task list, once as a file and once in two pieces through a pipe: the tasks must be
 * those of a plain split, twice, and a NUL byte must be named by line and column. Directives are
 * fuzz_directive's.
 */
#include "base/err.h"
#include "tasks/list.h"
#include "tasks/task.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plain split: where the next line begins, which it is, how many tasks there were. */
struct split {
	const uint8_t *data;
	size_t size, at;
	uint64_t line, tasks;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The next task of the split; its length, or -1: no more, or a NUL byte (then NUL_AT is not 0). */
static ptrdiff_t
split_next(struct split *split, const uint8_t **command, size_t *nul_at)
{
	*nul_at = 0;
	while (split->at < split->size) {
		const uint8_t *line = split->data + split->at;
		size_t len = 0, blanks = 0;
		while (split->at + len < split->size && line[len] != '\n')
			len++;
		split->at += len + 1;
		split->line++;
		for (size_t i = 0; i < len && !*nul_at; i++)
			if (line[i] == 0)
				*nul_at = i + 1;
		if (*nul_at)
			return -1;
		if (split->line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
			line += 3; /* a byte order mark */
			len -= 3;
		}
		while (blanks < len && strchr(" \t\r", line[blanks]))
			blanks++;
		if (blanks == len || line[blanks] == '#')
			continue;
		split->tasks++;
		*command = line;
		return (ptrdiff_t)(len && line[len - 1] == '\r' ? len - 1 : len);
	}
	return -1;
}

static void
check_error(const struct err *err, const char *path, const struct split *split, size_t nul_at)
{
	char start[128];
	snprintf(start, sizeof(start), "%s:%llu:%zu: ", path, (unsigned long long)split->line,
		nul_at);
	must(nul_at && strncmp(err->text, start, strlen(start)) == 0);
}

/* Takes tasks until something else comes, and compares each. */
static enum next
check_tasks(struct list *list, const char *path, struct split *split)
{
	struct task *task;
	struct err err;
	enum next next;
	const uint8_t *command = NULL;
	size_t nul_at;
	while ((next = list_next(list, &task, &err)) == NEXT_ONE) {
		ptrdiff_t len = split_next(split, &command, &nul_at);
		must(len >= 0 && task->command_len == (size_t)len);
		must(memcmp(task->command, command, (size_t)len) == 0);
		must(task->index == split->tasks && task->line == split->line);
		task_free(task);
	}
	if (next == NEXT_WAIT)
		return next;
	must(split_next(split, &command, &nul_at) < 0);
	if (next == NEXT_ERROR)
		check_error(&err, path, split, nul_at);
	else
		must(!nul_at && list_count(list) == split->tasks && list_remaining(list) == 0);
	return next;
}

static void
check_file(const uint8_t *data, size_t size)
{
	char path[64];
	struct split split = {.data = data, .size = size};
	struct err err;
	FILE *file = tmpfile();
	must(file && write(fileno(file), data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	struct list *list = list_open(path, true, NULL, NULL, &err);
	if (list) {
		uint64_t count = list_count(list);
		must(list_remaining(list) == count);
		for (int pass = 0; pass < 2; pass++) {
			split = (struct split){.data = data, .size = size};
			must(check_tasks(list, path, &split) == NEXT_END && split.tasks == count);
			must(list_rewind(list, &err) == 0);
		}
	} else {
		const uint8_t *command;
		size_t nul_at;
		while (split_next(&split, &command, &nul_at) >= 0)
			;
		check_error(&err, path, &split, nul_at);
	}
	list_free(list);
	fclose(file);
}

static void
check_pipe(const uint8_t *data, size_t size)
{
	char path[64];
	int ends[2];
	size_t first = size ? data[size - 1] % size : 0;
	struct split split = {.data = data, .size = size};
	struct err err;
	must(pipe2(ends, O_CLOEXEC) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	struct list *list = list_open(path, true, NULL, NULL, &err);
	must(list && list_count(list) == 0);
	must(write(ends[1], data, first) == (ssize_t)first);
	enum next next = check_tasks(list, path, &split);
	if (next == NEXT_WAIT) {
		must(write(ends[1], data + first, size - first) == (ssize_t)(size - first));
		close(ends[1]);
		ends[1] = -1;
		must(check_tasks(list, path, &split) != NEXT_WAIT);
	} else {
		must(next == NEXT_ERROR);
	}
	list_free(list);
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (memmem(data, size, "#MPBATCH", 8))
		return 0;
	check_file(data, size);
	if (size <= 32768) /* a pipe takes it at once */
		check_pipe(data, size);
	return 0;
}
