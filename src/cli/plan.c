/* Opening what a run needs on rank 0. */
#include "cli/plan.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "cli/again.h"
#include "cli/earlier.h"
#include "cli/inputs.h"
#include "cli/keep.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "master/order.h"
#include "run/durable.h"
#include "run/joblog.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/manifest.h"
#include "run/record.h"
#include "run/resume.h"
#include "run/rundir.h"
#include "run/status.h"
#include "tasks/task.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
say(const char *text)
{
	log_info("%s", text);
}

/* --- the source --- */

/* In a batch job standard input is /dev/null, and a command would run for nothing. */
static int
check_implied_input(const struct options *options, struct err *err)
{
	struct stat input, null;
	bool none = fstat(STDIN_FILENO, &input) == 0 && stat("/dev/null", &null) == 0 &&
		    S_ISCHR(input.st_mode) && input.st_rdev == null.st_rdev;
	if (options->implied_input && none)
		return err_set(err,
			"the command has no values: expected ::: VALUE..., -a FILE, --sweep or "
			"--array; standard input, which has them where none is given, is "
			"/dev/null");
	if (options->implied_input && isatty(STDIN_FILENO))
		log_info("values are read from standard input, one a line, until Ctrl-D; "
			 "::: VALUE... behind the command gives them, too");
	return 0;
}

int
plan_open_source(struct plan *plan, const struct options *options, struct err *err)
{
	plan->options = options;
	if (check_implied_input(options, err) < 0)
		return -1;
	if (options->list && rundir_is(options->list))
		return err_set(err,
			"%.200s is a run directory: expected 'mpbatch resume %.200s', which goes "
			"on with it, or a task list",
			options->list, options->list);
	plan->source_options = (struct source_options){.list = options->list,
		.list_as_is = options->list_as_is,
		.words = options->words,
		.nwords = options->nwords,
		.argv = options->argv,
		.rows = {.inputs = options->inputs,
			.ninputs = options->ninputs,
			.format = options->format,
			.header = options->header,
			.where = options->where},
		.spool_dir = options->run_dir || options->resume ? options->tmpdir : NULL,
		.cwd = options->cwd,
		.input = options->input,
		.out = options->out,
		.err = options->err,
		.tag = options->tag,
		.env = options->env,
		.nenv = options->nenv,
		.timeout_ms = options->timeout_ms,
		.shell = options->shell,
		.files = options->files,
		.cpus = options->cpus_per_task,
		.tell = say};
	if (options->script_note)
		say(options->script_note);
	plan->source = source_open(&plan->source_options, err);
	return plan->source ? 0 : -1;
}

/* The next task, also of a pipe: nothing runs yet that would have to go on meanwhile. */
enum next
plan_next(struct source *source, struct task **task, struct err *err)
{
	enum next next;
	while ((next = source_next(source, task, err)) == NEXT_WAIT || next == NEXT_AGAIN) {
		struct pollfd fd = {.fd = source_fd(source), .events = POLLIN};
		if (next == NEXT_WAIT)
			loop_poll(&fd, 1, CLOCK_NEVER);
	}
	return next;
}

/* --- journals and outputs --- */

int
plan_check_output(const struct plan *plan, struct err *err)
{
	const char *path = plan->options->output_file;
	const char *gone = path ? durable_gone(plan->output_fd, path) : NULL;
	return gone ? err_set(err, "%s %s: what tasks print is not found there", path, gone) : 0;
}

/* Once a second or more often, by the journal's thread. */
static int
tick(void *arg, const struct buf *status, struct err *err)
{
	struct plan *plan = arg;
	struct err ignored; /* a snapshot that cannot be written harms nobody but watchers */
	if (status)
		status_write(plan->run_dir, status->data, status->len, &ignored);
	return plan_check_output(plan, err) < 0 ? -1 : lock_beat(plan->lock, err);
}

static int
open_journal(struct plan *plan, struct err *err)
{
	if (!plan->run_dir)
		return 0;
	struct buf path = {0}, header = {0};
	buf_printf(&path, "%s/journal.%d.tsv%c", plan->run_dir, plan->session, 0);
	record_header(&header);
	plan->journal_path = xstrdup(path.data);
	plan->journal =
		journal_open(&(struct journal_options){.path = plan->journal_path,
				     .text = header.data,
				     .len = header.len,
				     .loss = "--resume cannot find there what has been done",
				     .tick = tick,
				     .arg = plan},
			err);
	buf_clear(&path);
	buf_clear(&header);
	return plan->journal ? 0 : -1;
}

