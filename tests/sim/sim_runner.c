/* The simulated runner. */
#include "sim_runner.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/log.h"
#include "tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OFFERED = 1000,
	STAGED_MAX = 256,
	FETCH_MAX = 256,
	CHUNK = 1000,
	RECALLS_MAX = 256,
	DRAWS_MAX = 300
};
#define STARTED_NS (200 * CLOCK_NS_PER_MS)
#define UP_NS (1 * CLOCK_NS_PER_MS)
#define PAUSE_NS (1000 * CLOCK_NS_PER_MS)

struct sim_task {
	uint64_t seq;
	uint64_t index;
	uint16_t attempt;
};

struct sim_fetch {
	uint64_t seq;
	uint64_t index;
	unsigned long len, sent, printed; /* so far: less than all while it runs */
	uint32_t credits;
};

struct sim_slot {
	bool up;
	bool paused;	 /* not up, because no process can be made */
	int turned_down; /* tasks for which none could */
	int idle_deaths;
	int64_t up_ns;
	struct sim_task staged[STAGED_MAX];
	int nstaged;
	bool running, announced, dying, cancelled;
	int64_t start_ns, end_ns;
	struct sim_fetch fetches[FETCH_MAX];
	int nfetches;
	uint64_t recalls[RECALLS_MAX];
	int nrecalls;
	uint64_t started;
};

struct sim_runner {
	struct runner runner;
	const struct sim_options *options;
	const int64_t *now_ns;
	int *runs, *lost;
	struct sim_slot *slots;
};

double
sim_random(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + a * UINT64_C(0xbf58476d1ce4e5b9) + b;
	for (int i = 0; i < 3; i++) {
		x ^= x >> 31;
		x *= UINT64_C(0x94d049bb133111eb);
		x ^= x >> 29;
	}
	return (double)(x >> 11) / 9007199254740992.0;
}

static int64_t
duration(const struct sim_options *options, uint64_t index)
{
	double spread = -log(1 - sim_random(options->seed, index, 1));
	double heavy = sim_random(options->seed, index, 2) < 0.02 ? 100 : 1;
	return (int64_t)((double)options->mean_ns * spread * heavy) + 1;
}

char *
sim_output(const struct sim_options *options, uint64_t index, unsigned long *len)
{
	bool large = sim_random(options->seed, index, 3) < options->large_rate;
	unsigned long lines = large ? 400 + index % 100 : 1;
	char *text = xmalloc(lines * 32);
	*len = 0;
	for (unsigned long i = 0; i < lines; i++)
		*len += (unsigned long)sprintf(
			text + *len, "task %llu line %lu\n", (unsigned long long)index, i);
	return text;
}

/* --- commands --- */

static struct sim_slot *
slot_of(struct runner *runner, int slot)
{
	return &((struct sim_runner *)runner)->slots[slot];
}

static void
sim_start(struct runner *runner, int i, uint64_t seq, const struct task *task)
{
	struct sim_slot *slot = slot_of(runner, i);
	if (slot->nstaged == STAGED_MAX)
		abort();
	slot->staged[slot->nstaged++] =
		(struct sim_task){.seq = seq, .index = task->index, .attempt = task->attempt};
}

static void
sim_recall(struct runner *runner, int i, uint64_t seq)
{
	struct sim_slot *slot = slot_of(runner, i);
	if (slot->nrecalls == RECALLS_MAX)
		abort();
	slot->recalls[slot->nrecalls++] = seq;
}

static void
sim_kill(struct runner *runner, int i, uint64_t seq, enum result_reason reason, uint32_t grace_ms)
{
	(void)reason;
	(void)grace_ms;
	struct sim_slot *slot = slot_of(runner, i);
	if (slot->running && slot->staged[0].seq == seq) {
		slot->cancelled = true;
		slot->end_ns = *((struct sim_runner *)runner)->now_ns;
	}
}

static void
sim_credit(struct runner *runner, int i, uint64_t seq, uint32_t chunks)
{
	struct sim_slot *slot = slot_of(runner, i);
	for (int k = 0; k < slot->nfetches; k++)
		if (slot->fetches[k].seq == seq)
			slot->fetches[k].credits += chunks;
}

static void
sim_sync(struct runner *runner, int i)
{
	const struct sim_options *options = ((struct sim_runner *)runner)->options;
	runner->events->synced(runner->events_arg, i, options->unsafe ? "simulated" : "");
}

static void
sim_flush(struct runner *runner)
{
	(void)runner;
}

static int64_t
sim_deadline_ns(const struct runner *runner)
{
	(void)runner;
	return CLOCK_NEVER; /* its events have a queue of their own */
}

static void
sim_close(struct runner *runner)
{
	free(((struct sim_runner *)runner)->slots);
	free(runner);
}

/* --- events --- */

