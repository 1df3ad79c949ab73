/* Tasks from lists and templates, dressed with what belongs to them. */
#include "tasks/source.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/ownfd.h"
#include "tasks/array.h"
#include "tasks/hint.h"
#include "tasks/list.h"
#include "tasks/shell.h"
#include "tasks/template.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The templates of the options, in the order of struct source_options. */
enum dress { DRESS_CWD, DRESS_INPUT, DRESS_OUT, DRESS_ERR, DRESS_TAG, DRESSES };

struct source {
	struct source_options options;
	struct shells shells;
	struct list *list; /* or: */
	struct rows *rows;
	struct template *command;
	struct array *array; /* the variables of a job array; NULL: none */
	char *job;	     /* its job's number */
	struct template *dress[DRESSES];
	struct template **env;
	bool dressed;  /* any of these is there */
	bool numbered; /* see source_is_numbered() */
	uint64_t index;
	uint64_t count; /* found by a pass of its own, for {0#}; 0: not looked for */
	struct buf text[DRESSES], line, variables;
};

static const char array_column[] = "array"; /* what input.c names it */
static const struct columns line_columns = {.count = 1, .names = (const char *const[]){NULL}};

/* --- opening --- */

static void
hint(void *arg, const char *name, size_t len, struct buf *buf)
{
	struct source *source = arg;
	if (source->rows)
		hint_placeholder(buf, source->rows, &source->options.rows, name, len);
}

static struct template *
parse_text(struct source *source, const char *what, const char *text, const struct columns *columns,
	struct err *err)
{
	/* cppcheck-suppress CastIntegerToAddressAtReturn ; it stumbles over "struct template" */
	return template_parse(&(struct template_options){.kind = TEMPLATE_TEXT,
				      .what = what,
				      .words = &text,
				      .nwords = 1,
				      .columns = columns,
				      .hint = hint,
				      .arg = source},
		err);
}

static int
open_dress(struct source *source, const struct columns *columns, struct err *err)
{
	const struct source_options *options = &source->options;
	const char *const texts[DRESSES] = {
		options->cwd, options->input, options->out, options->err, options->tag};
	static const char *const names[DRESSES] = {"option --cwd", "option --stdin",
		"option --stdout", "option --stderr", "option --tagstring"};
	for (int i = 0; i < DRESSES; i++) {
		if (!texts[i])
			continue;
		if (ownfd_named(texts[i]))
			return err_set(err, "%s: got %.200s: expected %s", names[i], texts[i],
				OWNFD_EXPECTED);
		source->dress[i] = parse_text(source, names[i], texts[i], columns, err);
		source->dressed = true;
		if (!source->dress[i])
			return -1;
	}
	source->env = xcalloc(options->nenv + 1, sizeof(*source->env));
	for (size_t i = 0; i < options->nenv; i++) {
		source->env[i] = parse_text(source, "option --env", options->env[i], columns, err);
		source->dressed = true;
		if (!source->env[i])
			return -1;
	}
	return 0;
}

static int
open_array(struct source *source, struct err *err)
{
	const struct rows_options *rows = &source->options.rows;
	for (size_t i = 0; i < rows->ninputs && !source->array; i++) {
		if (rows->inputs[i].kind != INPUT_ARRAY)
			continue;
		source->array = array_parse(rows->inputs[i].text, err);
		if (!source->array)
			return -1;
		const char *job = getenv("SLURM_ARRAY_JOB_ID");
		job = job ? job : getenv("SLURM_JOB_ID");
		source->job = job ? xstrdup(job) : xasprintf("%ld", (long)getpid());
	}
	return 0;
}

/* The task gets its values by its input, directory or variables: they are not appended too. */
static bool
uses_values(const struct source *source)
{
	bool uses = false;
	for (int i = DRESS_CWD; i <= DRESS_INPUT; i++)
		uses = uses || (source->dress[i] && template_has_value(source->dress[i]));
	for (size_t i = 0; i < source->options.nenv; i++)
		uses = uses || template_has_value(source->env[i]);
	return uses;
}

/* No shell is to see the words: they are the program's. */
static bool
is_argv(const struct source *source)
{
	return source->options.argv && source->options.nwords > 1;
}

