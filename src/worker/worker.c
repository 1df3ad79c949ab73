/* The worker. */
#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pack.h"
#include "comm/message.h"
#include "exec/frame.h"
#include "exec/runner.h"
#include "sched/sched.h"
#include "tasks/task.h"
#include "worker/queue.h"
#include "worker/slots.h"

#include <stdlib.h>
#include <string.h>

#define STAGE_LEAD_NS (10 * CLOCK_NS_PER_MS) /* a slot's staged tasks last about this long */
#define STAGE_MEAN_NS (50 * CLOCK_NS_PER_MS) /* tasks longer than this are not staged in a slot */
#define BATCH_NS (5 * CLOCK_NS_PER_MS)
#define BATCH_BYTES (64 * 1024)
#define FETCH_POLL_NS (200 * INT64_C(1000)) /* while an output waits for credit */
#define HEARTBEAT_NS (10 * CLOCK_NS_PER_S)
enum { STAGE_MAX = 64 };

/* Messages of many small items, gathered during a turn. */
struct batch {
	uint32_t count;
	struct buf items;
	int64_t since_ns; /* the turn in which the first came; 0: empty, or this one */
};

struct worker {
	struct worker_options options;
	struct message_link link;
	struct slot_queue *slots;
	int nslots;
	struct task_queue queue; /* not given to a slot yet */
	struct batch results, started, recalled;
	struct sched *pace; /* only for the mean task time and what follows from it */
	int fetched;	    /* entries whose output is still to be fetched */
	int starved;	    /* entries whose lines wait for credit */
	int64_t heartbeat_ns;
	int64_t active_ns; /* when something last happened */
	bool paused, draining, held, stopping, syncing, said_bye, finished;
};

static void
send(struct worker *worker)
{
	message_send(&worker->link, worker->options.master);
}

/* --- batches --- */

static struct buf *
batch_add(struct batch *batch)
{
	batch->count++;
	return &batch->items;
}

static void
batch_send(struct worker *worker, struct batch *batch, enum message_type type)
{
	if (!batch->count)
		return;
	struct buf *buf = message_begin(&worker->link, type);
	pack_u32(buf, batch->count);
	buf_append(buf, batch->items.data, batch->items.len);
	send(worker);
	buf_consume(&batch->items, batch->items.len);
	batch->count = 0;
	batch->since_ns = 0;
}

static void
give_back(struct worker *worker, uint64_t index, bool given)
{
	struct buf *buf = batch_add(&worker->recalled);
	pack_u64(buf, index);
	pack_u8(buf, given);
}

/* --- tasks that come back --- */

static void
return_task(struct worker *worker, struct task *task)
{
	give_back(worker, task->index, true);
	task_free(task);
}

/* A task that a slot did not start. */
static void
task_unstarted(struct worker *worker, struct slot_queue *slot, struct entry *entry)
{
	bool wanted = entry->wanted;
	struct task *task = slot_queue_take(slot, entry);
	if (wanted || worker->held)
		return_task(worker, task);
	else
		task_queue_unshift(&worker->queue, task);
}

/* --- feeding the slots --- */

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

/* Of how much the slot is ahead of rank 0 with an entry's output. */
static void
set_unpaid(struct worker *worker, struct entry *entry, int unpaid)
{
	worker->starved += (unpaid >= EXEC_LINE_CREDITS) - (entry->unpaid >= EXEC_LINE_CREDITS);
	entry->unpaid = unpaid;
}

static void
recall_entry(struct worker *worker, int i, struct entry *entry)
{
	entry->state = ENTRY_RECALLED;
	worker->options.runner->ops->recall(worker->options.runner, i, entry->seq);
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
		recall_entry(worker, from, last);
}

/* --- the runner's events --- */

static void
slot_is_up(void *arg, int i, const struct cpus *cpus)
{
	struct worker *worker = arg;
	worker->slots[i].up = true;
	struct buf *buf = message_begin(&worker->link, MESSAGE_SLOT_UP);
	pack_u32(buf, (uint32_t)i);
	cpus_pack(buf, cpus);
	send(worker);
}

