/* Lines as tasks. */
#include "tasks/list.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/directive.h"
#include "tasks/foreign.h"
#include "tasks/lines.h"
#include "tasks/quote.h"
#include "tasks/shell.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct list {
	char *path; /* as it was given */
	bool as_is;
	struct shells *shells; /* not owned; NULL: nobody chooses */
	struct lines *lines;
	struct settings settings;
	struct buf command; /* with prefix and suffix */
	uint64_t tasks;	    /* given out */
	uint64_t count;	    /* in all, once COUNTED */
	bool counted;
	bool files; /* of tasks are set in the part that is checked first */
};

static bool
is_task(const char *line, size_t len)
{
	size_t i = 0;
	while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
		i++;
	return i < len && line[i] != '#';
}

static size_t
without_return(const char *line, size_t len)
{
	return len && line[len - 1] == '\r' ? len - 1 : len;
}

static int
take_directive(struct list *list, struct settings *settings, uint64_t number, const char *line,
	size_t len, struct err *err)
{
	if (directive_take(settings, line, without_return(line, len), err) == 0)
		return 0;
	struct err column = *err;
	return err_set(err, "%.200s:%llu:%s", lines_name(list->lines), (unsigned long long)number,
		column.text);
}

static int
check_kind(const struct list *list, uint64_t number, const char *line, size_t len, struct err *err)
{
	if (list->as_is)
		return 0;
	return foreign_check(list->path, lines_name(list->lines), number, line, len, err);
}

static bool
sets_files(const struct settings *settings)
{
	return settings->out || settings->err;
}

/* --- a line as a task --- */

/* Where a comment begins in the command, else its length. */
static size_t
without_comment(const char *command, size_t len)
{
	struct quote_context context = {0};
	for (size_t i = 0; i < len; i++) {
		quote_follow(&context, command + i, 1);
		if (quote_open(&context) == '#')
			return i;
	}
	return len;
}

/* With prefix and suffix; behind a comment the latter would be lost. */
static void
surround(struct list *list, const struct settings *settings, struct task *task)
{
	struct buf *command = &list->command;
	buf_consume(command, command->len);
	if (settings->prefix)
		buf_printf(command, "%s ", settings->prefix);
	buf_append(command, task->command,
		settings->suffix ? without_comment(task->command, task->command_len)
				 : task->command_len);
	if (settings->suffix)
		buf_printf(command, " %s", settings->suffix);
	task->command = command->data;
	task->command_len = command->len;
}

/* Valid until the next call. */
static struct task
describe(struct list *list, const struct settings *settings, uint64_t number, const char *line,
	size_t len)
{
	struct task task = {.line = number,
		.attempt = 1,
		.barrier = settings->barrier,
		.need = need_default,
		.timeout_ms = settings->timeout_ms,
		.shell = settings->shell,
		.cwd = settings->cwd,
		.input = settings->input,
		.out = settings->out,
		.err = settings->err,
		.env = settings->env.data,
		.env_len = settings->env.len,
		.command = line,
		.command_len = without_return(line, len)};
	if (settings->prefix || settings->suffix)
		surround(list, settings, &task);
	return task;
}

/* --- opening --- */

/* Is there bash, if that is what it needs? */
static int
check_shell(struct list *list, const struct settings *settings, uint64_t number, const char *line,
	size_t len, struct err *err)
{
	struct task task = describe(list, settings, number, line, len);
	if (shells_choose(list->shells, &task, err) == 0)
		return 0;
	struct err column = *err;
	return err_set(err, "%.200s:%llu:%s", lines_name(list->lines), (unsigned long long)number,
		column.text);
}

static int
check_line(struct list *list, struct settings *settings, uint64_t number, const char *line,
	size_t len, struct err *err)
{
	const char *nul = memchr(line, '\0', len);
	if (nul)
		return err_set(err, "%.300s:%llu:%zu: a NUL byte, expected text",
			lines_name(list->lines), (unsigned long long)number,
			(size_t)(nul - line) + 1);
	size_t mark = lines_mark(number, line, len);
	line += mark;
	len -= mark;
	if (check_kind(list, number, line, len, err) < 0)
		return -1;
	if (directive_is(line, len) && take_directive(list, settings, number, line, len, err) < 0)
		return -1;
	bool task = is_task(line, len);
	if (task && check_shell(list, settings, number, line, len, err) < 0)
		return -1;
	list->count += task;
	list->files = list->files || sets_files(settings);
	return 0;
}

