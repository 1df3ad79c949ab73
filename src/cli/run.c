/* The loop of a rank. */
#include "cli/run.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pack.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "cli/signals.h"
#include "cli/start.h"
#include "comm/transport.h"
#include "exec/pool.h"
#include "exec/runner.h"
#include "master/master.h"
#include "master/options.h"
#include "master/receive.h"
#include "master/snapshot.h"
#include "run/journal.h"
#include "worker/worker.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* mpirun kills its ranks a second after its own TERM (Open MPI 4.1; PRRTE 0.25 s): tasks get this
 * long, and then what has not ended is recorded. */
enum { GRACE_MS = 5000, SHORT_GRACE_MS = 150, SETTLE_MS = 250, SHOW_POLL_MS = 1 };

/* How soon messages that standard error did not take are tried again. */
#define KEPT_NS (100 * CLOCK_NS_PER_MS)

/* The descriptors of ours that are in the loop now. */
struct watched {
	int list_fd;
	int output_fds[2];
};

struct run {
	const struct run_options *options;
	struct transport *transport;
	struct loop *loop;
	struct worker *worker;
	struct master *master; /* NULL on other ranks than 0 */
	struct watched watched;
};

/* --- events --- */

static void
nothing(void *arg, int fd, short revents)
{
	(void)arg;
	(void)fd;
	(void)revents; /* the turn that follows looks for itself */
}

static void
journal_ready(void *arg, int fd, short revents)
{
	(void)fd;
	(void)revents;
	journal_woken(arg);
}

static void
signal_ready(void *arg, int fd, short revents)
{
	(void)revents;
	struct run *run = arg;
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2)
			continue;
		bool hurry = run->options->launcher->ends_in_a_second;
		if (run->master) {
			master_interrupt(run->master, clock_now_ns());
			log_warning("%s: nothing new is started, running tasks are ended",
				info.ssi_signo == SIGINT ? "interrupted" : "told to stop");
		}
		if (!run->master || hurry)
			worker_stop(
				run->worker, RESULT_CANCELLED, hurry ? SHORT_GRACE_MS : GRACE_MS);
	}
}

/* --- the turn --- */

static void
watch(struct run *run, int *watched, int wanted, short events)
{
	if (*watched == wanted)
		return;
	if (*watched >= 0)
		loop_remove(run->loop, *watched);
	if (wanted >= 0)
		loop_add(run->loop, wanted, events, nothing, run);
	*watched = wanted;
}

static void
receive_all(struct run *run, int64_t now_ns)
{
	for (;;) {
		int peer;
		const void *data;
		size_t len;
		enum transport_received got = transport_receive(run->transport, &peer, &data, &len);
		if (got == TRANSPORT_NOTHING)
			return;
		if (got == TRANSPORT_LOST) {
			if (run->master)
				master_lost(run->master, peer);
			else if (peer == 0)
				worker_lost_master(run->worker, now_ns);
			continue;
		}
		struct message_head head;
		struct unpack in;
		struct err err;
		if (message_parse(data, len, &head, &in, &err) < 0)
			die(4, "from rank %d: %s", peer, err.text);
		if (run->master && message_to_master(head.type))
			master_message(run->master, peer, &head, &in, now_ns);
		else
			worker_message(run->worker, &head, &in, now_ns);
	}
}

/* State machines send to themselves too (local mode): until nothing more comes of it. */
static void
settle(struct run *run)
{
	int64_t now;
	do {
		now = clock_now_ns();
		receive_all(run, now);
		if (run->master)
			master_turn(run->master, now);
		worker_turn(run->worker, now);
	} while (transport_sleep_ns(run->transport, 1) == 0 && run->transport->size == 1 &&
		 !worker_finished(run->worker));
}

static int64_t
sleep_ns(const struct run *run)
{
	int64_t now = clock_now_ns();
	int64_t cap = worker_poll_cap_ns(run->worker, now);
	int64_t deadline = worker_deadline_ns(run->worker);
	if (run->master) {
		int64_t master_cap = master_poll_cap_ns(run->master, now);
		int64_t master_deadline = master_deadline_ns(run->master);
		cap = master_cap < cap ? master_cap : cap;
		deadline = master_deadline < deadline ? master_deadline : deadline;
	}
	int64_t sleep = transport_sleep_ns(run->transport, cap);
	if (!log_flush() && deadline > now + KEPT_NS)
		deadline = now + KEPT_NS;
	int64_t left = deadline == CLOCK_NEVER ? deadline : deadline > now ? deadline - now : 0;
	return sleep < left ? sleep : left;
}

static bool
is_over(const struct run *run)
{
	return worker_finished(run->worker) && (!run->master || master_finished(run->master));
}

static void
loop_until_over(struct run *run)
{
	for (;;) {
		settle(run);
		if (is_over(run))
			return;
		if (run->master) {
			watch(run, &run->watched.list_fd, master_list_fd(run->master), POLLIN);
			for (int i = 0; i < 2; i++)
				watch(run, &run->watched.output_fds[i],
					master_output_fd(run->master, i), POLLOUT);
		}
		loop_turn(run->loop, sleep_ns(run));
	}
}

