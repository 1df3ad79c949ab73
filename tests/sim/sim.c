/*
 * Thousands of random runs of the real master and workers over the in-memory transport, with
 * simulated slots and a virtual clock: each task runs exactly once, whatever the sizes; its output
 * appears whole; no slot idles while a task waits; and a run always comes to its end. A run that
 * fails prints its seed:
 * `sim SEED 1` repeats it.
 */
#include "sim_runner.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "comm/inmem.h"
#include "comm/message.h"
#include "comm/transport.h"
#include "master/master.h"
#include "master/options.h"
#include "master/order.h"
#include "master/receive.h"
#include "tasks/source.h"
#include "tasks/task.h"
#include "ui/observer.h"
#include "worker/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENDPOINTS_MAX = 40, TURNS_MAX = 2000000 };
#define STUCK_NS (200 * CLOCK_NS_PER_MS)

struct counts {
	struct observer observer;
	int *ended; /* by index */
	int *ok;
	uint64_t total;
	uint64_t barrier; /* the first task behind it */
	bool crossed;	  /* one behind it ended before all before it had */
	int held;	  /* tasks handed out and not recorded */
	int most_held;
};

struct sim {
	uint64_t seed;
	struct sim_options options;
	int tasks;
	int endpoints;
	int slots[ENDPOINTS_MAX];
	int64_t now_ns;
	struct transport *transports[ENDPOINTS_MAX];
	struct runner *runners[ENDPOINTS_MAX];
	struct worker *workers[ENDPOINTS_MAX];
	struct hello hellos[ENDPOINTS_MAX];
	struct inmem *hub;
	int killed; /* endpoint that dies in mid-run, 0: none */
	int64_t kill_ns;
	int late; /* endpoint that joins later than others, 0: none */
	int64_t join_ns;
	int to_stop; /* endpoints from this one down are told to stop one by one, 0: none */
	bool stopped;
	int64_t stop_ns;
	int64_t interrupt_ns; /* CLOCK_NEVER: not */
	bool interrupted;
	struct master *master;
	struct source *source;
	int list_fd; /* open to the end: its name there must stay the list's */
	int out_fd;
	uint64_t limit;	 /* of tasks at a time, 0: none */
	bool ordered;	 /* outputs in the order of the tasks */
	bool full_disk;	 /* a task that runs and prints much holds up the records of others */
	bool calm;	 /* no time passes while messages are on their way */
	int64_t idle_ns; /* since when slots idle while tasks wait, CLOCK_NEVER: they do not */
	int *runs, *lost;
	struct counts counts;
};

static void
fail(const struct sim *sim, const char *what, uint64_t which)
{
	printf("seed %llu: %s (%llu): %d tasks, %d endpoints\n", (unsigned long long)sim->seed,
		what, (unsigned long long)which, sim->tasks, sim->endpoints);
	exit(1);
}

static void
count_end(struct observer *observer, const struct observed_end *end)
{
	struct counts *counts = (struct counts *)observer;
	counts->ended[end->task->index]++;
	counts->ok[end->task->index] += end->result->reason == RESULT_OK;
	if (end->task->index >= counts->barrier && counts->total < counts->barrier - 1)
		counts->crossed = true;
	counts->total++;
}

static void
note_turn(struct observer *observer, const struct observed_run *run, int64_t now_ns)
{
	(void)now_ns;
	struct counts *counts = (struct counts *)observer;
	counts->held = run->held;
	if (run->held > counts->most_held)
		counts->most_held = run->held;
}

/* --- building a run --- */

static int
pick(const struct sim *sim, uint64_t what, int most)
{
	return (int)(sim_random(sim->seed, 1000, what) * (most + 1));
}

static struct source *
make_source(struct sim *sim)
{
	char path[64];
	struct err err;
	sim->list_fd = memfd_create("list", 0);
	for (int i = 1; i <= sim->tasks; i++)
		dprintf(sim->list_fd, "%stask %d\n",
			(uint64_t)i == sim->counts.barrier ? "#MPBATCH barrier\n" : "", i);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sim->list_fd);
	struct source *source = source_open(&(struct source_options){.list = path}, &err);
	if (!source) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return source;
}

