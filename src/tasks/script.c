/* Reading batch scripts. Checked against sbatch 22.05 and Slurm's own _get_next_opt_arg(). */
#include "tasks/script.h"

#include "base/buf.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- options --- */

/* Those that decide what a task sees. */
static const struct option {
	const char *name;
	char letter;
	enum script_says says;
	const char *harmless; /* a value that means what tasks have anyway */
} options[] = {
	{"array", 'a', SCRIPT_ARRAY, NULL},
	{"output", 'o', SCRIPT_OUTPUT, NULL},
	{"error", 'e', SCRIPT_ERROR, NULL},
	{"chdir", 'D', SCRIPT_CHDIR, NULL},
	{"workdir", 0, SCRIPT_CHDIR, NULL},
	{"job-name", 'J', SCRIPT_NAME, NULL},
	{"cpus-per-task", 'c', SCRIPT_CPUS, NULL},
	{"container", 0, SCRIPT_OTHER, NULL},
	{"export", 0, SCRIPT_OTHER, "ALL"},
	{"export-file", 0, SCRIPT_OTHER, NULL},
	{"gpus", 'G', SCRIPT_OTHER, "0"},
	{"gpus-per-node", 0, SCRIPT_OTHER, "0"},
	{"gpus-per-task", 0, SCRIPT_OTHER, "0"},
	{"gres", 0, SCRIPT_OTHER, "none"},
	{"input", 'i', SCRIPT_OTHER, "/dev/null"},
	{"mem", 0, SCRIPT_OTHER, NULL},
	{"mem-per-cpu", 0, SCRIPT_OTHER, NULL},
	{"mem-per-gpu", 0, SCRIPT_OTHER, NULL},
	{"nodes", 'N', SCRIPT_OTHER, "1"},
	{"ntasks", 'n', SCRIPT_OTHER, "1"},
	{"ntasks-per-node", 0, SCRIPT_OTHER, "1"},
	{"open-mode", 0, SCRIPT_OTHER, "truncate"},
	{"propagate", 0, SCRIPT_OTHER, NULL},
	{"signal", 0, SCRIPT_OTHER, NULL},
	{"time", 't', SCRIPT_OTHER, NULL},
	{"tmp", 0, SCRIPT_OTHER, NULL},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* A script as it is read. */
struct reading {
	struct script *script;
	bool other[OPTIONS]; /* is said, and not kept */
};

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes the next word of *AT into WORD, quotes and backslashes resolved; false at the end, which a
 * # is too. */
static bool
next_word(const char **at, char *word)
{
	const char *c = *at;
	char quote = 0;
	while (is_blank(*c))
		c++;
	if (!*c || *c == '#')
		return false;
	for (; *c && (quote || (!is_blank(*c) && *c != '#')); c++) {
		if (quote ? *c == quote : *c == '"' || *c == '\'') {
			quote = quote ? 0 : *c;
			continue;
		}
		if (*c == '\\' && c[1])
			c++;
		*word++ = *c;
	}
	*word = '\0';
	*at = c;
	return true;
}

/* The option that WORD is, and the VALUE in it, NULL if that is the next word. */
static const struct option *
option_of(const char *word, const char **value)
{
	bool is_long = word[0] == '-' && word[1] == '-';
	size_t len = is_long ? strcspn(word, "=") : 2;
	*value = !word[0] || !word[1] || !word[len] ? NULL : word + len + is_long;
	for (const struct option *option = options; option < options + OPTIONS; option++)
		if (is_long ? strlen(option->name) == len - 2 &&
					memcmp(option->name, word + 2, len - 2) == 0
			    : word[0] == '-' && word[1] && word[1] == option->letter)
			return option;
	return NULL;
}

static void
take(struct reading *reading, const struct option *option, const char *value)
{
	if (option->says == SCRIPT_OTHER) {
		reading->other[option - options] =
			!option->harmless || strcmp(value, option->harmless) != 0;
		return;
	}
	char **text = &reading->script->says[option->says];
	free(*text);
	*text = xstrdup(value);
}

/* What stands behind "#SBATCH". */
static void
read_options(struct reading *reading, const char *line)
{
	char *word = xmalloc(strlen(line) + 1);
	const struct option *waiting = NULL;
	while (next_word(&line, word)) {
		const char *value = NULL;
		const struct option *option = waiting;
		if (waiting)
			value = word;
		else
			option = option_of(word, &value);
		waiting = value ? NULL : option;
		if (option && value)
			take(reading, option, value);
	}
	free(word);
}

/* --- the file --- */

/* "#!/usr/bin/env -S bash -e": as the kernel has it, what follows the blanks is one argument. */
static void
read_interpreter(struct script *script, const char *line)
{
	line += strspn(line, " \t");
	size_t len = strcspn(line, " \t\n");
	const char *rest = line + len + strspn(line + len, " \t");
	size_t rest_len = strcspn(rest, "\n");
	while (rest_len && (rest[rest_len - 1] == ' ' || rest[rest_len - 1] == '\t'))
		rest_len--;
	if (len)
		script->interpreter = xasprintf("%.*s", (int)len, line);
	if (len && rest_len)
		script->argument = xasprintf("%.*s", (int)rest_len, rest);
}

static char *
name_others(const struct reading *reading)
{
	struct buf names = {0};
	for (int i = 0; i < OPTIONS; i++)
		if (reading->other[i])
			buf_printf(&names, "%s--%s", names.len ? ", " : "", options[i].name);
	char *text = names.len ? xasprintf("%.*s", (int)names.len, names.data) : NULL;
	buf_clear(&names);
	return text;
}

static void
read_head(struct script *script, FILE *file)
{
	struct reading reading = {.script = script};
	char *line = NULL;
	size_t capacity = 0;
	for (bool first = true; getline(&line, &capacity, file) >= 0; first = false) {
		const char *at = line;
		while (is_blank(*at))
			at++;
		if (first && strncmp(line, "#!", 2) == 0)
			read_interpreter(script, line + 2);
		else if (strncmp(line, "#SBATCH", 7) == 0)
			read_options(&reading, line + 7);
		else if (*at && *at != '#')
			break;
	}
	free(line);
	script->others = name_others(&reading);
}

/* Only a regular file: to open another one may wait, or do something. */
static FILE *
open_regular(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? fopen(path, "re") : NULL;
}

/* As a shell finds a command; its path is in *FOUND. */
static FILE *
open_in_path(const char *command, char **found)
{
	const char *path = getenv("PATH");
	FILE *file = NULL;
	while (path && !file) {
		size_t dir = strcspn(path, ":");
		char *name = xasprintf("%.*s/%s", dir ? (int)dir : 1, dir ? path : ".", command);
		if (access(name, X_OK) == 0)
			file = open_regular(name);
		if (file)
			*found = name;
		else
			free(name);
		path = path[dir] ? path + dir + 1 : NULL;
	}
	return file;
}

/* --- finding it --- */

static bool
is_interpreter(const char *word)
{
	static const char *const names[] = {
		"sh", "bash", "dash", "ksh", "zsh", "python", "python3", "perl", "Rscript"};
	const char *slash = strrchr(word, '/');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(slash ? slash + 1 : word, names[i]) == 0)
			return true;
	return false;
}

