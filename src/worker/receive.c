/* What rank 0 says. */
#include "base/log.h"
#include "base/pack.h"
#include "exec/runner.h"
#include "tasks/task.h"
#include "worker/internal.h"

static void
take_tasks(struct worker *worker, struct unpack *in)
{
	for (uint32_t left = unpack_u32(in); left && !in->bad; left--) {
		struct task *task = task_unpack(in);
		if (!task)
			continue;
		if (worker->held)
			worker_return(worker, task);
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

void
worker_hold_back(struct worker *worker)
{
	worker->held = true;
	while (worker->queue.count)
		worker_return(worker, task_queue_shift(&worker->queue));
	for (int i = 0; i < worker->nslots; i++) {
		struct slot_queue *slot = &worker->slots[i];
		for (int k = slot->count - 1; k >= 0; k--)
			if (slot->entries[k].state == ENTRY_GIVEN)
				worker_recall(worker, i, &slot->entries[k]);
	}
}

/* One that a slot has is answered for when the slot has: it may have begun. */
static void
recall_tasks(struct worker *worker, struct unpack *in)
{
	uint32_t left = unpack_u32(in);
	if (!left && !in->bad)
		worker_hold_back(worker);
	for (; left && !in->bad; left--) {
		uint64_t index = unpack_u64(in);
		struct task *task = task_queue_remove(&worker->queue, index);
		int i;
		struct entry *entry = task ? NULL : find_index(worker, index, &i);
		if (task) {
			worker_return(worker, task);
		} else if (entry && entry->state != ENTRY_ENDED) {
			entry->wanted = true;
			if (entry->state == ENTRY_GIVEN)
				worker_recall(worker, i, entry);
		} else {
			worker_give_back(worker, index, RECALLED_LATE);
		}
	}
}

static void
stop_all(struct worker *worker, enum result_reason reason, uint32_t grace_ms)
{
	struct runner *runner = worker->options.runner;
	worker->stopping = true;
	worker_hold_back(worker);
	for (int i = 0; i < worker->nslots; i++) {
		struct slot_queue *slot = &worker->slots[i];
		for (int k = slot->count - 1; k >= 0; k--)
			if (slot->entries[k].state != ENTRY_ENDED)
				runner->ops->kill(
					runner, i, slot->entries[k].seq, reason, grace_ms);
		if (slot->syncing)
			runner->ops->kill(runner, i, 0, reason, grace_ms);
	}
}

/* If rank 0 goes on, it need not try again and again. It says one word about all slots. */
void
worker_stop(struct worker *worker, enum result_reason reason, uint32_t grace_ms)
{
	const char *why = "its rank was told to stop";
	stop_all(worker, reason, grace_ms);
	for (int i = 0; i < worker->nslots; i++, why = "")
		if (!worker->slots[i].closed)
			worker_slot_down(worker, i, why, SLOT_CLOSED);
}

static void
kill_task(struct worker *worker, struct unpack *in)
{
	uint64_t index = unpack_u64(in);
	enum result_reason reason = unpack_u8(in);
	uint32_t grace_ms = unpack_u32(in);
	if (!index) {
		stop_all(worker, reason, grace_ms);
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
	worker_set_unpaid(worker, entry, entry->unpaid - (int)chunks);
	worker->options.runner->ops->credit(worker->options.runner, i, entry->seq, chunks);
}

void
worker_message(
	struct worker *worker, const struct message_head *head, struct unpack *in, int64_t now_ns)
{
	worker->active_ns = now_ns;
	worker->unheard = 0;
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
	case MESSAGE_ALIVE:
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
