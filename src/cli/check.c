/*
 * Looking at tasks. Only what is certain is looked up: behind a cd relative paths are not, behind
 * mkdir no directory is, and behind what may define commands none is.
 */
#include "cli/check.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/pathname.h"
#include "base/utf8.h"
#include "cli/jobid.h"
#include "cli/scan.h"
#include "cli/seen.h"
#include "exec/command.h"
#include "tasks/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_MAX = 100, EXIT_WARNINGS = 1, EXIT_ERRORS = 2 };

struct check {
	const char *name;
	char *start; /* directory we are in */
	uint64_t tasks, warnings, errors;
	struct seen identities;
	struct seen files; /* that tasks write */
	struct seen fine;  /* programs and directories that are there: most tasks have the same */
	struct command command;
	struct command_cache cache;
	struct buf word, path;
};

/* A task as it is looked at. */
struct look {
	struct check *check;
	const struct task *task;
	uint32_t number; /* its line, or its index if it has none */
	struct buf *report;
	bool moved;   /* by a cd */
	bool makes;   /* directories */
	bool defines; /* functions, aliases, a PATH */
};

struct check *
check_new(const char *name)
{
	struct check *check = xcalloc(1, sizeof(*check));
	check->name = name;
	check->start = getcwd(NULL, 0);
	return check;
}

/* --- saying --- */

static bool
has_line(const struct look *look)
{
	return look->check->name && look->task->line;
}

/* One line: where it is, what it is about (NULL: nothing in particular), cut and made visible, and
 * the rest. */
static void
say(struct look *look, bool error, size_t column, const char *about, const char *format, ...)
{
	struct buf *report = look->report;
	char rest[256];
	va_list args;
	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	if (has_line(look))
		buf_printf(
			report, "%s:%llu", look->check->name, (unsigned long long)look->task->line);
	else
		buf_printf(report, "task %llu", (unsigned long long)look->task->index);
	buf_printf(report, ":%zu: %s: ", column, error ? "error" : "warning");
	for (size_t i = 0; about && about[i] && i < SHOWN_MAX; i++) {
		unsigned char c = (unsigned char)about[i];
		buf_printf(report, c < ' ' || c == 0x7f ? "\\x%02x" : "%c", c);
	}
	if (about)
		buf_append_string(report, strlen(about) > SHOWN_MAX ? "...: " : ": ");
	buf_printf(report, "%s\n", rest);
	if (error)
		look->check->errors++;
	else
		look->check->warnings++;
}

/* --- paths --- */

/* Appends "/" and what PATH has between its slashes, but "." */
static void
add_path(struct buf *buf, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len && !(len == 1 && *path == '.')) {
			buf_append(buf, "/", 1);
			buf_append(buf, path, len);
		}
		path += len + (path[len] == '/');
	}
}

/* PATH from the root, as the task would see it; valid until the next call. */
static char *
resolve(struct look *look, const char *path)
{
	struct buf *buf = &look->check->path;
	const char *cwd = look->task->cwd;
	buf_consume(buf, buf->len);
	if (*path != '/') {
		if (*cwd != '/' && look->check->start)
			add_path(buf, look->check->start);
		add_path(buf, cwd);
	}
	add_path(buf, path);
	buf_append(buf, "/", buf->len == 0);
	buf_append(buf, "", 1);
	return buf->data;
}

static uint64_t
hash_of(const char *path)
{
	return hash_add(HASH_START, path, strlen(path));
}

static bool
is_unknown(const struct look *look, const char *path)
{
	return look->moved && *path != '/';
}

/* What was, or will have been, written is there. */
static void
check_input(struct look *look, const char *path, size_t column)
{
	if (is_unknown(look, path))
		return;
	const char *full = resolve(look, path);
	if (seen_find(&look->check->files, hash_of(full)))
		return;
	if (access(full, R_OK) < 0)
		say(look, false, column, path, "input file: %s", strerror(errno));
}

