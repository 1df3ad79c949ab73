/*
 * Any bytes as a command line: one that is said to need no shell holds nothing that a shell would
 * do anything with, and is split into the words that a shell would split it into.
 */
#include "exec/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The next word from *AT on; false if there is none. */
static bool
next_word(const char *line, size_t size, size_t *at, const char **word, size_t *len)
{
	while (*at < size && (line[*at] == ' ' || line[*at] == '\t'))
		++*at;
	*word = line + *at;
	for (*len = 0; *at < size && line[*at] != ' ' && line[*at] != '\t'; ++*at)
		++*len;
	return *len > 0;
}

static bool
is_name_byte(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

/* A word that means itself wherever it stands, or FIRST, in a shell's command line. */
static bool
is_plain(const char *word, size_t len, bool first)
{
	static const char *const taken[] = {"if", "then", "else", "elif", "fi", "do", "done",
		"case", "esac", "while", "until", "for", "in", ".", ":", "break", "continue",
		"eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
		"trap", "unset", "alias", "bg", "cd", "command", "false", "fc", "fg", "getopts",
		"hash", "jobs", "kill", "newgrp", "pwd", "read", "true", "type", "ulimit", "umask",
		"unalias", "wait", "echo", "printf", "test", "time", "[", "[["};
	size_t name = 0;
	for (size_t i = 0; i < len; i++)
		if (word[i] == '\0' || strchr(";&|<>()$`\\\"'*?[]{}~\n", word[i]))
			return false;
	if (word[0] == '#' || (len == 1 && word[0] == '!'))
		return false;
	if (!first)
		return true;
	while (name < len && is_name_byte(word[name], name == 0))
		name++;
	if (name && name < len && word[name] == '=')
		return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strlen(taken[i]) == len && memcmp(taken[i], word, len) == 0)
			return false;
	return true;
}

static void
check_words(const struct command *command, const char *line, size_t size)
{
	size_t at = 0, argc = 0, len;
	const char *word;
	for (; next_word(line, size, &at, &word, &len); argc++) {
		must(is_plain(word, len, argc == 0));
		must(command->argv[argc] && strlen(command->argv[argc]) == len);
		must(memcmp(command->argv[argc], word, len) == 0);
	}
	must(argc && !command->argv[argc]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct command command;
	static struct command_cache cache;
	char *environment[] = {NULL};
	char *line = malloc(size + !size); /* without a NUL behind it */
	must(line);
	memcpy(line, data, size);
	bool shell = command_needs_shell(line, size);
	bool direct = command_prepare(&command, &cache, line, size, environment);
	must(!shell || (!direct && !command.file));
	if (!shell) {
		check_words(&command, line, size);
		must(direct == (strchr(command.argv[0], '/') != NULL)); /* without a PATH */
		must(!direct || strcmp(command.file, command.argv[0]) == 0);
	}
	free(line);
	return 0;
}