static void
task_started(void *arg, int i, uint64_t seq)
{
	struct worker *worker = arg;
	struct slot_queue *slot = &worker->slots[i];
	struct entry *entry = slot_queue_find(slot, seq);
	if (!entry)
		return;
	pack_u64(batch_add(&worker->started), entry->task->index);
	slot->slow = seq;
	/* It is a long one: what waits behind it is better off elsewhere. */
	for (int k = 0; k < slot->count; k++)
		if (slot->entries[k].seq > seq && slot->entries[k].state == ENTRY_GIVEN)
			recall_entry(worker, i, &slot->entries[k]);
}

static void
report(struct worker *worker, int i, struct result *result)
{
	result->slot = (uint16_t)i;
	result_pack(batch_add(&worker->results), result);
}

static void
task_ended(void *arg, int i, uint64_t seq, struct result *result)
{
	struct worker *worker = arg;
	struct slot_queue *slot = &worker->slots[i];
	struct entry *entry = slot_queue_find(slot, seq);
	if (!entry)
		return;
	report(worker, i, result);
	sched_sent(worker->pace, 0, 1);
	sched_done(worker->pace, 0, result->runtime_ns);
	if (result->offered) {
		slot_queue_ended(slot, entry);
		worker->fetched++;
	} else {
		task_free(slot_queue_take(slot, entry));
	}
}

static void
task_recalled(void *arg, int i, uint64_t seq, bool given)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (!entry || entry->state == ENTRY_ENDED)
		return;
	if (given) {
		task_unstarted(worker, &worker->slots[i], entry);
		return;
	}
	if (entry->wanted)
		give_back(worker, entry->task->index, false);
	entry->wanted = false;
	entry->state = ENTRY_GIVEN;
}

static void
output_offered(void *arg, int i, uint64_t seq)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (!entry)
		return;
	entry->shown = true;
	pack_u64(message_begin(&worker->link, MESSAGE_OUT_OFFER), entry->task->index);
	send(worker);
}

static void
output_chunk(void *arg, int i, uint64_t seq, int stream, const char *data, size_t len)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (!entry)
		return;
	entry->shown = true;
	set_unpaid(worker, entry, entry->unpaid + 1);
	struct buf *buf = message_begin(&worker->link, MESSAGE_OUT_CHUNK);
	pack_u64(buf, entry->task->index);
	pack_u8(buf, (uint8_t)stream);
	pack_bytes(buf, data, len);
	send(worker);
}

/* The entry's output is at its end; the result must be there before it. */
static void
output_ends(struct worker *worker, struct slot_queue *slot, struct entry *entry, bool whole)
{
	batch_send(worker, &worker->results, MESSAGE_RESULTS);
	struct buf *buf = message_begin(&worker->link, MESSAGE_OUT_END);
	pack_u64(buf, entry->task->index);
	pack_u8(buf, whole);
	send(worker);
	worker->fetched--;
	set_unpaid(worker, entry, 0);
	task_free(slot_queue_take(slot, entry));
}

static void
output_end(void *arg, int i, uint64_t seq)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (entry && entry->state == ENTRY_ENDED)
		output_ends(worker, &worker->slots[i], entry, true);
}

static void
send_slot_down(struct worker *worker, int i, const char *why, bool for_ever)
{
	struct buf *buf = message_begin(&worker->link, MESSAGE_SLOT_DOWN);
	pack_u32(buf, (uint32_t)i);
	pack_u8(buf, for_ever);
	pack_string(buf, why);
	send(worker);
	worker->slots[i].up = false;
	worker->slots[i].closed = for_ever;
	bool any = false;
	for (int k = 0; k < worker->nslots; k++)
		any = any || !worker->slots[k].closed;
	while (!any && worker->queue.count)
		return_task(worker, task_queue_shift(&worker->queue));
}

static void
slot_is_synced(void *arg, int i, const char *why)
{
	struct worker *worker = arg;
	worker->slots[i].syncing = false;
	if (*why)
		send_slot_down(worker, i, why, true);
}

static void
slot_is_sick(void *arg, int i, const char *why)
{
	struct worker *worker = arg;
	struct slot_queue *slot = &worker->slots[i];
	for (int k = slot->count - 1; k >= 0; k--)
		if (slot->entries[k].state != ENTRY_ENDED)
			task_unstarted(worker, slot, &slot->entries[k]);
	send_slot_down(worker, i, why, true);
}

