/*
 * How a command line is run: split at blanks and exec'd directly where no shell would do anything
 * else with it (half the cost of going through sh; make does the same), through /bin/sh otherwise.
 * Single quotes and backslashes, which make any bytes but NUL a word, are undone here; only double
 * quotes, in which a shell does more, are left to it.
 */
#ifndef EXEC_COMMAND_H
#define EXEC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Where the words of earlier commands were found in PATH. Zero-initialised is empty and valid. */
struct command_cache {
	char *path_variable; /* the PATH that the entries hold for */
	struct command_found {
		char *word;
		char *file;
	} entries[64];
};

struct command {
	const char *file; /* what to exec; NULL: only the shell can say */
	char **argv;	  /* NULL-terminated */
	char *words;	  /* the line, cut up and without its quotes */
	size_t room;	  /* of WORDS */
	size_t argv_room;
};

/* True if LINE must go to the shell whatever its first word is found to be: there is something else
 * in it than words and blanks, or the first word is the shell's own. Pure. */
bool command_needs_shell(const char *line, size_t len);

/*
 * Splits LINE and finds its first word in ENVIRONMENT's PATH (absolute entries only: before a
 * relative or empty one is searched the shell takes over). COMMAND, zero-initialised at first, is
 * reused from call to call. Returns true if it can be exec'd directly.
 */
bool command_prepare(struct command *command, struct command_cache *cache, const char *line,
	size_t len, char *const *environment);

/* Forgets where the first word of the command was found: its exec has failed. */
void command_forget(struct command_cache *cache, const struct command *command);

void command_clear(struct command *command);
void command_cache_clear(struct command_cache *cache);

#endif