static void
add_endpoint(struct sim *sim, int i)
{
	struct hello *hello = &sim->hellos[i];
	*hello = (struct hello){.host = "sim",
		.rank = i,
		.offer = need_default,
		.nslots = (uint32_t)sim->slots[i],
		.slots = xcalloc((unsigned long)sim->slots[i], sizeof(struct hello_slot))};
	sim->runners[i] =
		sim_runner_new(sim->slots[i], &sim->options, &sim->now_ns, sim->runs, sim->lost);
	sim->workers[i] = worker_new(&(struct worker_options){.transport = sim->transports[i],
		.session = 7,
		.id = 100 + (uint32_t)i,
		.runner = sim->runners[i],
		.hello = hello});
}

static void
choose(struct sim *sim, uint64_t seed)
{
	static const int64_t means[] = {1000, 300000, 2000000, 100000000, 3000000000, 60000000000};
	*sim = (struct sim){.seed = seed,
		.interrupt_ns = CLOCK_NEVER,
		.kill_ns = CLOCK_NEVER,
		.idle_ns = CLOCK_NEVER};
	sim->endpoints = 1 + pick(sim, 1, pick(sim, 2, ENDPOINTS_MAX - 1));
	sim->tasks = pick(sim, 3, pick(sim, 4, 2) ? 60 : 3000);
	sim->options = (struct sim_options){.seed = seed, .mean_ns = means[pick(sim, 5, 5)]};
	if (pick(sim, 6, 3) == 0)
		sim->options.large_rate = 0.1;
	if (pick(sim, 7, 3) == 0)
		sim->options.death_rate = 0.005;
	if (pick(sim, 16, 5) == 0)
		sim->options.close_rate = 0.5;
	if (pick(sim, 82, 5) == 0)
		sim->options.idle_death_rate = 0.01;
	if (pick(sim, 83, 5) == 0)
		sim->options.no_room_rate = 0.1;
	sim->options.unsafe = pick(sim, 17, 9) == 0;
	int64_t span = sim->options.mean_ns * (sim->tasks + 1) / sim->endpoints;
	if (pick(sim, 8, 4) == 0)
		sim->interrupt_ns = pick(sim, 9, 1000) * (span / 1000 + 1);
	if (pick(sim, 10, 4) == 0 && sim->endpoints > 1) {
		sim->killed = sim->endpoints - 1;
		sim->kill_ns = pick(sim, 11, 1000) * (span / 1000 + 1);
	}
	if (pick(sim, 13, 1) == 0 && sim->endpoints > 2) {
		sim->late = 1 + pick(sim, 14, sim->endpoints - 3);
		sim->join_ns = pick(sim, 15, 1000) * (span / 1000 + 1);
	}
	sim->stop_ns = CLOCK_NEVER;
	if (pick(sim, 84, 9) == 0 && sim->endpoints > 1) {
		sim->to_stop = 1 + pick(sim, 85, sim->endpoints - 2);
		sim->stop_ns = pick(sim, 86, 1000) * (span / 1000 + 1);
	}
	for (int i = 0; i < sim->endpoints; i++)
		sim->slots[i] = i || sim->endpoints == 1 ? 1 + pick(sim, 20 + (uint64_t)i, 7)
							 : pick(sim, 12, 1);
	if (sim->killed && sim->endpoints == 2)
		sim->slots[0] = 1; /* somebody must be left */
}

