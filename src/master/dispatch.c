/* Handing out tasks, and calling them back. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "master/internal.h"
#include "run/journal.h"
#include "sched/sched.h"
#include "tasks/list.h"
#include "tasks/task.h"

#include <string.h>

#define BATCH_BYTES (64 * 1024)
#define BACKLOG_BYTES (64 << 20) /* of outputs in memory: hand out nothing until they are out */

void
master_task_returned(struct master *master, struct flight *flight)
{
	sched_done(master->sched, flight->worker, -1);
	struct task *task = flight->task;
	flights_remove(master->flights, flight, true);
	if (master->stop) {
		task_free(task);
		return;
	}
	if (master->nreturned == master->returned_room) {
		master->returned_room = master->returned_room ? 2 * master->returned_room : 64;
		master->returned = xrealloc(
			master->returned, master->returned_room * sizeof(*master->returned));
	}
	master->returned[master->nreturned++] = task;
}

/* The task to hand out next is in master->next; false if there is none now. */
static bool
have_next(struct master *master)
{
	if (master->next)
		return true;
	if (master->nreturned) {
		master->next = master->returned[--master->nreturned];
		return true;
	}
	if (master->list_ended)
		return false;
	struct err err;
	enum list_status status = list_next(master->options.list, &master->next, &err);
	master->list_waits = status == LIST_WAIT;
	if (status == LIST_END)
		master->list_ended = true;
	if (status == LIST_ERROR) {
		log_error("%s: no further task is started", err.text);
		master_stop(master, STOP_LIST);
	}
	return status == LIST_TASK;
}

static bool
may_dispatch(struct master *master)
{
	if (master->stop || output_backlog(master->output) > BACKLOG_BYTES)
		return false;
	bool full = master->options.journal && journal_full(master->options.journal);
	if (full && !master->pause_reported)
		log_warning("the journal cannot be written fast enough: nothing new is started "
			    "meanwhile");
	master->pause_reported = full;
	return !full;
}

static void
send_batch(struct master *master, int worker, int count)
{
	struct member *member = &master->members.list[worker];
	struct buf *buf = message_begin(&member->link, MESSAGE_TASKS);
	size_t count_at = buf->len;
	pack_u32(buf, 0);
	struct need need = master->next->need;
	uint32_t sent = 0;
	while ((int)sent < count && (!sent || buf->len < BATCH_BYTES) && have_next(master) &&
		memcmp(&need, &master->next->need, sizeof(need)) == 0) {
		task_pack(buf, master->next);
		flights_add(master->flights, master->next, worker);
		if (master->next->index > master->handed_out)
			master->handed_out = master->next->index;
		master->next = NULL;
		sent++;
	}
	for (int i = 0; i < 4; i++)
		buf->data[count_at + (size_t)i] = (char)(unsigned char)(sent >> (8 * i));
	message_send(&member->link, member->peer);
	sched_sent(master->sched, worker, (int)sent);
}

/* Some of the worker's tasks that are not known to run. */
static void
recall(struct master *master, int worker, int count)
{
	struct member *member = &master->members.list[worker];
	struct buf *buf = message_begin(&member->link, MESSAGE_RECALL);
	size_t count_at = buf->len;
	uint32_t asked = 0;
	struct flight *flight;
	pack_u32(buf, 0);
	for (size_t at = 0; (int)asked < count && (flight = flights_next(master->flights, &at));) {
		if (flight->worker != worker || flight->running || flight->ended)
			continue;
		pack_u64(buf, flight->task->index);
		asked++;
	}
	if (!asked)
		return;
	buf->data[count_at] = (char)(unsigned char)asked;
	buf->data[count_at + 1] = (char)(unsigned char)(asked >> 8);
	message_send(&member->link, member->peer);
	member->recalling = true;
}

static void
recall_for_idle_slots(struct master *master)
{
	int count;
	int worker = sched_recall(master->sched, &count);
	if (worker >= 0 && !master->members.list[worker].recalling)
		recall(master, worker, count < UINT16_MAX ? count : UINT16_MAX);
}

void
master_dispatch(struct master *master)
{
	while (may_dispatch(master) && have_next(master)) {
		uint64_t remaining =
			1 + master->nreturned +
			(master->list_ended ? 0 : list_remaining(master->options.list));
		int count;
		int worker = sched_pick(master->sched, &master->next->need, remaining, &count);
		if (worker < 0)
			return;
		send_batch(master, worker, count);
	}
	if (!master->stop && master->list_ended && !master->nreturned && !master->next)
		recall_for_idle_slots(master);
}