/* The executor died while the task ran. */
static void
lose(struct worker *worker, int i, struct entry *entry)
{
	struct slot_queue *slot = &worker->slots[i];
	struct result lost = {.index = entry->task->index,
		.attempt = entry->task->attempt,
		.reason = worker->stopping ? RESULT_CANCELLED : RESULT_LOST,
		.offered = entry->shown,
		.start_us = clock_unix_us()};
	report(worker, i, &lost);
	if (!entry->shown) {
		task_free(slot_queue_take(slot, entry));
		return;
	}
	slot_queue_ended(slot, entry);
	worker->fetched++;
	output_ends(worker, slot, entry, false);
}

static void
slot_is_down(void *arg, int i, uint64_t started, const char *why, bool for_ever)
{
	struct worker *worker = arg;
	struct slot_queue *slot = &worker->slots[i];
	slot->syncing = false;
	for (int k = slot->count - 1; k >= 0; k--) {
		struct entry *entry = &slot->entries[k];
		if (entry->state == ENTRY_ENDED)
			output_ends(worker, slot, entry, false);
		else if (entry->seq <= started)
			lose(worker, i, entry);
		else
			task_unstarted(worker, slot, entry);
	}
	send_slot_down(worker, i, why, for_ever);
}

/* --- messages --- */

static void
take_tasks(struct worker *worker, struct unpack *in)
{
	for (uint32_t left = unpack_u32(in); left && !in->bad; left--) {
		struct task *task = task_unpack(in);
		if (!task)
			continue;
		if (worker->stopping)
			return_task(worker, task);
		else
			task_queue_push(&worker->queue, task);
	}
}

/* The entry of a task by its index, and its slot in *SLOT; NULL if no slot has it. */
static struct entry *
find_index(struct worker *worker, uint64_t index, int *slot)
{
	for (*slot = 0; *slot < worker->nslots; ++*slot)
		for (int k = 0; k < worker->slots[*slot].count; k++)
			if (worker->slots[*slot].entries[k].task->index == index)
				return &worker->slots[*slot].entries[k];
	return NULL;
}

/* Nothing is started any more: all that has not been goes back to the master. */
static void
hold_back(struct worker *worker)
{
	worker->held = true;
	while (worker->queue.count)
		return_task(worker, task_queue_shift(&worker->queue));
	for (int i = 0; i < worker->nslots; i++) {
		struct slot_queue *slot = &worker->slots[i];
		for (int k = slot->count - 1; k >= 0; k--)
			if (slot->entries[k].state == ENTRY_GIVEN)
				recall_entry(worker, i, &slot->entries[k]);
	}
}

/* One that a slot has is answered for when the slot has: it may have begun. */
static void
recall_tasks(struct worker *worker, struct unpack *in)
{
	uint32_t left = unpack_u32(in);
	if (!left && !in->bad)
		hold_back(worker);
	for (; left && !in->bad; left--) {
		uint64_t index = unpack_u64(in);
		struct task *task = task_queue_remove(&worker->queue, index);
		int i;
		struct entry *entry = task ? NULL : find_index(worker, index, &i);
		if (task) {
			return_task(worker, task);
		} else if (entry && entry->state != ENTRY_ENDED) {
			entry->wanted = true;
			if (entry->state == ENTRY_GIVEN)
				recall_entry(worker, i, entry);
		} else {
			give_back(worker, index, false);
		}
	}
}

void
worker_stop(struct worker *worker, enum result_reason reason, uint32_t grace_ms)
{
	struct runner *runner = worker->options.runner;
	worker->stopping = true;
	hold_back(worker);
	for (int i = 0; i < worker->nslots; i++) {
		struct slot_queue *slot = &worker->slots[i];
		for (int k = slot->count - 1; k >= 0; k--)
			if (slot->entries[k].state != ENTRY_ENDED)
				runner->ops->kill(
					runner, i, slot->entries[k].seq, reason, grace_ms);
	}
}

static void
kill_task(struct worker *worker, struct unpack *in)
{
	uint64_t index = unpack_u64(in);
	enum result_reason reason = unpack_u8(in);
	uint32_t grace_ms = unpack_u32(in);
	if (!index) {
		worker_stop(worker, reason, grace_ms);
		return;
	}
	int i;
	struct entry *entry = find_index(worker, index, &i);
	if (entry)
		worker->options.runner->ops->kill(
			worker->options.runner, i, entry->seq, reason, grace_ms);
}

