/* Writing task lists. */
#include "tasks/listing.h"

#include "tasks/directive.h"
#include "tasks/quote.h"

#include <stdbool.h>
#include <string.h>

static bool
same_name(const char *a, const char *b)
{
	size_t name = strcspn(a, "=") + 1;
	return strncmp(a, b, name) == 0;
}

static const char *
behind(const char *entry)
{
	return entry + strlen(entry) + 1;
}

/* The variables as a program sees them: of several with one name the last. */
static const char *
next_variable(const char *at, const char *end)
{
	for (; at < end; at = behind(at)) {
		const char *other = behind(at);
		while (other < end && !same_name(at, other))
			other = behind(other);
		if (other >= end)
			break;
	}
	return at;
}

static void
set_variable(struct buf *line, const char *entry)
{
	size_t name = strcspn(entry, "=") + 1;
	buf_printf(line, " env:%.*s", (int)name, entry);
	directive_word(line, entry + name);
}

/* A variable that is set anew stays in its place; so that their order is the task's too, all from
 * the first with another name on are taken back and set. */
static void
add_variables(struct buf *line, const struct task *last, const struct task *task)
{
	const char *old_end = last->env + last->env_len, *new_end = task->env + task->env_len;
	const char *old = next_variable(last->env, old_end);
	const char *new = next_variable(task->env, new_end);
	while (old < old_end && new < new_end && same_name(old, new)) {
		if (strcmp(old, new) != 0)
			set_variable(line, new);
		old = next_variable(behind(old), old_end);
		new = next_variable(behind(new), new_end);
	}
	for (; old < old_end; old = next_variable(behind(old), old_end))
		buf_printf(line, " -env:%.*s", (int)strcspn(old, "="), old);
	for (; new < new_end; new = next_variable(behind(new), new_end))
		set_variable(line, new);
}

static void
add_text(struct buf *line, const char *key, const char *last, const char *now)
{
	if (strcmp(last, now) == 0)
		return;
	buf_printf(line, " %s=", key);
	directive_word(line, now);
}

static void
add_time(struct buf *line, uint32_t last, uint32_t now)
{
	if (now == last)
		return;
	buf_append_string(line, " timeout=");
	if (now)
		buf_printf(line, "%u", now / 1000);
	if (now % 1000)
		buf_printf(line, ".%03u", now % 1000);
}

/* What differs from the task before, as " key=value" words. */
static void
add_settings(struct buf *line, const struct task *last, const struct task *task)
{
	add_text(line, "shell", last->shell, task->shell);
	add_text(line, "cwd", last->cwd, task->cwd);
	add_text(line, "stdin", last->input, task->input);
	add_text(line, "stdout", last->out, task->out);
	add_text(line, "stderr", last->err, task->err);
	add_time(line, last->timeout_ms, task->timeout_ms);
	add_variables(line, last, task);
}

void
listing_skip(struct listing *listing, const struct task *task)
{
	if (task->barrier > listing->barrier)
		listing->barrier = task->barrier;
}

void
listing_add(struct listing *listing, struct buf *buf, const struct task *task)
{
	static const struct task nothing = {
		.shell = "", .cwd = "", .input = "", .out = "", .err = "", .env = ""};
	listing_skip(listing, task);
	/* Behind failed.txt it holds back what it did. */
	if (listing->barrier == BARRIER_CHECK || (listing->barrier && listing->written))
		buf_printf(buf, "#MPBATCH barrier%s\n",
			listing->barrier == BARRIER_CHECK ? " check" : "");
	listing->barrier = BARRIER_NONE;
	struct buf line = {0};
	add_settings(&line, listing->last ? listing->last : &nothing, task);
	if (line.len) {
		buf_append_string(buf, "#MPBATCH");
		buf_append(buf, line.data, line.len);
		buf_append(buf, "\n", 1);
		task_free(listing->last);
		listing->last = task_new(task);
	}
	buf_clear(&line);
	quote_line(buf, task->command, task->command_len);
	buf_append(buf, "\n", 1);
	listing->written++;
}

void
listing_clear(struct listing *listing)
{
	task_free(listing->last);
	*listing = (struct listing){0};
}
