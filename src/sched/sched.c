/*
 * One heap of workers per distinct offer of slots (there are as many as there are kinds of nodes),
 * ordered by tasks held per slot. A pick looks at the tops of the heaps that fit the need.
 */
#include "sched/sched.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define POLL_HURRY_NS (200 * INT64_C(1000))
#define POLL_MIN_NS (5 * CLOCK_NS_PER_MS)
#define POLL_MAX_NS (50 * CLOCK_NS_PER_MS)
#define LEAD_NS (5 * CLOCK_NS_PER_MS)
#define LONG_TASK_NS (4 * CLOCK_NS_PER_S)

/* The mean follows about this many of the last tasks. */
enum { MEAN_TASKS = 64, BATCH_MAX = 256 };

struct worker {
	int slots;
	int held;
	int class;
	int place; /* in its class's heap */
};

struct class
{
	struct need offer;
	int *heap; /* worker numbers */
	int count;
};

struct sched {
	struct sched_options options;
	struct worker *workers;
	int nworkers;
	struct class *classes;
	int nclasses;
	int total_slots;
	uint64_t ended;
	double mean_ns;
};

struct sched *
sched_new(const struct sched_options *options)
{
	struct sched *sched = xcalloc(1, sizeof(*sched));
	sched->options = *options;
	return sched;
}

void
sched_free(struct sched *sched)
{
	if (!sched)
		return;
	for (int i = 0; i < sched->nclasses; i++)
		free(sched->classes[i].heap);
	free(sched->classes);
	free(sched->workers);
	free(sched);
}

/* --- heaps --- */

/* True if A is to be served before B: fewer tasks per slot; workers without slots come last. */
static bool
before(const struct sched *sched, int a, int b)
{
	const struct worker *x = &sched->workers[a], *y = &sched->workers[b];
	int64_t left = x->slots ? (int64_t)x->held * y->slots : INT64_MAX;
	int64_t right = y->slots ? (int64_t)y->held * x->slots : INT64_MAX;
	return left != right ? left < right : a < b;
}

static void
put(struct sched *sched, struct class *class, int place, int worker)
{
	class->heap[place] = worker;
	sched->workers[worker].place = place;
}