static struct sim_task
shift(struct sim_slot *slot, int at)
{
	struct sim_task task = slot->staged[at];
	slot->nstaged--;
	memmove(slot->staged + at, slot->staged + at + 1,
		(size_t)(slot->nstaged - at) * sizeof(task));
	return task;
}

static void
answer_recalls(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	while (slot->nrecalls) {
		uint64_t seq = slot->recalls[--slot->nrecalls];
		bool given = false;
		for (int k = slot->running ? 1 : 0; k < slot->nstaged && !given; k++)
			if (slot->staged[k].seq == seq) {
				shift(slot, k);
				given = true;
			}
		sim->runner.events->recalled(
			sim->runner.events_arg, i, seq, given ? RECALLED_GIVEN : RECALLED_LATE);
	}
}

/* The fetch of that task; a new one if it has none. */
static struct sim_fetch *
fetch_of(struct sim_slot *slot, struct sim_task task, unsigned long len)
{
	for (int k = 0; k < slot->nfetches; k++)
		if (slot->fetches[k].seq == task.seq)
			return &slot->fetches[k];
	struct sim_fetch *fetch = &slot->fetches[slot->nfetches++];
	*fetch = (struct sim_fetch){.seq = task.seq, .index = task.index, .len = len};
	return fetch;
}

/* Some print more than can be kept while they run: a part of it is fetched before they end. */
static void
overflow(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	struct sim_task task = slot->staged[0];
	unsigned long len;
	free(sim_output(sim->options, task.index, &len));
	if (len <= OFFERED || sim_random(sim->options->seed, task.index, 9) < 0.5)
		return;
	fetch_of(slot, task, len)->printed =
		(unsigned long)((double)len * sim_random(sim->options->seed, task.index, 10));
	sim->runner.events->offered(sim->runner.events_arg, i, task.seq);
}

static void
begin(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	uint64_t index = slot->staged[0].index;
	slot->running = true;
	slot->announced = slot->cancelled = false;
	slot->started = slot->staged[0].seq;
	slot->start_ns = *sim->now_ns;
	overflow(sim, i);
	slot->dying = sim_random(sim->options->seed, index, 4 + (uint64_t)sim->lost[index]) <
		      sim->options->death_rate;
	slot->end_ns = slot->start_ns + duration(sim->options, index);
	sim->runs[index]++;
}

static void
die_now(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	if (slot->running)
		sim->lost[slot->staged[0].index]++;
	for (int k = 0; k < slot->nfetches; k++)
		sim->lost[slot->fetches[k].index]++;
	slot->nstaged = slot->nfetches = slot->nrecalls = 0;
	slot->running = slot->up = slot->paused = false;
	slot->up_ns = *sim->now_ns + UP_NS;
	sim->runner.events->down(sim->runner.events_arg, i, slot->started, "simulated", false);
}

/* What is staged, and comes while it pauses, is turned down at once. */
static void
turn_down(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	while (slot->nstaged) {
		struct sim_task task = shift(slot, 0);
		slot->turned_down++;
		sim->runner.events->recalled(sim->runner.events_arg, i, task.seq, RECALLED_NO_ROOM);
	}
}

static bool
has_no_room(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	if (sim_random(sim->options->seed, slot->staged[0].index,
		    100 + (uint64_t)slot->turned_down) >= sim->options->no_room_rate)
		return false;
	slot->up = false;
	slot->paused = true;
	slot->up_ns = *sim->now_ns + PAUSE_NS;
	sim->runner.events->no_room(sim->runner.events_arg, i, "simulated");
	turn_down(sim, i);
	return true;
}

static bool
dies_idle(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	return !slot->running && (slot->up || slot->paused) && slot->idle_deaths < DRAWS_MAX &&
	       sim_random(sim->options->seed + (uint64_t)i, slot->started,
		       200 + (uint64_t)slot->idle_deaths++) < sim->options->idle_death_rate;
}

static void
end(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	struct sim_task task = shift(slot, 0);
	slot->running = false;
	unsigned long len;
	char *text = sim_output(sim->options, task.index, &len);
	struct result result = {.index = task.index,
		.attempt = task.attempt,
		.reason = slot->cancelled ? RESULT_CANCELLED : RESULT_OK,
		.runtime_ns = slot->end_ns - slot->start_ns,
		.offered = len > OFFERED,
		.out_bytes = len,
		.out = text};
	if (result.offered)
		fetch_of(slot, task, len)->printed = len;
	sim->runner.events->ended(sim->runner.events_arg, i, task.seq, &result);
	free(text);
}