/* Is there bash, if that is what the template needs? Values are data, but for {=}. */
static int
check_template(struct source *source, struct err *err)
{
	const struct source_options *options = &source->options;
	struct buf *line = &source->line;
	for (size_t i = 0; i < options->nwords; i++)
		buf_printf(line, i ? " %s" : "%s", options->words[i]);
	struct task task = {.command = line->data, .command_len = line->len};
	if (is_argv(source) || shells_choose(&source->shells, &task, err) == 0)
		return 0;
	struct err column = *err;
	return err_set(err, "the command template:%s", column.text);
}

static int
open_rows(struct source *source, struct err *err)
{
	struct source_options *options = &source->options;
	options->rows.spool_dir = options->spool_dir;
	source->rows = rows_open(&options->rows, err);
	if (!source->rows || open_array(source, err) < 0)
		return -1;
	const struct columns *columns = rows_columns(source->rows);
	if (open_dress(source, columns, err) < 0)
		return -1;
	source->command = template_parse(&(struct template_options){.kind = TEMPLATE_COMMAND,
						 .what = "the command template",
						 .words = options->words,
						 .nwords = options->nwords,
						 .argv = options->argv,
						 .append = !uses_values(source),
						 .apart = source->array ? array_column : NULL,
						 .columns = columns,
						 .hint = hint,
						 .arg = source},
		err);
	return source->command ? check_template(source, err) : -1;
}

static bool
needs_count(const struct source *source)
{
	bool needed = source->command && template_needs_count(source->command);
	for (int i = 0; i < DRESSES; i++)
		needed = needed || (source->dress[i] && template_needs_count(source->dress[i]));
	for (size_t i = 0; i < source->options.nenv; i++)
		needed = needed || template_needs_count(source->env[i]);
	return needed;
}

static bool
has_number(const struct source *source)
{
	bool has = source->command && template_has_index(source->command);
	for (int i = DRESS_CWD; i <= DRESS_INPUT; i++)
		has = has || (source->dress[i] && template_has_index(source->dress[i]));
	for (size_t i = 0; i < source->options.nenv; i++)
		has = has || template_has_index(source->env[i]);
	return has;
}

/* One pass, for {0#}. */
static int
count_all(struct source *source, struct err *err)
{
	source->count = source_count(source);
	if (source->count)
		return 0;
	if (source_fd(source) >= 0)
		return err_set(err, "{0#} needs the number of tasks, which a pipe does not tell: "
				    "expected a file, or {#}");
	enum next next;
	do {
		struct row row;
		struct task *task = NULL;
		next = source->list ? list_next(source->list, &task, err)
				    : rows_next(source->rows, &row, err);
		task_free(task);
		source->count += next == NEXT_ONE;
	} while (next == NEXT_ONE || next == NEXT_AGAIN);
	return next == NEXT_END ? source_rewind(source, err) : -1;
}

struct source *
source_open(const struct source_options *options, struct err *err)
{
	struct source *source = xcalloc(1, sizeof(*source));
	source->options = *options;
	int got = shells_init(&source->shells, options->shell, options->env, options->nenv, err);
	source->shells.tell = options->tell;
	if (got == 0 && options->list) {
		source->list = list_open(options->list, options->list_as_is, &source->shells,
			options->spool_dir, err);
		got = source->list ? open_dress(source, &line_columns, err) : -1;
	} else if (got == 0) {
		got = open_rows(source, err);
	}
	if (got == 0 && needs_count(source))
		got = count_all(source, err);
	source->numbered = got == 0 && has_number(source);
	if (got == 0)
		return source;
	source_free(source);
	return NULL;
}

void
source_free(struct source *source)
{
	if (!source)
		return;
	list_free(source->list);
	rows_free(source->rows);
	template_free(source->command);
	array_free(source->array);
	free(source->job);
	shells_clear(&source->shells);
	for (int i = 0; i < DRESSES; i++) {
		template_free(source->dress[i]);
		buf_clear(&source->text[i]);
	}
	for (size_t i = 0; source->env && i < source->options.nenv; i++)
		template_free(source->env[i]);
	free(source->env);
	buf_clear(&source->line);
	buf_clear(&source->variables);
	free(source);
}

/* --- tasks --- */

