/* What the slots tell. */
#include "base/clock.h"
#include "base/pack.h"
#include "exec/runner.h"
#include "sched/sched.h"
#include "tasks/task.h"
#include "worker/internal.h"

static void
slot_is_up(void *arg, int i, const struct cpus *cpus)
{
	struct worker *worker = arg;
	if (worker->slots[i].closed)
		return;
	worker->slots[i].up = true;
	worker->slots[i].waits = false;
	struct buf *buf = message_begin(&worker->link, MESSAGE_SLOT_UP);
	pack_u32(buf, (uint32_t)i);
	cpus_pack(buf, cpus);
	worker_send(worker);
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
			worker_recall(worker, i, &slot->entries[k]);
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
	worker->no_room_said = false;
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
task_recalled(void *arg, int i, uint64_t seq, enum recalled how)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (!entry || entry->state == ENTRY_ENDED)
		return;
	if (how == RECALLED_NO_ROOM) {
		worker_give_back(worker, entry->task->index, how);
		task_free(slot_queue_take(&worker->slots[i], entry));
		return;
	}
	if (how == RECALLED_GIVEN) {
		worker_unstarted(worker, &worker->slots[i], entry);
		return;
	}
	if (entry->wanted)
		worker_give_back(worker, entry->task->index, RECALLED_LATE);
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
	worker_send(worker);
}

static void
output_chunk(void *arg, int i, uint64_t seq, int stream, const char *data, size_t len)
{
	struct worker *worker = arg;
	struct entry *entry = slot_queue_find(&worker->slots[i], seq);
	if (!entry)
		return;
	entry->shown = true;
	worker_set_unpaid(worker, entry, entry->unpaid + 1);
	struct buf *buf = message_begin(&worker->link, MESSAGE_OUT_CHUNK);
	pack_u64(buf, entry->task->index);
	pack_u8(buf, (uint8_t)stream);
	pack_bytes(buf, data, len);
	worker_send(worker);
}

/* The entry's output is at its end; the result must be there before it. */
static void
output_ends(struct worker *worker, struct slot_queue *slot, struct entry *entry, bool whole)
{
	batch_send(worker, &worker->results, MESSAGE_RESULTS);
	struct buf *buf = message_begin(&worker->link, MESSAGE_OUT_END);
	pack_u64(buf, entry->task->index);
	pack_u8(buf, whole);
	worker_send(worker);
	worker->fetched--;
	worker_set_unpaid(worker, entry, 0);
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

void
worker_slot_down(struct worker *worker, int i, const char *why, enum slot_end end)
{
	bool for_ever = end == SLOT_CLOSED || end == SLOT_UNSAFE;
	if (!for_ever && worker->slots[i].closed)
		return;
	struct buf *buf = message_begin(&worker->link, MESSAGE_SLOT_DOWN);
	pack_u32(buf, (uint32_t)i);
	pack_u8(buf, (uint8_t)end);
	pack_string(buf, why);
	worker_send(worker);
	worker->slots[i].up = worker->slots[i].waits = false;
	worker->slots[i].closed |= for_ever;
	bool any = false;
	for (int k = 0; k < worker->nslots; k++)
		any = any || !worker->slots[k].closed;
	if (!any)
		worker_hold_back(worker);
}

/* One word about all slots of the rank, as they meet the same limit. */
static void
slot_has_no_room(void *arg, int i, const char *why)
{
	struct worker *worker = arg;
	worker_slot_down(worker, i, worker->no_room_said ? "" : why, SLOT_WAITS);
	worker->slots[i].waits = true;
	worker->no_room_said = true;
}

static void
slot_is_synced(void *arg, int i, const char *why)
{
	struct worker *worker = arg;
	worker->slots[i].syncing = false;
	if (*why)
		worker_slot_down(worker, i, why, SLOT_UNSAFE);
}

static void
slot_is_sick(void *arg, int i, const char *why)
{
	struct worker *worker = arg;
	struct slot_queue *slot = &worker->slots[i];
	for (int k = slot->count - 1; k >= 0; k--)
		if (slot->entries[k].state != ENTRY_ENDED)
			worker_unstarted(worker, slot, &slot->entries[k]);
	worker_slot_down(worker, i, why, SLOT_CLOSED);
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
	enum slot_end end = slot->syncing ? SLOT_UNSAFE : for_ever ? SLOT_CLOSED : SLOT_RESTARTS;
	slot->syncing = false;
	for (int k = slot->count - 1; k >= 0; k--) {
		struct entry *entry = &slot->entries[k];
		if (entry->state == ENTRY_ENDED)
			output_ends(worker, slot, entry, false);
		else if (entry->seq <= started)
			lose(worker, i, entry);
		else
			worker_unstarted(worker, slot, entry);
	}
	worker_slot_down(worker, i, why, end);
}

const struct runner_events worker_events = {
	.up = slot_is_up,
	.started = task_started,
	.ended = task_ended,
	.recalled = task_recalled,
	.no_room = slot_has_no_room,
	.offered = output_offered,
	.chunk = output_chunk,
	.out_end = output_end,
	.synced = slot_is_synced,
	.sick = slot_is_sick,
	.down = slot_is_down,
};