static void
send_chunks(struct sim_runner *sim, int i, struct sim_fetch *fetch)
{
	unsigned long len;
	char *text = sim_output(sim->options, fetch->index, &len);
	while (fetch->credits && fetch->sent < fetch->printed) {
		unsigned long left = fetch->printed - fetch->sent;
		unsigned long chunk = left < CHUNK ? left : CHUNK;
		sim->runner.events->chunk(
			sim->runner.events_arg, i, fetch->seq, 1, text + fetch->sent, chunk);
		fetch->sent += chunk;
		fetch->credits--;
	}
	free(text);
}

static void
send_output(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	for (int k = 0; k < slot->nfetches; k++) {
		struct sim_fetch *fetch = &slot->fetches[k];
		if (fetch->credits && fetch->sent < fetch->printed)
			send_chunks(sim, i, fetch);
		if (fetch->sent < fetch->len)
			continue;
		uint64_t seq = fetch->seq;
		slot->nfetches--;
		memmove(fetch, fetch + 1, (size_t)(slot->nfetches - k) * sizeof(*fetch));
		k--;
		sim->runner.events->out_end(sim->runner.events_arg, i, seq);
	}
}

static void
step_slot(struct sim_runner *sim, int i)
{
	struct sim_slot *slot = &sim->slots[i];
	int64_t now = *sim->now_ns;
	if (dies_idle(sim, i))
		die_now(sim, i);
	if (!slot->up && !slot->paused && now >= slot->up_ns &&
		sim_random(sim->options->seed + slot->started,
			(uint64_t)(sim->runner.slots * 8 + i), 7) < sim->options->close_rate) {
		slot->up_ns = CLOCK_NEVER;
		sim->runner.events->down(sim->runner.events_arg, i, slot->started, "no fork", true);
	}
	if (!slot->up && now >= slot->up_ns) {
		struct cpus cpus = {0};
		cpus_add(&cpus, i);
		slot->up = true;
		slot->paused = false;
		sim->runner.events->up(sim->runner.events_arg, i, &cpus);
	}
	if (slot->running && !slot->announced && now - slot->start_ns >= STARTED_NS) {
		slot->announced = true;
		sim->runner.events->started(sim->runner.events_arg, i, slot->staged[0].seq);
	}
	if (slot->running && now >= slot->end_ns) {
		if (slot->dying)
			die_now(sim, i);
		else
			end(sim, i);
	}
	answer_recalls(sim, i);
	send_output(sim, i);
	if (slot->paused)
		turn_down(sim, i);
	if (slot->up && !slot->running && slot->nstaged && !has_no_room(sim, i))
		begin(sim, i);
}

void
sim_runner_step(struct runner *runner)
{
	for (int i = 0; i < runner->slots; i++)
		step_slot((struct sim_runner *)runner, i);
}

int64_t
sim_runner_next(const struct runner *runner)
{
	const struct sim_runner *sim = (const struct sim_runner *)runner;
	int64_t next = CLOCK_NEVER;
	for (int i = 0; i < runner->slots; i++) {
		const struct sim_slot *slot = &sim->slots[i];
		int64_t at = CLOCK_NEVER;
		if (!slot->up)
			at = slot->up_ns;
		else if (slot->running)
			at = slot->end_ns;
		if (slot->running && !slot->announced && slot->start_ns + STARTED_NS < at)
			at = slot->start_ns + STARTED_NS;
		if (slot->nrecalls ||
			((slot->up || slot->paused) && !slot->running && slot->nstaged))
			at = *sim->now_ns;
		for (int k = 0; k < slot->nfetches; k++)
			if (slot->fetches[k].credits &&
				slot->fetches[k].sent < slot->fetches[k].printed)
				at = *sim->now_ns;
		if (at < next)
			next = at;
	}
	return next;
}

void
sim_runner_count(const struct runner *runner, int *busy, int *idle)
{
	const struct sim_runner *sim = (const struct sim_runner *)runner;
	for (int i = 0; i < runner->slots; i++) {
		if (sim->slots[i].up_ns == CLOCK_NEVER)
			continue;
		bool could = sim->slots[i].up && !sim->slots[i].running;
		*busy += !could;
		*idle += could;
	}
}

struct runner *
sim_runner_new(
	int slots, const struct sim_options *options, const int64_t *now_ns, int *runs, int *lost)
{
	static const struct runner_ops ops = {
		.start = sim_start,
		.recall = sim_recall,
		.kill = sim_kill,
		.credit = sim_credit,
		.flush = sim_flush,
		.deadline_ns = sim_deadline_ns,
		.sync = sim_sync,
		.close = sim_close,
	};
	struct sim_runner *sim = xcalloc(1, sizeof(*sim));
	*sim = (struct sim_runner){.runner = {.ops = &ops, .slots = slots},
		.options = options,
		.now_ns = now_ns,
		.runs = runs,
		.lost = lost,
		.slots = xcalloc((unsigned long)slots, sizeof(*sim->slots))};
	return &sim->runner;
}
