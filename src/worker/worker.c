/* The worker: what it sends, and its turn. */
#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pack.h"
#include "comm/transport.h"
#include "exec/frame.h"
#include "exec/runner.h"
#include "sched/sched.h"
#include "tasks/task.h"
#include "worker/internal.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_NS (5 * CLOCK_NS_PER_MS)
#define BATCH_BYTES (64 * 1024)
enum { ALONE_GRACE_MS = 5000, ALONE_MS = 8000 };

void
worker_send(struct worker *worker)
{
	message_send(&worker->link, worker->options.master);
}

/* --- batches --- */

struct buf *
batch_add(struct batch *batch)
{
	batch->count++;
	return &batch->items;
}

void
batch_send(struct worker *worker, struct batch *batch, enum message_type type)
{
	if (!batch->count)
		return;
	struct buf *buf = message_begin(&worker->link, type);
	pack_u32(buf, batch->count);
	buf_append(buf, batch->items.data, batch->items.len);
	worker_send(worker);
	buf_consume(&batch->items, batch->items.len);
	batch->count = 0;
	batch->since_ns = 0;
}

/* --- tasks that come back --- */

void
worker_give_back(struct worker *worker, uint64_t index, enum recalled how)
{
	struct buf *buf = batch_add(&worker->recalled);
	pack_u64(buf, index);
	pack_u8(buf, (uint8_t)how);
}

void
worker_return(struct worker *worker, struct task *task)
{
	worker_give_back(worker, task->index, RECALLED_GIVEN);
	task_free(task);
}

void
worker_unstarted(struct worker *worker, struct slot_queue *slot, struct entry *entry)
{
	bool wanted = entry->wanted;
	struct task *task = slot_queue_take(slot, entry);
	if (wanted || worker->held)
		worker_return(worker, task);
	else
		task_queue_unshift(&worker->queue, task);
}

void
worker_recall(struct worker *worker, int i, struct entry *entry)
{
	entry->state = ENTRY_RECALLED;
	worker->options.runner->ops->recall(worker->options.runner, i, entry->seq);
}

void
worker_set_unpaid(struct worker *worker, struct entry *entry, int unpaid)
{
	worker->starved += (unpaid >= EXEC_LINE_CREDITS) - (entry->unpaid >= EXEC_LINE_CREDITS);
	entry->unpaid = unpaid;
}

/* --- the turn --- */

static bool
is_empty(const struct worker *worker)
{
	for (int i = 0; i < worker->nslots; i++)
		if (worker->slots[i].count)
			return false;
	return !worker->queue.count;
}

/* Asks all slots whether what they stored is safe; true once they have said. */
static bool
is_synced(struct worker *worker)
{
	struct runner *runner = worker->options.runner;
	bool synced = true;
	for (int i = 0; i < worker->nslots && !worker->syncing; i++) {
		worker->slots[i].syncing = true;
		runner->ops->sync(runner, i);
	}
	if (!worker->syncing)
		runner->ops->flush(runner);
	worker->syncing = true;
	for (int i = 0; i < worker->nslots; i++)
		synced = synced && !worker->slots[i].syncing;
	return synced;
}

static bool
results_due(const struct worker *worker, int64_t now_ns)
{
	bool short_queue = worker->queue.count <= (size_t)worker->nslots;
	return short_queue || worker->results.items.len >= BATCH_BYTES ||
	       now_ns - worker->results.since_ns >= BATCH_NS;
}

void
worker_lost_master(struct worker *worker, int64_t now_ns)
{
	if (worker->alone_ns)
		return;
	log_error("rank 0 is lost: the tasks here are ended");
	worker_stop(worker, RESULT_CANCELLED, ALONE_GRACE_MS);
	worker->alone_ns = now_ns + ALONE_MS * CLOCK_NS_PER_MS;
}

bool
worker_is_alone(const struct worker *worker)
{
	return worker->alone_ns;
}

static void
beat(struct worker *worker, int64_t now_ns)
{
	pack_i64(message_begin(&worker->link, MESSAGE_HEARTBEAT), clock_unix_us());
	worker_send(worker);
	worker->heartbeat_ns = now_ns + MESSAGE_BEAT_NS;
	if (worker->options.transport->size > 1 && worker->unheard++ >= MESSAGE_BEATS)
		worker_lost_master(worker, now_ns);
}

void
worker_turn(struct worker *worker, int64_t now_ns)
{
	worker_feed(worker);
	worker->options.runner->ops->flush(worker->options.runner);
	if (worker->results.count)
		worker->active_ns = now_ns;
	if (worker->results.count && !worker->results.since_ns)
		worker->results.since_ns = now_ns;
	if (worker->results.count && results_due(worker, now_ns))
		batch_send(worker, &worker->results, MESSAGE_RESULTS);
	batch_send(worker, &worker->started, MESSAGE_STARTED);
	batch_send(worker, &worker->recalled, MESSAGE_RECALLED);
	if (now_ns >= worker->heartbeat_ns)
		beat(worker, now_ns);
	if (worker->alone_ns && (is_empty(worker) || now_ns >= worker->alone_ns))
		worker->finished = true;
	if (worker->draining && !worker->said_bye && is_empty(worker) && !worker->results.count &&
		is_synced(worker)) {
		message_begin(&worker->link, MESSAGE_BYE);
		worker_send(worker);
		worker->said_bye = true;
	}
}

int64_t
worker_deadline_ns(const struct worker *worker)
{
	if (worker->said_bye)
		return CLOCK_NEVER;
	struct runner *runner = worker->options.runner;
	int64_t batch = worker->results.count ? worker->results.since_ns + BATCH_NS : CLOCK_NEVER;
	int64_t due = runner->ops->deadline_ns(runner);
	due = batch < due ? batch : due;
	if (worker->alone_ns && worker->alone_ns < due)
		due = worker->alone_ns;
	return due < worker->heartbeat_ns ? due : worker->heartbeat_ns;
}

int64_t
worker_poll_cap_ns(const struct worker *worker, int64_t now_ns)
{
	return sched_poll_cap_ns(
		worker->pace, worker->fetched || worker->starved, now_ns - worker->active_ns);
}

bool
worker_finished(const struct worker *worker)
{
	return worker->finished;
}

struct worker *
worker_new(const struct worker_options *options)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	worker->options = *options;
	worker->nslots = options->runner->slots;
	worker->slots = xcalloc((unsigned long)worker->nslots, sizeof(*worker->slots));
	worker->link = (struct message_link){.transport = options->transport,
		.session = options->session,
		.worker = options->id};
	worker->pace = sched_new(&(struct sched_options){.polled = true});
	sched_add(worker->pace, &need_default, worker->nslots);
	options->runner->events = &worker_events;
	options->runner->events_arg = worker;
	hello_pack(message_begin(&worker->link, MESSAGE_HELLO), options->hello);
	worker_send(worker);
	worker->heartbeat_ns = clock_now_ns() + MESSAGE_BEAT_NS;
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (!worker)
		return;
	worker->options.runner->ops->close(worker->options.runner);
	task_queue_clear(&worker->queue);
	for (int i = 0; i < worker->nslots; i++)
		slot_queue_clear(&worker->slots[i]);
	buf_clear(&worker->link.buf);
	buf_clear(&worker->results.items);
	buf_clear(&worker->started.items);
	buf_clear(&worker->recalled.items);
	sched_free(worker->pace);
	free(worker->slots);
	free(worker);
}
