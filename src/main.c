/* mpbatch: options, plan, keeper, transport, loop, verdict. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/start.h"
#include "comm/inmem.h"
#include "comm/mpi.h"
#include "comm/transport.h"
#include "exec/keeper.h"
#include "run/journal.h"
#include "ui/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

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

/* Signals are read in the loop. A hang-up that is ignored (nohup) stays so. */
static int
open_signals(void)
{
	struct sigaction hangup;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Usage errors are the same on every rank: one of them speaks. */
static int
refuse(const struct launcher *launcher, struct options *options, const struct err *err)
{
	if (launcher->rank == 0)
		log_error("%s", err->text);
	options_clear(options);
	return EXIT_USAGE;
}

static int
say(const struct launcher *launcher, struct options *options)
{
	if (launcher->rank == 0 && options->help)
		options_print_help();
	else if (launcher->rank == 0)
		printf("mpbatch %s, MPI: %s\n", VERSION, mpi_library());
	options_clear(options);
	return 0;
}

static struct transport *
open_transport(const struct launcher *launcher, struct err *err)
{
	if (!launcher->name || launcher->size == 1 || !mpi_built)
		return inmem_endpoint(inmem_new(1), 0);
	struct transport *transport = mpi_open(err);
	if (transport && start_check_launcher(launcher, transport->size, err) < 0) {
		transport_close(transport, TRANSPORT_DRAIN);
		return NULL;
	}
	return transport;
}

/* Rank 0's plan becomes everybody's configuration. */
static struct config
agree(struct transport *transport, struct plan *plan, const struct options *options,
	const struct launcher *launcher, const struct err *variable_error)
{
	struct err err = *variable_error;
	struct config config = {0};
	if (transport->self == 0) {
		bool refused = err.text[0] || start_plan(plan, options, &err) < 0;
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
	struct err err;
	const struct plan *plan = run_options.plan;
	struct observer *report = report_new(&(struct report_options){
		.quiet = options->quiet, .start_ns = start_ns, .journal = plan->journal_path});
	run_options.observer = report;
	int code = run_to_end(&run_options);
	if (plan->journal && journal_close(plan->journal, &err) < 0) {
		if (code != EXIT_RUN_FAILED)
			log_error("%s", err.text);
		code = EXIT_RUN_FAILED;
	}
	report_print(report, code, clock_now_ns());
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

int
main(int argc, char **argv)
{
	int64_t start_ns = clock_now_ns();
	struct launcher launcher = launcher_detect(environ);
	struct options options;
	struct err err, variable_error = {""};
	struct plan plan = {0};

	options_init(&options);
	if (launcher.rank == 0)
		options_from_environment(&options, &variable_error);
	if (options_from_arguments(&options, argc, argv, &err) < 0 ||
		start_check_launcher(&launcher, 0, &err) < 0)
		return refuse(&launcher, &options, &err);
	if (options.help || options.version)
		return say(&launcher, &options);
	log_init(launcher.name && launcher.rank > 0 ? launcher.rank : -1, options.quiet);
	int signal_fd = open_signals();
	int keeper_socket = keeper_start(&err);
	if (keeper_socket < 0)
		die(EXIT_RUN_FAILED, "%s", err.text);
	struct transport *transport = open_transport(&launcher, &err);
	if (!transport)
		return refuse(&launcher, &options, &err);
	transport_to_abort = transport;
	log_on_die(abort_job);
	struct config config = agree(transport, &plan, &options, &launcher, &variable_error);
	int code = config.refused && transport->self == 0 ? EXIT_USAGE : 0;
	struct run_options run_options = {.transport = transport,
		.keeper_socket = keeper_socket,
		.signal_fd = signal_fd,
		.config = &config,
		.launcher = &launcher,
		.plan = &plan};
	if (!config.refused)
		code = run(run_options, &options, start_ns);
	transport_to_abort = NULL;
	transport_close(transport, TRANSPORT_DRAIN);
	start_plan_clear(&plan);
	config_clear(&config);
	options_clear(&options);
	return code;
}