/* The first file behind the interpreter; none where "-c" or "-m" says that it runs no file. */
static FILE *
open_behind(const char *const *words, size_t nwords, size_t *word)
{
	FILE *file = NULL;
	for (*word = 1; *word < nwords; ++*word) {
		const char *text = words[*word];
		if (text[0] == '-' && text[1] != '-' && strpbrk(text, "cm"))
			return NULL;
		file = text[0] == '-' ? NULL : open_regular(text);
		if (file)
			return file;
	}
	return NULL;
}

struct script *
script_find(const char *const *words, size_t nwords)
{
	struct script *script = xcalloc(1, sizeof(*script));
	FILE *file = NULL;
	if (nwords && is_interpreter(words[0]))
		file = open_behind(words, nwords, &script->word);
	else if (nwords && strchr(words[0], '/'))
		file = open_regular(words[0]);
	else if (nwords)
		file = open_in_path(words[0], &script->path);
	if (!file) {
		script_free(script);
		return NULL;
	}
	if (!script->path)
		script->path = xstrdup(words[script->word]);
	script->executable = access(script->path, X_OK) == 0;
	read_head(script, file);
	fclose(file);
	return script;
}

void
script_free(struct script *script)
{
	if (!script)
		return;
	for (int i = 0; i < SCRIPT_SAYS; i++)
		free(script->says[i]);
	free(script->path);
	free(script->interpreter);
	free(script->argument);
	free(script->others);
	free(script);
}
