/* The run directory of a run. */
#include "cli/keep.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "cli/again.h"
#include "cli/journals.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "run/lock.h"
#include "run/rundir.h"
#include "run/unnamed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_STOPPED = 3, EXIT_RUN_FAILED = 4 };

char *
keep_named(const struct options *options)
{
	return options->no_run_dir ? NULL : rundir_path(options->list, options->run_dir);
}

bool
keep_wanted(const struct options *options, const struct plan_start *start)
{
	char *named = keep_named(options);
	/* A task of another run has a line in that one's journal. */
	bool by_default = (start->launched || start->job) && !getenv("MPBATCH_INDEX");
	bool wanted = named || (by_default && !options->no_run_dir);
	free(named);
	return wanted;
}

/* --- one that nothing names --- */

static uint64_t
add_text(uint64_t hash, const char *text)
{
	return text ? hash_add(hash, text, strlen(text)) : hash_add(hash, "", 1);
}

static bool
is_file(const char *path)
{
	struct stat status;
	return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

uint64_t
keep_what(const struct options *options)
{
	uint64_t what = add_text(HASH_START, options->list);
	if (options->list && !is_file(options->list))
		return 0;
	for (size_t i = 0; i < options->nwords; i++)
		what = add_text(what, options->words[i]);
	for (size_t i = 0; i < options->ninputs; i++) {
		const struct rows_input *input = &options->inputs[i];
		if (input->kind == INPUT_FILE && !is_file(input->text))
			return 0;
		char kind[] = {(char)('0' + input->kind), input->linked ? '+' : '\0', '\0'};
		what = add_text(add_text(what, kind), input->text);
		for (size_t k = 0; k < input->narguments; k++)
			what = add_text(what, input->arguments[k]);
	}
	for (size_t i = 0; i < options->nenv; i++)
		what = add_text(what, options->env[i]);
	const char *const others[] = {options->where, options->cwd, options->input,
		options->argv ? "argv" : NULL, options->header ? "header" : NULL};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		what = add_text(what, others[i]);
	/* Elements of a job array around have the same command, and each its own tasks. */
	for (int i = 0; again_elements[i]; i++)
		what = add_text(what, getenv(again_elements[i]));
	what = hash_add(what, (const char *)&options->format, sizeof(options->format));
	return what ? what : 1;
}

static void
say(const char *text)
{
	log_info("%s", text);
}

/* A run of the same tasks in PATH is passed over; NULL: there is none, though RESUMED is asked for.
 */
static void
say_new(const char *path, bool resumed)
{
	if (!path && resumed)
		log_info("--resume: no earlier run has just these tasks: all of them run; "
			 "--run-dir DIR names one to go on with");
	if (!path)
		return;
	enum lock_state state = lock_look(path);
	if (state == LOCK_ALIVE || state == LOCK_JOB_RUNS)
		log_info("%s holds a run of the same tasks that is still running", path);
	else if (!rundir_is_whole(path))
		log_info("%s holds a run of the same tasks that is not whole: --resume runs the "
			 "rest of it",
			path);
}

/* The path, a new string, of an earlier run that is resumed, or of a new one, which HOW says. */
static char *
find(const struct plan *plan, const struct plan_start *start, enum rundir_how *how, struct err *err)
{
	const struct options *options = plan->options;
	struct unnamed unnamed = {.job = start->job, .what = plan->what};
	if (options->resume && !unnamed.what) {
		err_set(err,
			"--resume: nothing tells which run it was that had its tasks from a pipe "
			"or standard input: expected --run-dir DIR");
		return NULL;
	}
	char *earlier = NULL;
	bool looks = unnamed.what && !options->restart;
	*how = options->resume ? RUNDIR_RESUME : RUNDIR_NEW;
	if (looks && unnamed_find(&unnamed, &earlier, err) < 0 && options->resume) {
		err_wrap(err, "--resume: an earlier run of this job");
		return NULL;
	}
	if (!earlier || !options->resume) {
		say_new(earlier, options->resume);
		free(earlier);
		earlier = unnamed_make(&unnamed, options->resume, err);
	}
	if (earlier)
		log_info("run directory: %s", earlier);
	return earlier;
}

/* --- opening it --- */

int
keep_open(struct plan *plan, const struct plan_start *start, struct err *err)
{
	const struct options *options = plan->options;
	char *path = keep_named(options);
	if (!plan->keeps && (options->output == OUTPUT_STORE || options->resume))
		return err_set(err, "%s needs a run directory: expected --run-dir DIR",
			options->resume ? "--resume" : "--output store");
	if (!plan->keeps)
		return 0;
	enum rundir_how how = options->restart	? RUNDIR_RESTART
			      : options->resume ? RUNDIR_RESUME
						: RUNDIR_NEW;
	bool named = path;
	if (!named)
		path = find(plan, start, &how, err);
	if (!path)
		return -1;
	plan->lock = rundir_open(
		&(struct rundir_options){
			.path = path, .named = options->run_dir, .how = how, .say = say},
		err);
	plan->run_dir = plan->lock ? realpath(path, NULL) : NULL;
	if (!plan->lock && how == RUNDIR_RESUME && !named)
		err_wrap(err, "--resume of the same tasks");
	if (plan->lock && !plan->run_dir)
		err_set_errno(err, "%s: its absolute path, which other ranks need, cannot be found",
			path);
	free(path);
	return plan->run_dir ? 0 : -1;
}

/* --- at the end --- */

void
keep_nothing(const struct plan *plan)
{
	if (!plan->run_dir || plan->session > 1 || !lock_is_ours(plan->lock))
		return;
	char *status = xasprintf("%s/status.json", plan->run_dir);
	unlink(status);
	unlink(plan->journal_path);
	free(status);
}

char *
keep_hint(const struct plan *plan, int code)
{
	const char *path = plan->run_dir;
	size_t len = strlen(plan->directory);
	bool remains = code == EXIT_FAILED || code == EXIT_STOPPED || code == EXIT_RUN_FAILED;
	if (!remains || (!path && plan->options->no_run_dir))
		return NULL;
	if (!path)
		return xstrdup("no run directory was kept: with --run-dir DIR, mpbatch resume DIR "
			       "would run what has not succeeded");
	if (strncmp(path, plan->directory, len) == 0 && path[len] == '/')
		path += len + 1;
	struct buf hint = {0};
	journals_resume_command(&hint, path);
	buf_printf(&hint, " runs what has not succeeded%s%c",
		plan->what ? "" : "; it wants its input again", 0);
	return hint.data;
}