/* Only a resume continues it. It may be anything, /dev/stderr too. */
static int
open_joblog(struct plan *plan, struct err *err)
{
	const struct options *options = plan->options;
	struct stat status;
	if (!options->joblog)
		return 0;
	if (!options->resume && stat(options->joblog, &status) == 0 && S_ISREG(status.st_mode) &&
		truncate(options->joblog, 0) < 0)
		return err_set_errno(err, "option --joblog: %s", options->joblog);
	struct buf header = {0};
	joblog_header(&header);
	plan->joblog = journal_open(&(struct journal_options){.path = options->joblog,
					    .text = header.data,
					    .len = header.len,
					    .loss = "its lines are not found there",
					    .again = true},
		err);
	buf_clear(&header);
	return plan->joblog ? 0 : err_wrap(err, "option --joblog");
}

static int
open_output(struct plan *plan, struct err *err)
{
	const struct options *options = plan->options;
	plan->output_fd = STDOUT_FILENO;
	if (options->output_file) {
		int how = options->resume ? O_APPEND : O_TRUNC;
		plan->output_fd =
			open(options->output_file, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);
		if (plan->output_fd < 0)
			return err_set_errno(err, "option --output-file: %s", options->output_file);
	}
	if (options->keep_order)
		plan->order = order_new(options->tmpdir, err);
	return options->keep_order && !plan->order ? -1 : 0;
}

static int
check_tmpdir(const struct options *options, struct err *err)
{
	char *inside = xasprintf("%s/.", options->tmpdir); /* a file has none */
	int got = access(inside, W_OK | X_OK);
	free(inside);
	if (got == 0)
		return 0;
	bool ours = options_origin(options, "tmpdir") != FROM_DEFAULT;
	return err_set_errno(
		err, "%s: %s", ours ? "option --tmpdir" : "variable TMPDIR", options->tmpdir);
}

/* What would refuse the run is found before an earlier one is moved aside and files are emptied. A
 * directory that is missing may be the run directory, which is made later. */
static int
check_file(const char *option, const char *path, const struct options *options,
	struct inputs *inputs, struct err *err)
{
	struct stat status;
	if (!path)
		return 0;
	char *copy = xstrdup(path), *run_dir = keep_named(options);
	const char *dir = dirname(copy);
	errno = 0;
	if (stat(path, &status) == 0)
		errno = S_ISDIR(status.st_mode) ? EISDIR : access(path, W_OK) < 0 ? errno : 0;
	else if (access(dir, W_OK | X_OK) == 0 || (run_dir && strcmp(dir, run_dir) == 0))
		errno = 0;
	int error = errno;
	free(run_dir);
	free(copy);
	errno = error;
	if (error)
		return err_set_errno(err, "option %s: %s", option, path);
	char who[32];
	snprintf(who, sizeof(who), "option %s", option);
	if (inputs_check(inputs, who, path, err) < 0)
		return -1;
	inputs_add(inputs, path, option);
	return 0;
}

/* Only now is it known whether the list's directives set files. */
static int
choose_output(struct plan *plan, const struct inputs *inputs, struct err *err)
{
	const struct options *options = plan->options;
	bool files = source_has_files(plan->source);
	bool wanted = options->output == OUTPUT_FILES || options->remove_empty ||
		      options->keep_failed_only;
	bool others = (options->output_given && options->output != OUTPUT_FILES) ||
		      options->keep_order || options->tag || options->output_file;
	if (files && others)
		return err_set(err,
			"%.200s sets stdout= or stderr=: expected --output files, and no "
			"--keep-order, --tag, --tagstring or --output-file",
			options->list);
	if (wanted && !files && !options->out && !options->err && !options->files.out)
		return err_set(err,
			"--output files, --remove-empty and --keep-output: expected --stdout or "
			"--stderr, or stdout= or stderr= in the list");
	plan->output = files ? OUTPUT_FILES : options->output;
	return plan->output == OUTPUT_FILES ? paths_check(plan->source, inputs, err) : 0;
}

/* --- all of it --- */