static struct master *
open_master(const struct run_options *options)
{
	bool hurry = options->launcher->ends_in_a_second;
	struct plan *plan = options->plan;
	const char *deadline = getenv("SLURM_JOB_END_TIME");
	struct order *order = plan->order;
	plan->order = NULL;
	return master_new(&(struct master_options){.transport = options->transport,
		.session = options->config->session,
		.workers = options->transport->size,
		.session_number = plan->session,
		.source = plan->source,
		.limit = source_limit(plan->source),
		.journal = plan->journal,
		.directory = plan->directory,
		.joblog = plan->joblog,
		.ledger = plan->run_dir ? &plan->ledger : NULL,
		.resume = plan->resume,
		.leave_failed = plan->options->resume == RESUME_ONLY_NEW,
		.leave_new = plan->options->resume == RESUME_ONLY_FAILED,
		.observer = options->observer,
		.fds = {plan->output_fd, STDERR_FILENO},
		.by_line = plan->options->output == OUTPUT_LINE,
		.tmpdir = plan->options->tmpdir,
		.order = order,
		.start_us = plan->start_us,
		.deadline_us = deadline ? atoll(deadline) * 1000000 : 0,
		.search_paths = start_search_paths(),
		.grace_ms = hurry ? SHORT_GRACE_MS : GRACE_MS,
		.settle_ms = hurry ? SETTLE_MS : 0});
}

int
run_to_end(const struct run_options *options)
{
	struct run run = {.options = options,
		.transport = options->transport,
		.loop = loop_new(),
		.watched = {-1, {-1, -1}}};
	struct hello *hello = &options->slots->hello;
	struct runner *pool =
		pool_new(run.loop, options->keeper, options->slots->setups, (int)hello->nslots);
	if (options->transport->self == 0)
		run.master = open_master(options);
	run.worker = worker_new(&(struct worker_options){.transport = options->transport,
		.session = options->config->session,
		.id = (uint32_t)getpid() * 2654435761u + (uint32_t)options->transport->self,
		.runner = pool,
		.hello = hello});
	signals_to_loop();
	log_unblock();
	loop_add(run.loop, options->signal_fd, POLLIN, signal_ready, &run);
	struct journal *journal = run.master ? options->plan->journal : NULL;
	if (journal)
		loop_add(run.loop, journal_fd(journal), POLLIN, journal_ready, journal);
	loop_until_over(&run);
	int code = run.master ? master_exit_code(run.master) : 0;
	signals_finish(run.master ? code : 0);
	log_block();
	*options->alone = worker_is_alone(run.worker) || (run.master && master_is_left(run.master));
	if (run.master)
		master_status(run.master, options->status);
	worker_free(run.worker);
	master_free(run.master);
	loop_free(run.loop);
	return code;
}

/* --- --show-binding --- */

static void
print_hello(const struct hello *hello)
{
	for (uint32_t i = 0; i < hello->nslots; i++) {
		const struct hello_slot *slot = &hello->slots[i];
		char cores[CPUS_TEXT_MAX], numa[16] = "-";
		cpus_format(&slot->cpus, cores, sizeof(cores));
		if (slot->numa >= 0)
			snprintf(numa, sizeof(numa), "%d", (int)slot->numa);
		printf("%s\t%d\t%u\t%s\t%s\n", hello->host, (int)hello->rank, slot->number,
			*cores ? cores : "-", numa);
	}
}

/* Rank 0's own, then the others' as their HELLOs come; all in order of rank. */
static void
collect_and_print(struct transport *transport, const struct hello *own)
{
	struct hello *hellos = xcalloc((unsigned long)transport->size, sizeof(*hellos));
	for (int missing = transport->size - 1; missing > 0;) {
		int peer;
		const void *data;
		size_t len;
		enum transport_received got = transport_receive(transport, &peer, &data, &len);
		struct unpack in = unpack_init(data, got == TRANSPORT_MESSAGE ? len : 0);
		if (got == TRANSPORT_NOTHING)
			loop_poll(NULL, 0, SHOW_POLL_MS * CLOCK_NS_PER_MS);
		else if (got == TRANSPORT_LOST || !hello_unpack(&in, &hellos[peer]))
			die(4, "rank %d does not say what its slots are", peer);
		else
			missing--;
	}
	printf("host\trank\tslot\tcores\tnuma\n");
	print_hello(own);
	bool said = master_report_host(own);
	for (int i = 1; i < transport->size; i++) {
		print_hello(&hellos[i]);
		said = said || master_report_host(&hellos[i]);
		hello_clear(&hellos[i]);
	}
	free(hellos);
}

void
run_show_binding(const struct run_options *options)
{
	struct transport *transport = options->transport;
	const struct hello *hello = &options->slots->hello;
	if (transport->self == 0) {
		collect_and_print(transport, hello);
		return;
	}
	struct buf buf = {0};
	hello_pack(&buf, hello);
	transport_send(transport, 0, buf.data, buf.len);
	buf_clear(&buf);
}
