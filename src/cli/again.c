/* Going on with a run by its name. */
#include "cli/again.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/journals.h"
#include "run/rundir.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What its run.json says is run: it may not be somebody else's by accident. */
static int
check_ours(const char *run, const char *run_dir, struct err *err)
{
	bool named = strncmp(run_dir, run, strlen(run_dir)) == 0;
	return named || rundir_is_ours(run_dir, err) ? 0 : -1;
}

static int
load(struct again *again, const char *run, struct err *err)
{
	char *dir = journals_dir(run, err);
	int got = dir ? check_ours(run, dir, err) : -1;
	again->run_dir = got == 0 ? realpath(dir, NULL) : NULL;
	if (got == 0 && !again->run_dir)
		got = err_set_errno(err, "%s", dir);
	free(dir);
	if (got < 0 || manifest_read_call(again->run_dir, &again->call, err) < 0)
		return -1;
	if (chdir(again->call.directory) < 0)
		return err_set_errno(err,
			"%s: cannot go to the directory the run was started in, %s", run,
			again->call.directory);
	return 0;
}

const char *const again_elements[] = {"SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "PBS_ARRAYID",
	"LSB_JOBINDEX", "SGE_TASK_ID", NULL};

extern char **environ;

static bool
is_element(const char *entry)
{
	size_t len = strcspn(entry, "=");
	for (int i = 0; again_elements[i]; i++)
		if (strlen(again_elements[i]) == len && memcmp(entry, again_elements[i], len) == 0)
			return true;
	return false;
}

char **
again_variables(size_t *count)
{
	size_t all = 0;
	while (environ[all])
		all++;
	char **variables = xcalloc(all + 1, sizeof(*variables));
	*count = 0;
	for (size_t i = 0; i < all; i++)
		if (is_element(environ[i]) || options_is_variable(environ[i]))
			variables[(*count)++] = environ[i];
	return variables;
}

/* Options that are set now go before those of then; an element is what the run's tasks are of. */
static void
restore(const struct manifest_call *call)
{
	for (size_t i = 0; i < call->nvariables; i++) {
		char *variable = call->variables[i];
		size_t len = strcspn(variable, "=");
		bool element = is_element(variable);
		if (!variable[len] || (!element && !options_is_variable(variable)))
			continue;
		variable[len] = '\0';
		setenv(variable, variable + len + 1, element);
	}
	setenv("PWD", call->directory, 1);
}

int
again_take(struct again *again, int argc, char **argv, struct command_line *line, struct err *err)
{
	*again = (struct again){0};
	*line = (struct command_line){0};
	if (argc == 3 && strcmp(argv[2], "--help") == 0) {
		*line = (struct command_line){.argc = 2, .argv = argv + 1};
		return 0;
	}
	if (argc < 3 || argv[2][0] == '-')
		return err_set(err, "resume: expected mpbatch resume RUN [OPTION]..., where RUN is "
				    "a run directory or a list that has one");
	*line = (struct command_line){.resumed = argv[2], .more = argv + 3, .nmore = argc - 3};
	if (load(again, argv[2], err) < 0)
		return -1;
	restore(&again->call);
	line->resumed = again->run_dir;
	line->argv = again->call.argv;
	line->argc = again->call.argc;
	return 0;
}

void
again_clear(struct again *again)
{
	manifest_call_clear(&again->call);
	free(again->run_dir);
	*again = (struct again){0};
}