/* Fills TEMPLATE into BUF, ended by NUL. */
static const char *
render(const struct source *source, const struct template *template, const struct row *row,
	struct buf *buf)
{
	buf_consume(buf, buf->len);
	template_render(template, row, source->index, source->count, buf);
	buf_append(buf, "", 1);
	return buf->data;
}

/* The number of the array's element. */
static const struct value *
element_of(const struct source *source, const struct row *row)
{
	size_t column = 0;
	const struct columns *columns = rows_columns(source->rows);
	for (size_t i = 0; i < columns->count; i++)
		if (columns->names[i] && strcmp(columns->names[i], array_column) == 0)
			column = i;
	return &row->values[column];
}

static void
add_array_variables(const struct source *source, const struct row *row, struct buf *buf)
{
	const struct array *array = source->array;
	const struct value *id = element_of(source, row);
	buf_printf(buf, "SLURM_ARRAY_TASK_ID=%.*s%c", (int)id->len, id->text, 0);
	buf_printf(buf, "SLURM_ARRAY_TASK_MIN=%llu%c", (unsigned long long)array_min(array), 0);
	buf_printf(buf, "SLURM_ARRAY_TASK_MAX=%llu%c", (unsigned long long)array_max(array), 0);
	buf_printf(buf, "SLURM_ARRAY_TASK_COUNT=%llu%c", (unsigned long long)array_count(array), 0);
	buf_printf(buf, "SLURM_ARRAY_TASK_STEP=%llu%c", (unsigned long long)array_step(array), 0);
	buf_printf(buf, "SLURM_ARRAY_JOB_ID=%s%c", source->job, 0);
	buf_printf(buf, "SLURM_CPUS_PER_TASK=%d%c", source->options.cpus, 0);
}

static void
name_files(struct source *source, const struct row *row, struct task *task)
{
	const struct pattern_files *files = &source->options.files;
	const char *const patterns[] = {files->out, files->err};
	const struct value *id = element_of(source, row);
	for (int i = DRESS_OUT; i <= DRESS_ERR; i++) {
		struct buf *name = &source->text[i];
		buf_consume(name, name->len);
		pattern_fill(name, patterns[i - DRESS_OUT],
			&(struct pattern_element){.job = source->job,
				.name = files->name,
				.id = id->text,
				.id_len = id->len});
		buf_append(name, "", 1);
	}
	task->out = source->text[DRESS_OUT].data;
	task->err = source->text[DRESS_ERR].data;
}

/* Does it have the variable that ENTRY, "NAME=...", sets? */
static bool
has_variable(const struct task *task, const char *entry)
{
	size_t name = strcspn(entry, "=") + 1;
	for (const char *at = task->env; at && at < task->env + task->env_len; at += strlen(at) + 1)
		if (strncmp(at, entry, name) == 0)
			return true;
	return false;
}

/* Of a tag, which begins a line: the end of a line in it is shown. */
static const char *
in_one_line(struct buf *buf)
{
	struct buf shown = {0};
	if (!strpbrk(buf->data, "\n\r"))
		return buf->data;
	for (const char *at = buf->data; *at; at++)
		if (*at == '\n' || *at == '\r')
			buf_append_string(&shown, *at == '\n' ? "\\n" : "\\r");
		else
			buf_append(&shown, at, 1);
	buf_append(&shown, "", 1);
	buf_clear(buf);
	*buf = shown;
	return buf->data;
}

static void
dress(struct source *source, const struct row *row, struct task *task)
{
	const char **const places[DRESSES] = {
		&task->cwd, &task->input, &task->out, &task->err, &task->tag};
	for (int i = 0; i < DRESSES; i++)
		if (source->dress[i] && (!*places[i] || !**places[i]))
			*places[i] = render(source, source->dress[i], row, &source->text[i]);
	if (source->dress[DRESS_TAG])
		task->tag = in_one_line(&source->text[DRESS_TAG]);
	if (source->options.files.out)
		name_files(source, row, task);
	if (!task->timeout_ms)
		task->timeout_ms = source->options.timeout_ms;
	if (!source->options.nenv && !source->array)
		return;
	struct buf *variables = &source->variables;
	buf_consume(variables, variables->len);
	if (source->array)
		add_array_variables(source, row, variables);
	for (size_t i = 0; i < source->options.nenv; i++) {
		if (has_variable(task, source->options.env[i]))
			continue; /* a list's own win */
		template_render(source->env[i], row, source->index, source->count, variables);
		buf_append(variables, "", 1);
	}
	buf_append(variables, task->env, task->env_len);
	task->env = variables->data;
	task->env_len = variables->len;
}

