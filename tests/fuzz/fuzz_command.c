/*
 * Any bytes as a command line: one that is said to need no shell holds nothing that a shell would
 * do anything with, and is split into the words that a plain reading, and a real shell, split it
 * into.
 */
#include "exec/command.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A word, and which of its bytes were quoted. */
struct word {
	char *text;
	bool *quoted;
	size_t len;
	const char *raw; /* quotes and all */
	size_t raw_len;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
put(struct word *word, char c, bool quoted)
{
	word->text[word->len] = c;
	word->quoted[word->len++] = quoted;
}

/* The next word from *AT on; false if there is none. */
static bool
next_word(const char *line, size_t size, size_t *at, struct word *word)
{
	word->len = 0;
	while (*at < size && (line[*at] == ' ' || line[*at] == '\t'))
		++*at;
	size_t start = *at;
	while (*at < size && line[*at] != ' ' && line[*at] != '\t') {
		char c = line[(*at)++];
		if (c == '\\') {
			must(*at < size && line[*at] != '\n');
			put(word, line[(*at)++], true);
		} else if (c == '\'') {
			for (; *at < size && line[*at] != '\''; ++*at)
				put(word, line[*at], true);
			must(*at < size);
			++*at;
		} else {
			put(word, c, false);
		}
	}
	word->raw_len = *at - start;
	word->raw = line + start;
	return word->raw_len > 0;
}

static bool
is_name_byte(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

static bool
is_taken(const struct word *word)
{
	static const char *const taken[] = {"if", "then", "else", "elif", "fi", "do", "done",
		"case", "esac", "while", "until", "for", "in", ".", ":", "break", "continue",
		"eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
		"trap", "unset", "alias", "bg", "cd", "command", "false", "fc", "fg", "getopts",
		"hash", "jobs", "kill", "newgrp", "pwd", "read", "true", "type", "ulimit", "umask",
		"unalias", "wait", "echo", "printf", "test", "time", "[", "[[", ""};
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strlen(taken[i]) == word->len && memcmp(taken[i], word->text, word->len) == 0)
			return true;
	return false;
}

/* A word that means itself wherever it stands, or FIRST, in a shell's command line. */
static bool
is_plain(const struct word *word, bool first)
{
	size_t name = 0;
	for (size_t i = 0; i < word->len; i++)
		if (!word->text[i] ||
			(!word->quoted[i] && strchr(";&|<>()$`\"*?[]{}~\n", word->text[i])))
			return false;
	if (word->raw[0] == '#' || (word->raw[0] == '!' && word->raw_len == 1))
		return false;
	if (!first)
		return true;
	while (name < word->raw_len && is_name_byte(word->raw[name], name == 0))
		name++;
	if (name && name < word->raw_len && word->raw[name] == '=')
		return false;
	return !is_taken(word);
}

static void
check_words(const struct command *command, const char *line, size_t size)
{
	size_t at = 0, argc = 0;
	struct word word = {.text = malloc(size + 1), .quoted = malloc(size + 1)};
	must(word.text && word.quoted);
	for (; next_word(line, size, &at, &word); argc++) {
		must(is_plain(&word, argc == 0));
		must(command->argv[argc] && strlen(command->argv[argc]) == word.len);
		must(memcmp(command->argv[argc], word.text, word.len) == 0);
	}
	must(argc && !command->argv[argc]);
	free(word.text);
	free(word.quoted);
}

/* What SHELL makes of LINE behind a program that prints its words, each with a NUL behind it. */
static FILE *
print_words(const char *shell, const char *line, size_t size)
{
	extern char **environ;
	FILE *out = tmpfile();
	char *script = malloc(size + 32);
	must(out && script);
	int len = snprintf(script, size + 32, "/usr/bin/printf '%%s\\0' ");
	memcpy(script + len, line, size);
	script[(size_t)len + size] = '\0';
	char *argv[] = {(char *)(uintptr_t)shell, (char *)(uintptr_t) "-c", script, NULL};
	posix_spawn_file_actions_t actions;
	must(posix_spawn_file_actions_init(&actions) == 0);
	must(posix_spawn_file_actions_adddup2(&actions, fileno(out), 1) == 0);
	pid_t pid;
	int status;
	must(posix_spawn(&pid, shell, &actions, NULL, argv, environ) == 0);
	while (waitpid(pid, &status, 0) < 0) /* libFuzzer's alarm comes now and then */
		must(errno == EINTR);
	must(status == 0);
	posix_spawn_file_actions_destroy(&actions);
	free(script);
	rewind(out);
	return out;
}

static void
check_shell(const struct command *command, const char *line, size_t size)
{
	const char *shell = size % 2 && access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
	FILE *out = print_words(shell, line, size);
	for (char **word = command->argv; *word; word++)
		for (const char *at = *word;; at++) {
			must(getc(out) == (unsigned char)*at);
			if (!*at)
				break;
		}
	must(getc(out) == EOF);
	fclose(out);
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
		check_shell(&command, line, size);
		must(direct == (strchr(command.argv[0], '/') != NULL)); /* without a PATH */
		must(!direct || strcmp(command.file, command.argv[0]) == 0);
	}
	free(line);
	return 0;
}
