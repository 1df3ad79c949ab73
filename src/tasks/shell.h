/*
 * Which shell runs a task: the one that shell= or --shell names, which then runs every task of
 * theirs; else bash for a command with what only bash understands (bashism.h), wherever /bin/sh
 * leads to: bash as sh lacks some of it. Any other command is left to the executor, which takes
 * /bin/sh if it cannot do without.
 */
#ifndef TASKS_SHELL_H
#define TASKS_SHELL_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct task;

#define SHELL_EXPECTED "a shell's absolute path or its name in PATH, and its options"

/* A shell and its options, with the path that its name has in our PATH, as a new string; NULL:
 * there is none. */
char *shell_find(const char *text);

struct shells {
	char *given;	 /* NULL: none */
	char *bash;	 /* NULL: not looked for, or none */
	char **exported; /* bashism_exported() */
	bool looked;
	void (*tell)(const char *text); /* once, of the first task for bash; NULL: nobody */
};

/* GIVEN is --shell's, or NULL; ENV the tasks' own variables, NAME=VALUE. -1 with ERR: that shell
 * cannot be found. */
int shells_init(struct shells *shells, const char *given, const char *const *env, size_t nenv,
	struct err *err);
void shells_clear(struct shells *shells);

/* Sets the shell of a task that has none, if it needs one; what it points to lives as long as
 * SHELLS (NULL: does nothing). -1 with ERR, "COLUMN: ...", if that is bash and there is none. */
int shells_choose(struct shells *shells, struct task *task, struct err *err);

#endif
