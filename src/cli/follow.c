/* What sbatch would do with an array's script. */
#include "cli/follow.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/pathname.h"
#include "cli/options.h"
#include "tasks/quote.h"
#include "tasks/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The options, and lists of what is followed and what is not. */
struct follow {
	struct options *options;
	struct script *script;
	struct buf done, ignored;
};

static void
note(struct buf *list, const char *name, const char *value, const char *why)
{
	buf_printf(list, "%s--%s=%.100s", list->len ? ", " : "", name, value);
	if (why)
		buf_printf(list, " (%s)", why);
}

/* TEXT for a template, in which a brace is two; the options own it. A WORD of several is itself,
 * one that a shell gets is quoted. */
static const char *
literal(struct options *options, const char *text, bool word)
{
	struct buf quoted = {0}, made = {0};
	if (word && !(options->argv && options->nwords > 1))
		quote_word(&quoted, text, strlen(text));
	else
		buf_append_string(&quoted, text);
	for (size_t i = 0; i < quoted.len; i++) {
		buf_append(&made, &quoted.data[i], 1);
		if (quoted.data[i] == '{')
			buf_append(&made, "{", 1);
	}
	char *copy = xasprintf("%.*s", (int)made.len, made.data);
	buf_clear(&quoted);
	buf_clear(&made);
	options->made[options->nmade++] = copy;
	return copy;
}

static void
insert_word(struct options *options, size_t at, const char *word)
{
	options->words = xrealloc(options->words, (options->nwords + 2) * sizeof(*options->words));
	memmove(options->words + at + 1, options->words + at,
		(options->nwords - at + 1) * sizeof(*options->words));
	options->words[at] = word;
	options->nwords++;
}

/* As the kernel would run it, were it executable: sbatch makes a copy that is. */
static void
follow_interpreter(struct follow *follow)
{
	struct options *options = follow->options;
	const struct script *script = follow->script;
	if (script->executable || script->word || !script->interpreter)
		return;
	insert_word(options, 0, "");
	options->words[0] = literal(options, script->interpreter, true);
	if (script->argument)
		insert_word(options, 1, literal(options, script->argument, true));
	follow->script->word = script->argument ? 2 : 1;
}

/* sbatch has read the script by then, whose path is one from here. */
static void
follow_directory(struct follow *follow)
{
	struct options *options = follow->options;
	const struct script *script = follow->script;
	const char *dir = script->says[SCRIPT_CHDIR];
	if (!dir || options_origin(options, "cwd") != FROM_DEFAULT)
		return;
	char *here = getcwd(NULL, 0);
	if (!here || pathname_misread(dir)) {
		note(&follow->ignored, "chdir", dir, "no directory's name");
		free(here);
		return;
	}
	options->cwd = literal(options, dir, false);
	if (*script->path != '/') {
		const char *rest = script->path + 2 * (strncmp(script->path, "./", 2) == 0);
		char *path = xasprintf("%s/%s", here, rest);
		options->words[script->word] = literal(options, path, true);
		free(path);
	}
	free(here);
	note(&follow->done, "chdir", dir, NULL);
}

static void
follow_cores(struct follow *follow)
{
	struct options *options = follow->options;
	const char *cpus = follow->script->says[SCRIPT_CPUS];
	if (!cpus || options_origin(options, "cpus-per-task") != FROM_DEFAULT)
		return;
	if (options_set(options, "cpus-per-task", cpus))
		note(&follow->ignored, "cpus-per-task", cpus, "no number of cores");
	else
		note(&follow->done, "cpus-per-task", cpus, NULL);
}

/* Options that say where outputs go. */
static bool
has_outputs(const struct options *options)
{
	static const char *const names[] = {
		"output", "stdout", "stderr", "keep-order", "tag", "tagstring", "output-file"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (options_origin(options, names[i]) != FROM_DEFAULT)
			return true;
	return false;
}

/* Both streams or neither: where one has no file, nobody would look for the other in one. */
static void
follow_files(struct follow *follow)
{
	struct options *options = follow->options;
	char **says = follow->script->says;
	const char *slash = strrchr(follow->script->path, '/');
	const char *out = says[SCRIPT_OUTPUT], *err = says[SCRIPT_ERROR], *why = NULL;
	if ((!out && !err) || has_outputs(options))
		return;
	if (options->ninputs > 1)
		why = "one file for all values beside the array's";
	else if (out)
		why = pattern_misfit(out);
	if (err && !why)
		why = pattern_misfit(err);
	struct buf *list = why ? &follow->ignored : &follow->done;
	if (out)
		note(list, "output", out, err ? NULL : why);
	if (err)
		note(list, "error", err, why);
	if (why)
		return;
	out = out ? out : "slurm-%A_%a.out";
	options->files = (struct pattern_files){.out = out,
		.err = err ? err : out,
		.name = says[SCRIPT_NAME] ? says[SCRIPT_NAME]
			: slash		  ? slash + 1
					  : follow->script->path};
}

/* NULL: there is nothing to say. */
static char *
make_note(struct follow *follow)
{
	struct buf *done = &follow->done, *ignored = &follow->ignored, text = {0};
	if (!done->len && !ignored->len)
		return NULL;
	buf_printf(&text, "%.100s: #SBATCH lines: ", follow->script->path);
	if (done->len)
		buf_printf(&text, "%.*s followed%s", (int)done->len, done->data,
			ignored->len ? "; " : "");
	if (ignored->len)
		buf_printf(&text, "not followed: %.*s", (int)ignored->len, ignored->data);
	char *note = xasprintf("%.*s", (int)text.len, text.data);
	buf_clear(&text);
	return note;
}

void
follow_script(struct options *options)
{
	struct follow follow = {.options = options, .script = options->script};
	if (!follow.script)
		return;
	follow_interpreter(&follow);
	follow_directory(&follow);
	follow_cores(&follow);
	follow_files(&follow);
	const char *others = follow.script->others;
	if (others)
		buf_printf(&follow.ignored, "%s%s", follow.ignored.len ? ", " : "", others);
	options->script_note = make_note(&follow);
	buf_clear(&follow.done);
	buf_clear(&follow.ignored);
}