/* Checks the first part, and counts its tasks if it is all there is. */
static int
look_ahead(struct list *list, struct err *err)
{
	const char *at;
	size_t left;
	bool whole;
	struct settings settings = {0};
	uint64_t number = 0;
	if (lines_ahead(list->lines, &at, &left, &whole, err) < 0)
		return -1;
	int got = 0;
	while (left && got == 0) {
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : left;
		if (!end && !whole)
			break; /* the rest of it will be seen when it is read */
		got = check_line(list, &settings, ++number, at, len, err);
		len += end ? 1 : 0;
		at += len;
		left -= len;
	}
	settings_clear(&settings);
	list->counted = whole && lines_are_seekable(list->lines);
	return got;
}

struct list *
list_open(
	const char *path, bool as_is, struct shells *shells, const char *spool_dir, struct err *err)
{
	struct list *list = xcalloc(1, sizeof(*list));
	list->path = xstrdup(path);
	list->as_is = as_is;
	list->shells = shells;
	list->lines = lines_open(path, spool_dir, err);
	if (list->lines && look_ahead(list, err) == 0)
		return list;
	list_free(list);
	return NULL;
}

void
list_free(struct list *list)
{
	if (!list)
		return;
	free(list->path);
	lines_free(list->lines);
	settings_clear(&list->settings);
	buf_clear(&list->command);
	free(list);
}

/* --- tasks --- */

static struct task *
make_task(struct list *list, const char *line, size_t len)
{
	struct err ignored; /* without bash it fails when it is run */
	struct task task = describe(list, &list->settings, lines_number(list->lines), line, len);
	task.index = ++list->tasks;
	shells_choose(list->shells, &task, &ignored);
	list->settings.barrier = BARRIER_NONE;
	return task_new(&task);
}

/* A directive of those that are taken as the tasks are. */
static int
take_now(struct list *list, const char *line, size_t len, struct err *err)
{
	uint64_t number = lines_number(list->lines);
	if (take_directive(list, &list->settings, number, line, len, err) < 0)
		return -1;
	if (list->files || !sets_files(&list->settings))
		return 0;
	return err_set(err,
		"%.300s:%llu:1: stdout= or stderr= for the first time, expected in the first %ld "
		"bytes of a file",
		lines_name(list->lines), (unsigned long long)number, LINES_AHEAD_BYTES);
}

enum next
list_next(struct list *list, struct task **task, struct err *err)
{
	for (;;) {
		const char *line;
		size_t len;
		enum next next = lines_next(list->lines, &line, &len, err);
		if (next == NEXT_END) {
			list->counted = true;
			list->count = list->tasks;
		}
		if (next != NEXT_ONE)
			return next;
		size_t mark = lines_mark(lines_number(list->lines), line, len);
		line += mark;
		len -= mark;
		if (check_kind(list, lines_number(list->lines), line, len, err) < 0)
			return NEXT_ERROR;
		if (is_task(line, len)) {
			*task = make_task(list, line, len);
			return NEXT_ONE;
		}
		if (directive_is(line, len) && take_now(list, line, len, err) < 0)
			return NEXT_ERROR;
	}
}

int
list_check(const struct list *list, struct err *err)
{
	return lines_check(list->lines, err);
}

int
list_rewind(struct list *list, struct err *err)
{
	if (lines_rewind(list->lines, err) < 0)
		return -1;
	settings_clear(&list->settings);
	list->tasks = 0;
	return 0;
}

/* --- what is known of it --- */

int
list_fd(const struct list *list)
{
	return lines_fd(list->lines);
}

bool
list_has_files(const struct list *list)
{
	return list->files;
}

uint64_t
list_count(const struct list *list)
{
	return list->counted ? list->count : 0;
}

uint64_t
list_remaining(const struct list *list)
{
	return list->counted ? list->count - list->tasks : lines_remaining(list->lines);
}
