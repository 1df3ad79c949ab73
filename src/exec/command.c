/* Direct or through the shell, and where a command is found. */
#include "exec/command.h"

#include "base/log.h"
#include "base/pathname.h"
#include "exec/environment.h"

#include <stdlib.h>
#include <string.h>

/*
 * Reserved words and builtins of POSIX's shell, of dash and of bash, sorted as strcmp(3) does. Many
 * exist as binaries too and differ from them (echo -e, test, kill, time).
 */
static const char *const shell_words[] = {
	".",
	":",
	"[",
	"[[",
	"alias",
	"bg",
	"bind",
	"break",
	"builtin",
	"caller",
	"case",
	"cd",
	"chdir",
	"command",
	"compgen",
	"complete",
	"compopt",
	"continue",
	"coproc",
	"declare",
	"dirs",
	"disown",
	"do",
	"done",
	"echo",
	"elif",
	"else",
	"enable",
	"esac",
	"eval",
	"exec",
	"exit",
	"export",
	"false",
	"fc",
	"fg",
	"fi",
	"for",
	"function",
	"getopts",
	"hash",
	"help",
	"history",
	"if",
	"in",
	"jobs",
	"kill",
	"let",
	"local",
	"logout",
	"mapfile",
	"newgrp",
	"popd",
	"printf",
	"pushd",
	"pwd",
	"read",
	"readarray",
	"readonly",
	"return",
	"select",
	"set",
	"shift",
	"shopt",
	"source",
	"suspend",
	"test",
	"then",
	"time",
	"times",
	"trap",
	"true",
	"type",
	"typeset",
	"ulimit",
	"umask",
	"unalias",
	"unset",
	"until",
	"wait",
	"while",
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
compare_word(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

static bool
is_shell_word(const char *word, size_t len)
{
	char text[16];
	if (len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	return bsearch(text, shell_words, sizeof(shell_words) / sizeof(shell_words[0]),
		sizeof(shell_words[0]), compare_word);
}

/* An assignment: a name, then "=". */
static bool
is_assignment(const char *word, size_t len)
{
	size_t i = 0;
	while (i < len && (word[i] == '_' || (word[i] >= 'A' && word[i] <= 'Z') ||
				  (word[i] >= 'a' && word[i] <= 'z') ||
				  (i && word[i] >= '0' && word[i] <= '9')))
		i++;
	return i && i < len && word[i] == '=';
}

/* Where the word at AT ends; NULL if only a shell knows, or knows what it means. */
static const char *
skip_word(const char *at, const char *end)
{
	enum { PLAIN, BLANK, SHELL, QUOTE, ESCAPE };
	static const unsigned char kinds[256] = {
		[' '] = BLANK,
		['\t'] = BLANK,
		[';'] = SHELL,
		['&'] = SHELL,
		['|'] = SHELL,
		['<'] = SHELL,
		['>'] = SHELL,
		['('] = SHELL,
		[')'] = SHELL,
		['$'] = SHELL,
		['`'] = SHELL,
		['"'] = SHELL,
		['*'] = SHELL,
		['?'] = SHELL,
		['['] = SHELL,
		[']'] = SHELL,
		['{'] = SHELL,
		['}'] = SHELL,
		['~'] = SHELL,
		['\n'] = SHELL,
		['\0'] = SHELL,
		['\''] = QUOTE,
		['\\'] = ESCAPE,
	};
	for (; at < end; at++) {
		switch (kinds[(unsigned char)*at]) {
		case PLAIN:
			break;
		case BLANK:
			return at;
		case SHELL:
			return NULL;
		case QUOTE:
			do
				at++;
			while (at < end && *at && *at != '\'');
			if (at == end || !*at)
				return NULL;
			break;
		case ESCAPE:
			at++;
			if (at == end || !*at || *at == '\n')
				return NULL;
			break;
		}
	}
	return at;
}

/* Copies the word at *AT, at most ROOM bytes of it, without its quotes and with no NUL behind it.
 * Returns its length; *AT is its end then. skip_word() must have found one. */
static size_t
unquote(const char **at, const char *end, char *out, size_t room)
{
	size_t len = 0;
	bool quoted = false;
	const char *in = *at;
	for (; in < end && (quoted || !is_blank(*in)); in++) {
		if (*in == '\'') {
			quoted = !quoted;
			continue;
		}
		if (*in == '\\' && !quoted)
			in++;
		if (len < room)
			out[len] = *in;
		len++;
	}
	*at = in;
	return len;
}

bool
command_needs_shell(const char *line, size_t len)
{
	const char *first = NULL, *end = line + len;
	for (const char *at = line; at < end;) {
		if (is_blank(*at)) {
			at++;
			continue;
		}
		const char *word = at;
		at = skip_word(word, end);
		if (!at || *word == '#' || (*word == '!' && at == word + 1))
			return true;
		if (!first)
			first = word;
	}
	if (!first || is_assignment(first, (size_t)(end - first)))
		return true;
	char name[16];
	size_t name_len = unquote(&first, end, name, sizeof(name));
	return !name_len || is_shell_word(name, name_len);
}

static void
split(struct command *command, const char *line, size_t len)
{
	if (command->room < len + 1) {
		command->room = 2 * len + 64;
		command->words = xrealloc(command->words, command->room);
	}
	const char *at = line, *end = line + len;
	char *out = command->words;
	for (size_t argc = 0;; argc++) {
		while (at < end && is_blank(*at))
			at++;
		if (argc + 1 >= command->argv_room) {
			command->argv_room = command->argv_room ? 2 * command->argv_room : 16;
			command->argv =
				xrealloc(command->argv, command->argv_room * sizeof(char *));
		}
		command->argv[argc] = at < end ? out : NULL;
		if (at == end)
			return;
		out += unquote(&at, end, out, len);
		*out++ = '\0';
	}
}

void
command_cache_clear(struct command_cache *cache)
{
	for (size_t i = 0; i < sizeof(cache->entries) / sizeof(cache->entries[0]); i++) {
		free(cache->entries[i].word);
		free(cache->entries[i].file);
	}
	free(cache->path_variable);
	*cache = (struct command_cache){0};
}

static struct command_found *
cache_entry(struct command_cache *cache, const char *word)
{
	unsigned hash = 0;
	for (; *word; word++)
		hash = hash * 31 + (unsigned char)*word;
	return &cache->entries[hash % (sizeof(cache->entries) / sizeof(cache->entries[0]))];
}

static const char *
find_program(struct command_cache *cache, const char *word, const char *path)
{
	if (strchr(word, '/'))
		return word;
	if (!path)
		return NULL;
	if (!cache->path_variable || strcmp(cache->path_variable, path) != 0) {
		command_cache_clear(cache);
		cache->path_variable = xstrdup(path);
	}
	struct command_found *entry = cache_entry(cache, word);
	if (entry->word && strcmp(entry->word, word) == 0)
		return entry->file;
	char *file = pathname_search(word, path);
	if (!file)
		return NULL;
	free(entry->word);
	free(entry->file);
	*entry = (struct command_found){.word = xstrdup(word), .file = file};
	return file;
}

/* bash, where it is /bin/sh, exports functions as BASH_FUNC_name%%=… */
static bool
is_exported_function(const char *word, char *const *environment)
{
	size_t len = strlen(word);
	for (; *environment; environment++) {
		const char *entry = *environment;
		if (strncmp(entry, "BASH_FUNC_", 10) == 0 && strncmp(entry + 10, word, len) == 0 &&
			strncmp(entry + 10 + len, "%%=", 3) == 0)
			return true;
	}
	return false;
}

bool
command_prepare(struct command *command, struct command_cache *cache, const char *line, size_t len,
	char *const *environment)
{
	command->file = NULL;
	if (command_needs_shell(line, len))
		return false;
	split(command, line, len);
	if (is_exported_function(command->argv[0], environment))
		return false;
	command->file = find_program(cache, command->argv[0], environment_get(environment, "PATH"));
	return command->file != NULL;
}

void
command_forget(struct command_cache *cache, const struct command *command)
{
	struct command_found *entry = cache_entry(cache, command->argv[0]);
	if (!entry->word || strcmp(entry->word, command->argv[0]) != 0)
		return;
	free(entry->word);
	free(entry->file);
	*entry = (struct command_found){0};
}

void
command_clear(struct command *command)
{
	free(command->argv);
	free(command->words);
	*command = (struct command){0};
}