static void
open_run(struct sim *sim)
{
	static const struct observer_ops ops = {.ended = count_end, .turn = note_turn};
	sim->limit = pick(sim, 80, 3) ? 0 : 1 + (uint64_t)pick(sim, 81, 20);
	if ((sim->limit || sim->to_stop) && sim->tasks > 100)
		sim->tasks = 100; /* a long list in single file takes too many turns */
	unsigned long room = (unsigned long)sim->tasks + 1;
	sim->runs = xcalloc(room, sizeof(int));
	sim->lost = xcalloc(room, sizeof(int));
	sim->counts = (struct counts){.observer = {.ops = &ops},
		.ended = xcalloc(room, sizeof(int)),
		.ok = xcalloc(room, sizeof(int)),
		.barrier = 1 + (uint64_t)pick(sim, 77, sim->tasks)};
	sim->ordered = pick(sim, 78, 2) == 0;
	sim->full_disk = pick(sim, 80, 4) == 0;
	sim->calm = pick(sim, 79, 1);
	sim->now_ns = clock_now_ns();
	if (sim->interrupt_ns != CLOCK_NEVER)
		sim->interrupt_ns += sim->now_ns;
	if (sim->kill_ns != CLOCK_NEVER)
		sim->kill_ns += sim->now_ns;
	if (sim->stop_ns != CLOCK_NEVER)
		sim->stop_ns += sim->now_ns;
	sim->join_ns += sim->now_ns;
	sim->hub = inmem_new(sim->endpoints);
	for (int i = 0; i < sim->endpoints; i++)
		sim->transports[i] = inmem_endpoint(sim->hub, i);
	sim->source = make_source(sim);
	sim->out_fd = memfd_create("out", 0);
	sim->master = master_new(&(struct master_options){.transport = sim->transports[0],
		.session = 7,
		.workers = sim->endpoints,
		.source = sim->source,
		.limit = sim->limit,
		.observer = &sim->counts.observer,
		.fds = {sim->out_fd, sim->out_fd},
		.tmpdir = sim->full_disk ? "/no/such/disk" : "/tmp",
		.order = sim->ordered ? order_new("/tmp", NULL) : NULL,
		.grace_ms = 100});
	for (int i = 0; i < sim->endpoints; i++)
		if (!i || i != sim->late)
			add_endpoint(sim, i);
}

/* --- running it --- */

/* Returns true if it received anything. */
static bool
receive(struct sim *sim, int i)
{
	bool any = false;
	for (;;) {
		int peer;
		const void *data;
		size_t len;
		enum transport_received got =
			transport_receive(sim->transports[i], &peer, &data, &len);
		if (got == TRANSPORT_NOTHING)
			return any;
		any = true;
		if (got == TRANSPORT_LOST) {
			if (i == 0)
				master_lost(sim->master, peer);
			continue;
		}
		struct message_head head;
		struct unpack in;
		struct err err;
		if (message_parse(data, len, &head, &in, &err) < 0)
			fail(sim, err.text, 0);
		if (message_to_master(head.type))
			master_message(sim->master, peer, &head, &in, sim->now_ns);
		else
			worker_message(sim->workers[i], &head, &in, sim->now_ns);
	}
}

