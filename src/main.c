/* mpbatch: options, plan, keeper, transport, loop, verdict. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/streams.h"
#include "cli/actions.h"
#include "cli/again.h"
#include "cli/descriptors.h"
#include "cli/keep.h"
#include "cli/options.h"
#include "cli/output_command.h"
#include "cli/plan.h"
#include "cli/report_command.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "cli/start.h"
#include "cli/status.h"
#include "comm/inmem.h"
#include "comm/mpi.h"
#include "comm/transport.h"
#include "exec/keeper.h"
#include "exec/scheduler.h"
#include "run/lock.h"
#include "run/status.h"
#include "ui/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_USAGE = 2, EXIT_RUN_FAILED = 4 };

extern char **environ;

/* An MPI rank that cannot go on takes the job down: its peers would wait for it for ever. */
static struct transport *transport_to_abort;

static void
abort_job(int status)
{
	(void)status;
	if (transport_to_abort && transport_to_abort->size > 1)
		transport_close(transport_to_abort, TRANSPORT_ABORT);
}

/* MPICH's mpirun passes on the end of its standard input, and dies of it (SIGPIPE) where nobody is
 * there any more. Measured on two cores under load: one of three processes that ended at once. */
static void
stay(const struct launcher *launcher)
{
	if (launcher->needs_a_moment)
		nanosleep(&(struct timespec){.tv_nsec = 100 * CLOCK_NS_PER_MS}, NULL);
}

/* Usage errors are the same on every rank: one of them speaks, and has the exit code. The launcher
 * kills all at the first code that is not 0, and it could be another's, before that one has spoken.
 */
static int
refuse(const struct launcher *launcher, struct options *options, const struct err *err)
{
	options_clear(options);
	if (launcher->rank > 0)
		return 0;
	log_error("%s", err->text);
	stay(launcher);
	return EXIT_USAGE;
}

/* What needs neither slots nor MPI: rank 0 does it, the others leave. A wrong variable does not
 * keep anybody from reading the help that tells of it. */
static int
act(const struct launcher *launcher, struct options *options, struct err err)
{
	int code = 0;
	if (err.text[0] && options->action < ACTION_HELP)
		return refuse(launcher, options, &err);
	if (launcher->rank == 0 && options->action == ACTION_HELP)
		options_print_help();
	else if (launcher->rank == 0 && options->action == ACTION_VERSION)
		printf("mpbatch %s, MPI: %s\n", VERSION, mpi_library());
	else if (launcher->rank == 0)
		code = actions_do(options, &err);
	if (code < 0)
		return refuse(launcher, options, &err);
	if (launcher->rank == 0)
		stay(launcher);
	options_clear(options);
	return code;
}

/* "mpbatch status RUN" and its like; -1 if it is none. A list of that name is "./status". */
static int
subcommand(const struct launcher *launcher, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {{"status", status_main}, {"output", output_main}, {"report", report_main}};
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return launcher->rank == 0 ? commands[i].run(argc - 1, argv + 1) : 0;
	return -1;
}

static struct transport *
open_transport(const struct launcher *launcher, struct err *err)
{
	if (!launcher->name || launcher->size == 1 || !mpi_built)
		return inmem_endpoint(inmem_new(1), 0);
	struct transport *transport = mpi_open(err);
	if (!transport)
		die(EXIT_RUN_FAILED, "%s", err->text);
	if (start_check_launcher(launcher, transport->size, err) < 0) {
		transport_close(transport, TRANSPORT_DRAIN);
		return NULL;
	}
	return transport;
}

/* How mpbatch was called. */
struct invocation {
	struct plan_start start;
	struct again again; /* "mpbatch resume" */
	struct err error;   /* of rank 0's environment, or of the run it resumes; "": none */
};

/* Rank 0's plan becomes everybody's configuration. */
static struct config
agree(struct transport *transport, struct plan *plan, const struct options *options,
	const struct launcher *launcher, struct invocation *invocation)
{
	struct err err = invocation->error;
	struct config config = {0};
	if (transport->self == 0) {
		bool runs = options->action == ACTION_RUN;
		invocation->start.ranks = transport->size;
		bool refused = err.text[0] ||
			       (runs && plan_open(plan, options, &invocation->start, &err) < 0);
		if (refused)
			log_error("%s", err.text);
		config = start_config(options, plan, launcher, transport->size, refused);
	}
	if (transport->size == 1)
		return config;
	struct buf bytes = {0};
	if (transport->self == 0)
		config_pack(&bytes, &config);
	config_clear(&config);
	mpi_broadcast(transport, &bytes);
	struct unpack in = unpack_init(bytes.data, bytes.len);
	if (!config_unpack(&in, &config))
		die(EXIT_RUN_FAILED, "the configuration from rank 0 cannot be read");
	buf_clear(&bytes);
	return config;
}