static void
fill(struct source *source, const struct row *row, struct task *task)
{
	if (source->command) {
		task->command = render(source, source->command, row, &source->line);
		task->command_len = source->line.len - 1;
	}
	dress(source, row, task);
}

/* The number is no part of what a task is; all its values are, as {#} may stand for them. */
static uint64_t
identity_of_numbered(struct source *source, const struct row *row, struct task task)
{
	uint64_t index = source->index;
	source->index = 0;
	fill(source, row, &task);
	source->index = index;
	struct task *unnumbered = task_new(&task);
	uint64_t id = task_identity(unnumbered);
	task_free(unnumbered);
	for (size_t i = 0; i < row->count; i++)
		id = hash_add(id, row->values[i].text, row->values[i].len);
	return id;
}

/* TASK as ROW makes it. */
static void
complete(struct source *source, const struct row *row, struct task *task)
{
	if (source->numbered)
		task->id = identity_of_numbered(source, row, *task);
	fill(source, row, task);
}

static enum next
next_of_list(struct source *source, struct task **task, struct err *err)
{
	struct task *bare;
	enum next next = list_next(source->list, &bare, err);
	if (next != NEXT_ONE)
		return next;
	source->index = bare->index;
	if (!source->dressed && !source->options.timeout_ms) {
		*task = bare;
		return next;
	}
	struct task full = *bare;
	struct value line = {bare->command, bare->command_len};
	complete(source, &(struct row){.line = bare->line, .count = 1, .values = &line}, &full);
	*task = task_new(&full);
	task_free(bare);
	return next;
}

enum next
source_next(struct source *source, struct task **task, struct err *err)
{
	if (source->list)
		return next_of_list(source, task, err);
	struct row row;
	enum next next = rows_next(source->rows, &row, err);
	if (next != NEXT_ONE)
		return next;
	source->index++;
	struct task full = {
		.index = source->index, .line = row.line, .attempt = 1, .need = need_default};
	complete(source, &row, &full);
	struct err ignored; /* without bash it fails when it is run */
	if (!is_argv(source))
		shells_choose(&source->shells, &full, &ignored);
	*task = task_new(&full);
	return NEXT_ONE;
}

int
source_check(const struct source *source, struct err *err)
{
	return source->list ? list_check(source->list, err) : 0;
}

int
source_rewind(struct source *source, struct err *err)
{
	source->index = 0;
	return source->list ? list_rewind(source->list, err) : rows_rewind(source->rows, err);
}

/* --- what is known of it --- */

int
source_fd(const struct source *source)
{
	return source->list ? list_fd(source->list) : rows_fd(source->rows);
}

uint64_t
source_count(const struct source *source)
{
	if (source->count)
		return source->count;
	return source->list ? list_count(source->list) : rows_count(source->rows);
}

char *
source_why_none(const struct source *source)
{
	struct buf why = {0};
	if (!source->rows)
		return NULL;
	rows_tell_why_none(source->rows, &why);
	char *text = xasprintf("%.*s", (int)why.len, why.data ? why.data : "");
	buf_clear(&why);
	return text;
}

uint64_t
source_remaining(const struct source *source)
{
	return source->list ? list_remaining(source->list) : rows_remaining(source->rows);
}

uint64_t
source_limit(const struct source *source)
{
	return source->array ? array_limit(source->array) : 0;
}

bool
source_is_numbered(const struct source *source)
{
	return source->numbered;
}

bool
source_has_files(const struct source *source)
{
	return source->list && list_has_files(source->list);
}

bool
source_files_differ(const struct source *source)
{
	if (source_has_files(source))
		return false;
	for (int i = DRESS_OUT; i <= DRESS_ERR; i++)
		if (source->dress[i] && !template_tells_index(source->dress[i]))
			return false;
	return true;
}