/* Moves the worker up or down to where it belongs. */
static void
settle(struct sched *sched, int worker)
{
	struct class *class = &sched->classes[sched->workers[worker].class];
	int place = sched->workers[worker].place;
	while (place > 0 && before(sched, worker, class->heap[(place - 1) / 2])) {
		put(sched, class, place, class->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		int child = 2 * place + 1;
		if (child + 1 < class->count &&
			before(sched, class->heap[child + 1], class->heap[child]))
			child++;
		if (child >= class->count || !before(sched, class->heap[child], worker))
			break;
		put(sched, class, place, class->heap[child]);
		place = child;
	}
	put(sched, class, place, worker);
}

static bool
fits(const struct need *need, const struct need *offer)
{
	return need->cores <= offer->cores && need->gpus <= offer->gpus &&
	       (need->memory_mib <= offer->memory_mib || !offer->memory_mib);
}

static int
class_of(struct sched *sched, const struct need *offer)
{
	for (int i = 0; i < sched->nclasses; i++)
		if (memcmp(&sched->classes[i].offer, offer, sizeof(*offer)) == 0)
			return i;
	sched->classes = xrealloc(
		sched->classes, (unsigned long)(sched->nclasses + 1) * sizeof(*sched->classes));
	sched->classes[sched->nclasses] = (struct class){.offer = *offer};
	return sched->nclasses++;
}

/* --- workers --- */

int
sched_add(struct sched *sched, const struct need *offer, int slots)
{
	int worker = sched->nworkers++;
	int class = class_of(sched, offer);
	struct class *of = &sched->classes[class];
	if ((worker & (worker - 1)) == 0) /* room for twice as many at each power of two */
		sched->workers = xrealloc(
			sched->workers, 2 * (unsigned long)(worker + 1) * sizeof(*sched->workers));
	of->heap = xrealloc(of->heap, (unsigned long)(of->count + 1) * sizeof(*of->heap));
	sched->workers[worker] =
		(struct worker){.slots = slots, .class = class, .place = of->count++};
	sched->total_slots += slots;
	settle(sched, worker);
	return worker;
}

void
sched_slots(struct sched *sched, int worker, int slots)
{
	sched->total_slots += slots - sched->workers[worker].slots;
	sched->workers[worker].slots = slots;
	settle(sched, worker);
}

int
sched_total_slots(const struct sched *sched)
{
	return sched->total_slots;
}

bool
sched_fits(const struct sched *sched, const struct need *need)
{
	for (int i = 0; i < sched->nclasses; i++)
		if (fits(need, &sched->classes[i].offer))
			return true;
	return false;
}

int
sched_held(const struct sched *sched, int worker)
{
	return sched->workers[worker].held;
}

/* --- how many ahead --- */

int64_t
sched_mean_ns(const struct sched *sched)
{
	return sched->ended ? (int64_t)sched->mean_ns : -1;
}

int64_t
sched_poll_cap_ns(const struct sched *sched, bool hurry, int64_t idle_ns)
{
	int64_t min = hurry ? POLL_HURRY_NS : POLL_MIN_NS;
	int64_t cap = sched->ended && !hurry ? (int64_t)(sched->mean_ns / 200) : 0;
	if (cap < idle_ns / 40)
		cap = idle_ns / 40;
	return cap < min ? min : cap > POLL_MAX_NS ? POLL_MAX_NS : cap;
}

/* Tasks that a slot may hold. */
static int
depth(const struct sched *sched, uint64_t remaining)
{
	uint64_t slots = sched->total_slots ? (uint64_t)sched->total_slots : 1;
	uint64_t share = (remaining + slots - 1) / slots;
	if (share <= 1 || (sched->ended && sched->mean_ns >= (double)LONG_TASK_NS))
		return 1;
	double mean = sched->mean_ns > 1000 ? sched->mean_ns : 1000;
	int64_t lead =
		LEAD_NS + (sched->options.polled ? 2 * sched_poll_cap_ns(sched, false, 0) : 0);
	uint64_t ahead = sched->ended ? (uint64_t)(((double)lead + mean - 1) / mean) : 1;
	return (int)(1 + ahead < share ? 1 + ahead : share);
}

int
sched_pick(struct sched *sched, const struct need *need, uint64_t remaining, int *count)
{
	int best = -1;
	for (int i = 0; i < sched->nclasses; i++) {
		const struct class *class = &sched->classes[i];
		if (!fits(need, &class->offer) || !class->count)
			continue;
		if (best < 0 || before(sched, class->heap[0], best))
			best = class->heap[0];
	}
	if (best < 0)
		return -1;
	const struct worker *worker = &sched->workers[best];
	int room = worker->slots * depth(sched, remaining) - worker->held;
	if (room <= 0)
		return -1;
	*count = room < BATCH_MAX ? room : BATCH_MAX;
	return best;
}

void
sched_sent(struct sched *sched, int worker, int count)
{
	sched->workers[worker].held += count;
	settle(sched, worker);
}

void
sched_done(struct sched *sched, int worker, int64_t runtime_ns)
{
	sched->workers[worker].held--;
	settle(sched, worker);
	if (runtime_ns < 0)
		return;
	sched->ended++;
	uint64_t weight = sched->ended < MEAN_TASKS ? sched->ended : MEAN_TASKS;
	sched->mean_ns += ((double)runtime_ns - sched->mean_ns) / (double)weight;
}

int
sched_recall(const struct sched *sched, int *count)
{
	int idle = 0, most = -1;
	double excess = 0;
	for (int i = 0; i < sched->nworkers; i++) {
		const struct worker *worker = &sched->workers[i];
		int staged = worker->held - worker->slots;
		if (staged < 0)
			idle -= staged;
		if (staged > 0 && (!worker->slots || (double)staged / worker->slots > excess)) {
			excess = worker->slots ? (double)staged / worker->slots : 1e9;
			most = i;
		}
	}
	if (!idle || most < 0)
		return -1;
	int staged = sched->workers[most].held - sched->workers[most].slots;
	*count = staged < idle ? staged : idle;
	return most;
}