static void
credit_output(struct worker *worker, struct unpack *in)
{
	uint64_t index = unpack_u64(in);
	uint32_t chunks = unpack_u32(in);
	int i;
	struct entry *entry = find_index(worker, index, &i);
	if (!entry)
		return;
	set_unpaid(worker, entry, entry->unpaid - (int)chunks);
	worker->options.runner->ops->credit(worker->options.runner, i, entry->seq, chunks);
}

void
worker_message(
	struct worker *worker, const struct message_head *head, struct unpack *in, int64_t now_ns)
{
	worker->active_ns = now_ns;
	switch (head->type) {
	case MESSAGE_TASKS:
		take_tasks(worker, in);
		break;
	case MESSAGE_RECALL:
		recall_tasks(worker, in);
		break;
	case MESSAGE_KILL:
		kill_task(worker, in);
		break;
	case MESSAGE_OUT_CREDIT:
		credit_output(worker, in);
		break;
	case MESSAGE_DRAIN:
		worker->draining = true;
		break;
	case MESSAGE_PAUSE:
	case MESSAGE_CONT:
		worker->paused = head->type == MESSAGE_PAUSE;
		break;
	case MESSAGE_BYE_ACK:
		worker->finished = true;
		break;
	default:
		die(4, "a worker cannot take a %s message", message_names[head->type]);
	}
	if (!unpack_ok(in))
		die(4, "a %s message from rank 0 cannot be read", message_names[head->type]);
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

/* Nothing is left to do: asks all slots whether what they stored is safe; true once they have said.
 */
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
worker_turn(struct worker *worker, int64_t now_ns)
{
	if (!worker->paused && !worker->held) {
		feed(worker);
		even_out(worker);
	}
	worker->options.runner->ops->flush(worker->options.runner);
	if (worker->results.count)
		worker->active_ns = now_ns;
	if (worker->results.count && !worker->results.since_ns)
		worker->results.since_ns = now_ns;
	if (worker->results.count && results_due(worker, now_ns))
		batch_send(worker, &worker->results, MESSAGE_RESULTS);
	batch_send(worker, &worker->started, MESSAGE_STARTED);
	batch_send(worker, &worker->recalled, MESSAGE_RECALLED);
	if (now_ns >= worker->heartbeat_ns) {
		pack_i64(message_begin(&worker->link, MESSAGE_HEARTBEAT), clock_unix_us());
		send(worker);
		worker->heartbeat_ns = now_ns + HEARTBEAT_NS;
	}
	if (worker->draining && !worker->said_bye && is_empty(worker) && !worker->results.count &&
		is_synced(worker)) {
		message_begin(&worker->link, MESSAGE_BYE);
		send(worker);
		worker->said_bye = true;
	}
}

int64_t
worker_deadline_ns(const struct worker *worker)
{
	if (worker->said_bye)
		return CLOCK_NEVER;
	int64_t batch = worker->results.count ? worker->results.since_ns + BATCH_NS : CLOCK_NEVER;
	return batch < worker->heartbeat_ns ? batch : worker->heartbeat_ns;
}

int64_t
worker_poll_cap_ns(const struct worker *worker, int64_t now_ns)
{
	return worker->fetched || worker->starved
		       ? FETCH_POLL_NS
		       : sched_poll_cap_ns(worker->pace, now_ns - worker->active_ns);
}

bool
worker_finished(const struct worker *worker)
{
	return worker->finished;
}

struct worker *
worker_new(const struct worker_options *options)
{
	static const struct runner_events events = {
		.up = slot_is_up,
		.started = task_started,
		.ended = task_ended,
		.recalled = task_recalled,
		.offered = output_offered,
		.chunk = output_chunk,
		.out_end = output_end,
		.synced = slot_is_synced,
		.sick = slot_is_sick,
		.down = slot_is_down,
	};
	struct worker *worker = xcalloc(1, sizeof(*worker));
	worker->options = *options;
	worker->nslots = options->runner->slots;
	worker->slots = xcalloc((unsigned long)worker->nslots, sizeof(*worker->slots));
	worker->link = (struct message_link){.transport = options->transport,
		.session = options->session,
		.worker = options->id};
	worker->pace = sched_new(&(struct sched_options){.polled = true});
	sched_add(worker->pace, &need_default, worker->nslots);
	options->runner->events = &events;
	options->runner->events_arg = worker;
	hello_pack(message_begin(&worker->link, MESSAGE_HELLO), options->hello);
	send(worker);
	worker->heartbeat_ns = clock_now_ns() + HEARTBEAT_NS;
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