static bool
turn(struct sim *sim, int i)
{
	if (!sim->workers[i])
		return false;
	sim_runner_step(sim->runners[i]);
	bool any = receive(sim, i);
	if (i == 0)
		master_turn(sim->master, sim->now_ns);
	worker_turn(sim->workers[i], sim->now_ns);
	return any;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Time is about to pass. A task staged behind one that turns out to be long is stuck for 200 ms. */
static void
check_idle(struct sim *sim)
{
	int busy = 0, idle = 0;
	for (int i = 0; i < sim->endpoints; i++)
		if (sim->workers[i])
			sim_runner_count(sim->runners[i], &busy, &idle);
	bool excused = sim->interrupted || sim->stopped || sim->full_disk;
	if (!idle || sim->counts.held <= busy || excused)
		sim->idle_ns = CLOCK_NEVER;
	else if (sim->calm)
		fail(sim, "slots idle while tasks wait; slots", (uint64_t)idle);
}

static void
advance(struct sim *sim)
{
	int64_t next = master_deadline_ns(sim->master);
	next = earlier(next, sim->interrupt_ns);
	next = earlier(next, sim->kill_ns);
	next = earlier(next, sim->stop_ns);
	if (sim->late)
		next = earlier(next, sim->join_ns);
	for (int i = 0; i < sim->endpoints; i++) {
		if (!sim->workers[i])
			continue;
		next = earlier(next, sim_runner_next(sim->runners[i]));
		next = earlier(next, worker_deadline_ns(sim->workers[i]));
	}
	if (next == CLOCK_NEVER)
		return;
	if (next > sim->now_ns) {
		check_idle(sim);
		sim->now_ns = next;
	}
}

static void
kill_endpoint(struct sim *sim)
{
	int i = sim->killed;
	sim->kill_ns = CLOCK_NEVER;
	if (worker_finished(sim->workers[i]))
		return;
	worker_free(sim->workers[i]);
	sim->workers[i] = NULL;
	inmem_kill(sim->hub, i);
}

/* The next one down is stopped ten milliseconds later. */
static void
stop_endpoint(struct sim *sim)
{
	int i = sim->to_stop--;
	sim->stop_ns = sim->to_stop ? sim->now_ns + 10 * CLOCK_NS_PER_MS : CLOCK_NEVER;
	if (!sim->workers[i] || worker_finished(sim->workers[i]))
		return;
	sim->stopped = true;
	worker_stop(sim->workers[i], RESULT_CANCELLED, 100);
}

static bool
all_finished(const struct sim *sim)
{
	bool finished = master_finished(sim->master);
	for (int i = 0; i < sim->endpoints; i++)
		finished = finished && (!sim->workers[i] || worker_finished(sim->workers[i]));
	return finished;
}

static void
play(struct sim *sim)
{
	int quiet = 0; /* rounds without a message: what was sent in one comes in the next */
	for (int turns = 0; !all_finished(sim); turns++) {
		if (turns > TURNS_MAX)
			fail(sim, "the run does not end; tasks ended", sim->counts.total);
		if (sim->now_ns >= sim->interrupt_ns) {
			sim->interrupt_ns = CLOCK_NEVER;
			sim->interrupted = true;
			master_interrupt(sim->master, sim->now_ns);
		}
		if (sim->late && sim->now_ns >= sim->join_ns) {
			add_endpoint(sim, sim->late);
			sim->late = 0;
		}
		if (sim->now_ns >= sim->kill_ns)
			kill_endpoint(sim);
		if (sim->now_ns >= sim->stop_ns)
			stop_endpoint(sim);
		bool any = false;
		int first = pick(sim, 5000 + (uint64_t)turns, sim->endpoints - 1);
		for (int k = 0; k < sim->endpoints; k++)
			any |= turn(sim, (first + k) % sim->endpoints);
		quiet = any ? 0 : quiet + 1;
		if (quiet > (sim->calm ? 2 : 0)) {
			advance(sim);
			quiet = 0;
		}
	}
}

/* --- judging it --- */

static char *
read_back(int fd, size_t *len)
{
	*len = (size_t)lseek(fd, 0, SEEK_END);
	char *text = xmalloc(*len + 1);
	if (pread(fd, text, *len, 0) != (ssize_t)*len)
		exit(1);
	text[*len] = '\0';
	return text;
}

/* Walks over the output: whole outputs of tasks, one after the other, each once. */
static void
check_output(const struct sim *sim)
{
	size_t len, at = 0;
	unsigned long long last = 0;
	char *text = read_back(sim->out_fd, &len);
	int *seen = xcalloc((unsigned long)sim->tasks + 1, sizeof(int));
	bool disturbed =
		sim->options.death_rate > 0 || sim->options.idle_death_rate > 0 || sim->killed;
	while (at < len && !disturbed) {
		unsigned long long index = 0;
		unsigned long expected_len;
		if (sscanf(text + at, "task %llu", &index) != 1 || seen[index]++)
			fail(sim, "an output twice, or mixed, at byte", at);
		if (sim->ordered && index <= last)
			fail(sim, "an output is out of order: task", index);
		last = index;
		char *expected = sim_output(&sim->options, index, &expected_len);
		if (len - at < expected_len || memcmp(text + at, expected, expected_len) != 0)
			fail(sim, "an output is not whole: task", index);
		free(expected);
		at += expected_len;
	}
	for (int i = 1; i <= sim->tasks && !disturbed; i++)
		if (seen[i] != sim->counts.ended[i])
			fail(sim, "an output is missing: task", (uint64_t)i);
	free(seen);
	free(text);
}

static void
check(const struct sim *sim, bool interrupted)
{
	for (int i = 1; i <= sim->tasks; i++) {
		if (sim->runs[i] > 1)
			fail(sim, "run more than once: task", (uint64_t)i);
		if (sim->counts.ended[i] > 1)
			fail(sim, "ended more than once: task", (uint64_t)i);
		if (!interrupted && sim->counts.ended[i] != 1)
			fail(sim, "never ended: task", (uint64_t)i);
		if (sim->counts.ok[i] && !sim->runs[i])
			fail(sim, "succeeded without having run: task", (uint64_t)i);
		if (sim->runs[i] && !sim->counts.ended[i])
			fail(sim, "ran and is not accounted for: task", (uint64_t)i);
		bool disturbed = sim->lost[i] || sim->killed || sim->stopped || interrupted;
		if (!disturbed && !sim->counts.ok[i])
			fail(sim, "not succeeded: task", (uint64_t)i);
	}
	if (sim->counts.crossed)
		fail(sim, "the barrier was crossed: task", sim->counts.barrier);
	if (sim->limit && (uint64_t)sim->counts.most_held > sim->limit)
		fail(sim, "more tasks at a time than the limit", (uint64_t)sim->counts.most_held);
	check_output(sim);
}

static void
close_run(struct sim *sim)
{
	for (int i = 0; i < sim->endpoints; i++) {
		worker_free(sim->workers[i]);
		hello_clear(&sim->hellos[i]);
	}
	master_free(sim->master);
	for (int i = 0; i < sim->endpoints; i++)
		transport_close(sim->transports[i], TRANSPORT_DRAIN);
	source_free(sim->source);
	close(sim->list_fd);
	close(sim->out_fd);
	free(sim->runs);
	free(sim->lost);
	free(sim->counts.ended);
	free(sim->counts.ok);
}

/* Whether a slot was there for every task, and has all it stored. */
static bool
is_failed(const struct sim *sim)
{
	bool failed = master_exit_code(sim->master) == 4;
	int busy = 0, idle = 0; /* slots that are not closed */
	for (int i = 0; i < sim->endpoints; i++)
		if (sim->workers[i])
			sim_runner_count(sim->runners[i], &busy, &idle);
	if (sim->options.unsafe && !sim->killed && sim->options.close_rate == 0 && !failed)
		fail(sim, "no failure though outputs may be lost", 0);
	if (failed && !sim->options.unsafe && !sim->stopped && busy + idle)
		fail(sim, "a failure though all is safe", 0);
	return failed;
}

static void
run_one(uint64_t seed)
{
	struct sim sim;
	choose(&sim, seed);
	bool interrupted = sim.interrupt_ns != CLOCK_NEVER;
	open_run(&sim);
	play(&sim);
	bool failed = is_failed(&sim);
	check(&sim, interrupted || sim.killed || (failed && !sim.options.unsafe) ||
			    (failed && (sim.options.close_rate > 0 || sim.stopped)));
	close_run(&sim);
}

static uint64_t seed_at_hand; /* 0: none */

static void
say_seed(void)
{
	if (seed_at_hand)
		printf("ended at seed %llu\n", (unsigned long long)seed_at_hand);
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)clock_unix_us();
	int runs = argc > 2 ? atoi(argv[2]) : 1000;
	int64_t end = clock_now_ns() + 60 * CLOCK_NS_PER_S; /* enough on a slow machine */
	int done = 0;
	log_init(-1, true);
	printf("seeds from %llu\n", (unsigned long long)seed);
	fflush(stdout);
	if (runs > 1 && !freopen("/dev/null", "w", stderr)) /* much goes wrong there */
		return 1;
	atexit(say_seed);
	while (done < runs && (clock_now_ns() < end || done < 100)) {
		seed_at_hand = seed + (uint64_t)done++;
		run_one(seed_at_hand);
	}
	seed_at_hand = 0;
	printf("%d runs\n", done);
	return 0;
}