/* Rank 0's run, with its report and the end of its journal. */
static int
run_master(struct run_options run_options, const struct options *options, int64_t start_ns)
{
	struct plan *plan = run_options.plan;
	struct status status = {0};
	start_check_threads(options->cpus_per_task);
	struct observer *report = report_new(&(struct report_options){.quiet = options->quiet,
		.keep_strays = options->keep_strays,
		.color = (enum color_when)options->colors,
		.bar = (enum progress_bar)options->bar,
		.interval_s = options->progress_interval_s,
		.start_ns = start_ns,
		.journal = plan->journal_path});
	run_options.observer = report;
	run_options.status = &status;
	int code = plan_finish(plan, run_to_end(&run_options), &status);
	/* A launcher's standard input is a pipe, of which only the end tells that it was empty. */
	if (code == 0 && !status.tasks && options->implied_input && run_options.launcher->name) {
		log_error("the command had no values: expected ::: VALUE..., -a FILE, --sweep or "
			  "--array; standard input, which has them where none is given, was empty");
		code = EXIT_USAGE;
		keep_nothing(plan);
	}
	char *hint = keep_hint(plan, code);
	char *why_none = status.tasks ? NULL : source_why_none(plan->source);
	report_print(report, &(struct report_end){.exit_code = code,
				     .hint = hint,
				     .tasks = status.tasks,
				     .done_before = status.done_before,
				     .now_ns = clock_now_ns(),
				     .why_none = why_none});
	free(why_none);
	free(hint);
	status_clear(&status);
	report_free(report);
	return code;
}

/* The run itself; returns the exit code. */
static int
run(struct run_options run_options, const struct options *options, int64_t start_ns)
{
	struct err err;
	struct slots slots;
	int code = 0;
	if (start_slots(&slots, run_options.config, run_options.launcher, run_options.transport,
		    &err) < 0)
		die(EXIT_RUN_FAILED, "%s", err.text);
	run_options.slots = &slots;
	if (run_options.config->only_show)
		run_show_binding(&run_options);
	else if (run_options.transport->self == 0)
		code = run_master(run_options, options, start_ns);
	else
		run_to_end(&run_options);
	start_slots_clear(&slots);
	return code;
}

/* An error that only rank 0 may see waits until all ranks are there. */
static int
take_options(struct invocation *invocation, const struct launcher *launcher, int argc, char **argv,
	struct options *options, struct err *err)
{
	struct command_line *line = &invocation->start.line;
	*line = (struct command_line){.argc = argc, .argv = argv};
	options_init(options);
	bool resumes = argc > 1 && strcmp(argv[1], "resume") == 0;
	if (resumes && again_take(&invocation->again, argc, argv, line, err) < 0) {
		if (!line->resumed)
			return -1;
		if (launcher->rank <= 0)
			invocation->error = *err;
	}
	if (launcher->rank == 0 && !invocation->error.text[0])
		options_from_environment(options, &invocation->error);
	int got = options_from_arguments(options, line, err);
	return got == 0 ? start_check_launcher(launcher, 0, err) : -1;
}

/* All but the subcommands that only read. */
static int
start(struct invocation *invocation, const struct launcher *launcher, int argc, char **argv)
{
	int64_t start_ns = clock_now_ns();
	struct options options;
	struct err err;
	struct plan plan = {0};

	lock_ask_scheduler = scheduler_job;
	if (take_options(invocation, launcher, argc, argv, &options, &err) < 0)
		return refuse(launcher, &options, &err);
	if (options.action > ACTION_SHOW_BINDING)
		return act(launcher, &options, invocation->error);
	log_init(launcher->name && launcher->rank > 0 ? launcher->rank : -1, options.quiet);
	if (launcher->rank == 0 && launcher->mixes_streams)
		streams_alternate();
	int signal_fd = signals_open();
	struct keeper_link keeper;
	if (keeper_start(&keeper, &err) < 0)
		die(EXIT_RUN_FAILED, "%s", err.text);
	signals_end_us(launcher->rank <= 0);
	descriptors_raise();
	if (descriptors_check(options.jobs, &err) < 0 && launcher->rank > 0)
		die(EXIT_RUN_FAILED, "%s", err.text); /* rank 0, which waits, does not see it */
	if (descriptors_check(options.jobs, &err) < 0)
		return refuse(launcher, &options, &err);
	struct transport *transport = open_transport(launcher, &err);
	if (!transport)
		return refuse(launcher, &options, &err);
	transport_to_abort = transport;
	log_on_die(abort_job);
	struct config config = agree(transport, &plan, &options, launcher, invocation);
	int code = config.refused && transport->self == 0 ? EXIT_USAGE : 0;
	struct run_options run_options = {.transport = transport,
		.keeper = &keeper,
		.signal_fd = signal_fd,
		.config = &config,
		.launcher = launcher,
		.plan = &plan};
	bool alone = false;
	run_options.alone = &alone;
	if (!config.refused)
		code = run(run_options, &options, start_ns);
	transport_to_abort = NULL;
	transport_close(transport, alone ? TRANSPORT_LEAVE : TRANSPORT_DRAIN);
	plan_clear(&plan);
	config_clear(&config);
	options_clear(&options);
	return code;
}

int
main(int argc, char **argv)
{
	struct launcher launcher = launcher_detect(environ);
	char job[LAUNCHER_JOB_MAX];
	struct invocation invocation = {
		.start = {.launched = launcher.name, .job = launcher_job(environ, job)}};
	int code = subcommand(&launcher, argc, argv);
	if (code < 0)
		code = start(&invocation, &launcher, argc, argv);
	again_clear(&invocation.again);
	return code;
}