/* Of a redirection. The task's own directory is made for it. */
static void
check_directory(struct look *look, const char *path, size_t column)
{
	struct stat status;
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (look->makes || is_unknown(look, path) || !strchr(path, '/'))
		return;
	char *full = resolve(look, path);
	char *name = strrchr(full, '/');
	name[name == full] = '\0';
	if (seen_find(&look->check->fine, hash_of(full)))
		return;
	if (stat(full, &status) < 0)
		say(look, false, column, path, "directory of the output file: %s", strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		say(look, false, column, path, "directory of the output file: %s",
			strerror(ENOTDIR));
	else
		seen_add(&look->check->fine, hash_of(full), 1);
}

static void
check_output(struct look *look, const char *path, size_t column, bool appends)
{
	if (is_unknown(look, path) || strncmp(path, "/dev/", 5) == 0)
		return;
	const char *full = resolve(look, path);
	uint32_t other = seen_add(&look->check->files, hash_of(full), look->number);
	if (other && other != look->number && !appends)
		say(look, false, column, path, "%s %lu writes the same file",
			has_line(look) ? "line" : "task", (unsigned long)other);
}

/* --- commands --- */

/* A program's path as it was written. */
static void
check_program(struct look *look, const char *word, size_t column)
{
	if (is_unknown(look, word))
		return;
	const char *full = resolve(look, word);
	if (seen_find(&look->check->fine, hash_of(full)))
		return;
	if (access(full, F_OK) < 0)
		say(look, false, column, word, "command: %s", strerror(errno));
	else if (!pathname_is_program(full))
		say(look, false, column, word, "command: not an executable file");
	else
		seen_add(&look->check->fine, hash_of(full), 1);
}

/* The task's, as PATH=... */
static char *
path_of(const struct task *task, struct buf *room)
{
	const char *path = getenv("PATH");
	path = path ? path : "/usr/bin:/bin";
	for (const char *at = task->env; at < task->env + task->env_len; at += strlen(at) + 1)
		if (strncmp(at, "PATH=", 5) == 0)
			path = at + 5;
	buf_consume(room, room->len);
	buf_printf(room, "PATH=%s", path);
	buf_append(room, "", 1);
	return room->data;
}

/* In all of PATH, whose relative entries command_prepare() leaves to the shell. */
static bool
is_in_path(struct look *look, const char *word, const char *path)
{
	struct buf file = {0};
	bool found = false;
	for (bool more = true; more && !found; path++) {
		size_t len = strcspn(path, ":");
		buf_consume(&file, file.len);
		buf_printf(&file, "%.*s/%s%c", len ? (int)len : 1, len ? path : ".", word, 0);
		found = pathname_is_program(resolve(look, file.data));
		path += len;
		more = *path == ':';
	}
	buf_clear(&file);
	return found;
}

/* bash, where it is sh, takes functions from the environment. */
static bool
is_exported(const char *word)
{
	char name[128];
	snprintf(name, sizeof(name), "BASH_FUNC_%.100s%%%%", word);
	return getenv(name) != NULL;
}

static bool
is_one_of(const struct scan_item *item, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == item->len && memcmp(words[i], item->word, item->len) == 0)
			return true;
	return false;
}

static void
check_command(struct look *look, const struct scan_item *item)
{
	static const char *const movers[] = {"cd", "chdir", "pushd", "popd"};
	static const char *const makers[] = {"mkdir", "install"};
	static const char *const definers[] = {
		".", "source", "eval", "export", "alias", "hash", "function", "module"};
	struct check *check = look->check;
	look->moved = look->moved || is_one_of(item, movers, 4);
	look->makes = look->makes || is_one_of(item, makers, 2);
	look->defines = look->defines || is_one_of(item, definers, 8) ||
			(item->len > 5 && memcmp(item->word, "PATH=", 5) == 0);
	if (look->defines || command_needs_shell(item->word, item->len))
		return;
	char *path = path_of(look->task, &check->word);
	char *environment[] = {path, NULL};
	bool found =
		command_prepare(&check->command, &check->cache, item->word, item->len, environment);
	const char *word = check->command.argv[0];
	if (strchr(word, '/'))
		check_program(look, word, item->column);
	else if (!found && !is_exported(word) && !is_in_path(look, word, path + 5))
		say(look, false, item->column, word, "command not found");
}

/* --- tasks --- */

