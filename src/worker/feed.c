/* Which slot runs what next. */
#include "base/clock.h"
#include "exec/runner.h"
#include "sched/sched.h"
#include "worker/internal.h"

#define STAGE_LEAD_NS (10 * CLOCK_NS_PER_MS) /* a slot's staged tasks last about this long */
#define STAGE_MEAN_NS (50 * CLOCK_NS_PER_MS) /* tasks longer than this are not staged in a slot */
enum { STAGE_MAX = 64 };

static int
stage_depth(const struct worker *worker)
{
	int64_t mean = sched_mean_ns(worker->pace);
	if (mean < 0 || mean > STAGE_MEAN_NS)
		return 1;
	int64_t ahead = mean > 0 ? STAGE_LEAD_NS / mean + 1 : STAGE_MAX;
	return (int)(ahead < STAGE_MAX ? 1 + ahead : STAGE_MAX);
}

static void
feed(struct worker *worker)
{
	int depth = stage_depth(worker);
	for (int level = 1; level <= depth && worker->queue.count; level++) {
		for (int i = 0; i < worker->nslots && worker->queue.count; i++) {
			struct slot_queue *slot = &worker->slots[i];
			if (!slot->up || slot->open >= level || slot->slow)
				continue;
			struct entry *entry =
				slot_queue_add(slot, task_queue_shift(&worker->queue));
			worker->options.runner->ops->start(
				worker->options.runner, i, entry->seq, entry->task);
		}
	}
}

/* The slot that has most tasks to spare, -1: none has. */
static int
fullest(const struct worker *worker)
{
	int most = -1;
	for (int i = 0; i < worker->nslots; i++)
		if (worker->slots[i].open > 1 &&
			(most < 0 || worker->slots[i].open > worker->slots[most].open))
			most = i;
	return most;
}

/* No slot idles while tasks are staged in another: one at a time comes back into the queue. */
static void
even_out(struct worker *worker)
{
	bool idle = false;
	for (int i = 0; i < worker->nslots; i++)
		idle = idle || (worker->slots[i].up && !worker->slots[i].open);
	int from = idle && !worker->queue.count ? fullest(worker) : -1;
	if (from < 0)
		return;
	struct slot_queue *slot = &worker->slots[from];
	struct entry *last = &slot->entries[slot->count - 1];
	if (last->state == ENTRY_GIVEN)
		worker_recall(worker, from, last);
}

/* No process can be made on this rank for a while: other ranks may have room. */
static bool
has_no_room(const struct worker *worker)
{
	bool waits = false;
	for (int i = 0; i < worker->nslots; i++) {
		if (worker->slots[i].up)
			return false;
		waits = waits || worker->slots[i].waits;
	}
	return waits;
}

void
worker_feed(struct worker *worker)
{
	while (worker->queue.count && has_no_room(worker))
		worker_return(worker, task_queue_shift(&worker->queue));
	if (worker->paused || worker->held)
		return;
	feed(worker);
	even_out(worker);
}
