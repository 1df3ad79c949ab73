/* Tasks as blocks, as bytes, and what makes two of them the same. */
#include "tasks/task.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct need need_default = {.cores = 1};

static const char *
put_string(char **at, const char *text, size_t len)
{
	char *start = *at;
	if (len)
		memcpy(start, text, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

struct task *
task_new(const struct task *from)
{
	size_t shell_len = from->shell ? strlen(from->shell) : 0;
	size_t cwd_len = from->cwd ? strlen(from->cwd) : 0;
	size_t input_len = from->input ? strlen(from->input) : 0;
	size_t out_len = from->out ? strlen(from->out) : 0;
	size_t err_len = from->err ? strlen(from->err) : 0;
	size_t tag_len = from->tag ? strlen(from->tag) : 0;
	size_t strings = from->command_len + from->env_len + shell_len + cwd_len + input_len +
			 out_len + err_len + tag_len + 8;
	struct task *task = xmalloc(sizeof(*task) + strings);
	char *at = (char *)(task + 1);
	*task = *from;
	task->command = put_string(&at, from->command, from->command_len);
	task->env = put_string(&at, from->env, from->env_len);
	task->shell = put_string(&at, from->shell, shell_len);
	task->cwd = put_string(&at, from->cwd, cwd_len);
	task->input = put_string(&at, from->input, input_len);
	task->out = put_string(&at, from->out, out_len);
	task->err = put_string(&at, from->err, err_len);
	task->tag = put_string(&at, from->tag, tag_len);
	return task;
}

void
task_free(struct task *task)
{
	free(task);
}

size_t
task_bytes(const struct task *task)
{
	return sizeof(*task) + task->command_len + task->env_len + strlen(task->shell) +
	       strlen(task->cwd) + strlen(task->input) + strlen(task->out) + strlen(task->err) +
	       strlen(task->tag);
}

const char *
task_element(const struct task *task, size_t *len)
{
	static const char name[] = "SLURM_ARRAY_TASK_ID=";
	const char *element = "";
	for (const char *at = task->env; at < task->env + task->env_len; at += strlen(at) + 1)
		if (strncmp(at, name, sizeof(name) - 1) == 0)
			element = at + sizeof(name) - 1;
	*len = strspn(element, "0123456789");
	*len = element[*len] ? 0 : *len;
	return element;
}

void
task_pack(struct buf *buf, const struct task *task)
{
	pack_u64(buf, task->index);
	pack_u16(buf, task->attempt);
	pack_u16(buf, task->need.cores);
	pack_u16(buf, task->need.gpus);
	pack_u32(buf, task->need.memory_mib);
	pack_u32(buf, task->timeout_ms);
	pack_bytes(buf, task->command, task->command_len);
	pack_string(buf, task->shell);
	pack_string(buf, task->cwd);
	pack_string(buf, task->input);
	pack_string(buf, task->out);
	pack_string(buf, task->err);
	pack_bytes(buf, task->env, task->env_len);
}

/* A packed string as a pointer into the message; its NUL is put behind it by task_new(). */
static const char *
borrow_string(struct unpack *in, size_t *len)
{
	const char *text = unpack_bytes(in, len);
	if (text && memchr(text, '\0', *len))
		in->bad = true;
	return text;
}

struct task *
task_unpack(struct unpack *in)
{
	struct task from = {.index = unpack_u64(in)};
	from.attempt = unpack_u16(in);
	from.need.cores = unpack_u16(in);
	from.need.gpus = unpack_u16(in);
	from.need.memory_mib = unpack_u32(in);
	from.timeout_ms = unpack_u32(in);
	from.command = borrow_string(in, &from.command_len);
	char *shell = unpack_string_new(in);
	char *cwd = unpack_string_new(in);
	char *input = unpack_string_new(in);
	char *out = unpack_string_new(in);
	char *error = unpack_string_new(in);
	from.shell = shell;
	from.cwd = cwd;
	from.input = input;
	from.out = out;
	from.err = error;
	from.env = unpack_bytes(in, &from.env_len);
	if (from.env_len && from.env[from.env_len - 1] != '\0')
		in->bad = true;
	struct task *task = in->bad ? NULL : task_new(&from);
	free(shell);
	free(cwd);
	free(input);
	free(out);
	free(error);
	return task;
}

/* --- identity --- */

/* They tell of the job and of the whole array: in a larger one the task is the same. How many cores
 * it has is no part of another task either. */
static bool
is_of_array(const char *variable)
{
	static const char *const names[] = {
		"SLURM_ARRAY_JOB_ID=", "SLURM_ARRAY_TASK_MIN=", "SLURM_ARRAY_TASK_MAX=",
		"SLURM_ARRAY_TASK_COUNT=", "SLURM_ARRAY_TASK_STEP=", "SLURM_CPUS_PER_TASK="};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int
compare_names(const char *a, const char *b)
{
	while (*a == *b && *a && *a != '=') {
		a++;
		b++;
	}
	return (*a == '=' ? 0 : (unsigned char)*a) - (*b == '=' ? 0 : (unsigned char)*b);
}

/* The variable whose name follows that of LAST (NULL: the first); of several with one name the one
 * that a program sees, the last. NULL: there is none. */
static const char *
next_by_name(const struct task *task, const char *last)
{
	const char *next = NULL;
	for (const char *at = task->env; at < task->env + task->env_len; at += strlen(at) + 1)
		if ((!last || compare_names(at, last) > 0) &&
			(!next || compare_names(at, next) <= 0))
			next = at;
	return next;
}

uint64_t
task_identity(const struct task *task)
{
	if (task->id)
		return task->id;
	uint64_t hash = hash_add(HASH_START, task->command, task->command_len);
	hash = hash_add(hash, task->cwd, strlen(task->cwd));
	hash = hash_add(hash, task->input, strlen(task->input));
	bool array = false; /* its variables come before the cores' in this order */
	for (const char *at = NULL; (at = next_by_name(task, at));) {
		array = array || strncmp(at, "SLURM_ARRAY_", 12) == 0;
		if (!array || !is_of_array(at))
			hash = hash_add(hash, at, strlen(at));
	}
	return hash;
}