static void
look_at_file(struct look *look, const struct scan_item *item)
{
	struct buf *word = &look->check->word;
	buf_consume(word, word->len);
	if (!scan_literal(item->word, item->len, word))
		return;
	buf_append(word, "", 1);
	if (item->kind == SCAN_INPUT)
		check_input(look, word->data, item->column);
	else
		check_directory(look, word->data, item->column);
	if (item->kind != SCAN_INPUT)
		check_output(look, word->data, item->column, item->kind == SCAN_APPEND);
}

static void
look_at(void *context, const struct scan_item *item)
{
	struct look *look = context;
	switch (item->kind) {
	case SCAN_COMMAND:
		check_command(look, item);
		break;
	case SCAN_FUNCTION:
		look->defines = true;
		break;
	case SCAN_INPUT:
	case SCAN_OUTPUT:
	case SCAN_APPEND:
		look_at_file(look, item);
		break;
	case SCAN_OPEN:
		if (*item->word == '\\')
			say(look, false, item->column, NULL,
				"a backslash at the end: a task is one line");
		else if (*item->word == '<')
			say(look, false, item->column, NULL,
				"a here-document without its lines: a task is one line");
		else
			say(look, true, item->column, NULL,
				item->len > 1 ? "%.*s without its end"
					      : "a %.*s that is not closed",
				(int)item->len, item->word);
		break;
	case SCAN_CLOSE:
		say(look, true, item->column, NULL, "%.*s without its beginning", (int)item->len,
			item->word);
		break;
	}
}

/* What belongs to the task beside its command. */
static void
check_belongings(struct look *look)
{
	const struct task *task = look->task;
	uint32_t other = seen_add(&look->check->identities, task_identity(task), look->number);
	if (other)
		say(look, false, 1, NULL, "the same task as %s %lu",
			has_line(look) ? "line" : "task", (unsigned long)other);
	if (*task->input)
		check_input(look, task->input, 1);
	if (*task->out)
		check_output(look, task->out, 1, false);
	if (*task->err && strcmp(task->err, task->out) != 0)
		check_output(look, task->err, 1, false);
}

void
check_task(struct check *check, const struct task *task, struct buf *report)
{
	struct look look = {.check = check, .task = task, .report = report};
	uint64_t number = has_line(&look) ? task->line : task->index;
	look.number = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	check->tasks++;
	check_belongings(&look);
	const char *at = task->command, *end = at + task->command_len;
	for (; (at = memchr(at, '\r', (size_t)(end - at))); at++)
		say(&look, false, (size_t)(at - task->command) + 1, NULL,
			"a carriage return in the command");
	scan_command(task->command, task->command_len, look_at, &look);
}

void
check_script(struct check *check, const char *path, struct buf *report)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	for (uint64_t number = 1; file && (len = getline(&line, &capacity, file)) >= 0; number++) {
		size_t at = 0, word;
		for (; (word = jobid_next(line, (size_t)len, &at)); at += word) {
			buf_printf(report, "%s:%llu:%zu: warning: ", path,
				(unsigned long long)number, at + 1);
			utf8_append_visible(
				report, line + at, utf8_cut(line + at, word, SHOWN_MAX));
			buf_append_string(report,
				": the same for all elements, as SLURM_JOB_ID is that of the job "
				"around: expected SLURM_ARRAY_TASK_ID in it\n");
			check->warnings++;
		}
	}
	if (file)
		fclose(file);
	free(line);
}

int
check_end(struct check *check, struct buf *report)
{
	int code = check->errors ? EXIT_ERRORS : check->warnings ? EXIT_WARNINGS : 0;
	buf_printf(report, "%llu task%s, %llu warning%s, %llu error%s\n",
		(unsigned long long)check->tasks, check->tasks == 1 ? "" : "s",
		(unsigned long long)check->warnings, check->warnings == 1 ? "" : "s",
		(unsigned long long)check->errors, check->errors == 1 ? "" : "s");
	seen_clear(&check->identities);
	seen_clear(&check->files);
	seen_clear(&check->fine);
	command_clear(&check->command);
	command_cache_clear(&check->cache);
	buf_clear(&check->word);
	buf_clear(&check->path);
	free(check->start);
	free(check);
	return code;
}