static int
open_source(struct plan *plan, struct err *err)
{
	struct inputs inputs;
	inputs_init(&inputs, plan->options);
	int got = check_file(
		"--output-file", plan->options->output_file, plan->options, &inputs, err);
	if (got == 0)
		got = check_file("--joblog", plan->options->joblog, plan->options, &inputs, err);
	if (got == 0)
		got = plan_open_source(plan, plan->options, err);
	if (got == 0)
		got = choose_output(plan, &inputs, err);
	inputs_clear(&inputs);
	return got;
}

/* Stored outputs are one whole only if those of this session are stored, too. */
static void
keep_mode(struct plan *plan, const struct manifest_last *last)
{
	const struct options *options = plan->options;
	bool chosen = options->output_given || options->keep_order || options->tag ||
		      options->output_file || plan->output != OUTPUT_GROUP;
	if (chosen || !last->stored)
		return;
	plan->output = OUTPUT_STORE;
	log_info("outputs are stored, as in earlier sessions (--output group prints them)");
}

static int
add_session(const struct plan *plan, const struct plan_start *start,
	const struct manifest_last *last, struct err *err)
{
	size_t nvariables;
	char **variables = again_variables(&nvariables);
	struct manifest manifest = {.session = plan->session,
		.argc = start->line.argc,
		.argv = start->line.argv,
		.nmore = start->line.nmore,
		.more = start->line.more,
		.variables = variables,
		.nvariables = nvariables,
		.output = output_mode_names[plan->output],
		.list = plan->options->list,
		.tasks = source_count(plan->source),
		.moved = plan->moved,
		.ranks = start->ranks,
		/* whatever the options behind "mpbatch resume RUN" are */
		.what = start->line.resumed ? last->what : plan->what};
	int got = manifest_add(plan->run_dir, &manifest, err);
	free(variables);
	return got;
}

static int
open_all(struct plan *plan, const struct plan_start *start, struct err *err)
{
	const struct options *options = plan->options;
	struct manifest_last last = {0};
	if (check_tmpdir(options, err) < 0 || open_source(plan, err) < 0)
		return -1;
	if (keep_open(plan, start, err) < 0 || earlier_load(plan, err) < 0)
		return -1;
	if (plan->run_dir && options->resume)
		manifest_read(plan->run_dir, &last, NULL); /* there may be none yet */
	keep_mode(plan, &last);
	if (plan->run_dir && add_session(plan, start, &last, err) < 0)
		return -1;
	if (open_output(plan, err) < 0 || open_joblog(plan, err) < 0)
		return -1;
	return open_journal(plan, err);
}

/* How much there is to do, as far as that is known. */
static void
say_start(const struct plan *plan)
{
	struct buf text = {0};
	uint64_t tasks = source_count(plan->source);
	struct resume_counts counts = {0};
	if (plan->resume)
		counts = resume_counts(plan->resume);
	if (tasks)
		buf_printf(&text, "%llu task%s", (unsigned long long)tasks, tasks == 1 ? "" : "s");
	if (counts.sessions)
		buf_printf(&text, "%searlier sessions: %llu succeeded, %llu failed",
			tasks ? "; " : "", (unsigned long long)counts.succeeded,
			(unsigned long long)counts.failed);
	buf_append(&text, "", 1);
	if (text.len > 1)
		log_info("%s", text.data);
	buf_clear(&text);
}

int
plan_open(struct plan *plan, const struct options *options, const struct plan_start *start,
	struct err *err)
{
	*plan = (struct plan){.options = options,
		.directory = getcwd(NULL, 0),
		.keeps = keep_wanted(options, start),
		.what = keep_what(options),
		.start_us = clock_unix_us()};
	if (!plan->directory)
		err_set_errno(err, "the directory mpbatch was started in");
	else if (open_all(plan, start, err) == 0) {
		say_start(plan);
		return 0;
	}
	plan_clear(plan);
	return -1;
}

void
plan_clear(struct plan *plan)
{
	struct err ignored;
	if (plan->joblog)
		journal_close(plan->joblog, &ignored);
	if (plan->journal)
		journal_close(plan->journal, &ignored);
	if (plan->output_fd > STDERR_FILENO)
		close(plan->output_fd);
	order_free(plan->order);
	resume_free(plan->resume);
	bool ours = plan->lock && lock_is_ours(plan->lock);
	lock_release(plan->lock);
	if (ours && plan->run_dir)
		rundir_discard(plan->run_dir);
	source_free(plan->source);
	ledger_clear(&plan->ledger);
	free(plan->directory);
	free(plan->run_dir);
	free(plan->journal_path);
	*plan = (struct plan){0};
}
