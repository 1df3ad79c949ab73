/* Finding and choosing shells. */
#include "tasks/shell.h"

#include "base/err.h"
#include "base/log.h"
#include "base/pathname.h"
#include "tasks/bashism.h"
#include "tasks/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_MAX = 20 };

char *
shell_find(const char *text)
{
	text += strspn(text, " \t");
	size_t len = strcspn(text, " \t");
	char *word = xasprintf("%.*s", (int)len, text), *file = NULL;
	if (*word == '/' && pathname_is_program(word))
		file = xstrdup(word);
	else if (*word && !strchr(word, '/'))
		file = pathname_search(word, getenv("PATH"));
	free(word);
	char *shell = file ? xasprintf("%s%s", file, text + len) : NULL;
	free(file);
	return shell;
}

int
shells_init(struct shells *shells, const char *given, const char *const *env, size_t nenv,
	struct err *err)
{
	*shells = (struct shells){.exported = bashism_exported(environ, env, nenv)};
	shells->given = given ? shell_find(given) : NULL;
	return !given || shells->given ? 0
				       : err_set(err, "option --shell: got '%.200s': expected %s",
						 given, SHELL_EXPECTED);
}

void
shells_clear(struct shells *shells)
{
	free(shells->given);
	free(shells->bash);
	free(shells->exported);
	*shells = (struct shells){0};
}

static void
look_for_bash(struct shells *shells, const struct task *task, const char *at, int len)
{
	char text[200], where[40] = "the template";
	unsigned long long number = task->line ? task->line : task->index;
	shells->looked = true;
	shells->bash = shell_find("bash");
	if (number)
		snprintf(where, sizeof(where), "%s %llu", task->line ? "line" : "task", number);
	snprintf(text, sizeof(text),
		"tasks that only bash understands are run by %.80s: %s has '%.*s' "
		"(--shell decides otherwise)",
		shells->bash ? shells->bash : "", where, len, at);
	if (shells->bash && shells->tell)
		shells->tell(text);
}

int
shells_choose(struct shells *shells, struct task *task, struct err *err)
{
	size_t found_len;
	struct bashism_known known = {.env = task->env, .env_len = task->env_len};
	if (!shells || (task->shell && *task->shell))
		return 0;
	task->shell = shells->given;
	if (task->shell)
		return 0;
	known.exported = shells->exported;
	const char *at = bashism_find(task->command, task->command_len, &known, &found_len);
	if (!at)
		return 0;
	int len = found_len < SHOWN_MAX ? (int)found_len : SHOWN_MAX;
	if (!shells->looked)
		look_for_bash(shells, task, at, len);
	task->shell = shells->bash ? shells->bash : "/bin/bash";
	return shells->bash ? 0
			    : err_set(err,
				      "%zu: '%.*s': only bash understands this, and it is not in "
				      "PATH: expected --shell PATH",
				      (size_t)(at - task->command) + 1, len, at);
}
