/* Handing out tasks, and calling them back. */
#include "master/dispatch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "master/internal.h"
#include "master/stop.h"
#include "run/journal.h"
#include "sched/sched.h"
#include "tasks/task.h"

#include <string.h>

#define BATCH_BYTES (64 * 1024)
#define RECALL_MAX (BATCH_BYTES / 8)
#define BACKLOG_BYTES (64 << 20) /* of outputs in memory: hand out nothing until they are out */

/* True if supply_next() is there to be handed out now. */
static bool
have_next(struct master *master)
{
	struct err err;
	enum supply_found found = supply_look(master->supply, &err);
	master->skipping = found == SUPPLY_AGAIN;
	if (found == SUPPLY_BAD) {
		log_error("%s: no further task is started", err.text);
		master_stop(master, STOP_LIST);
	} else if (found == SUPPLY_BARRED) {
		log_error("%s: nothing behind it is started", err.text);
		master_stop(master, STOP_BARRIER);
	}
	return found == SUPPLY_TASK;
}

static bool
is_at_limit(const struct master *master)
{
	uint64_t limit = master->options.limit;
	return limit && flights_count(master->flights) >= limit;
}

static bool
may_dispatch(struct master *master)
{
	if (master->stop || output_backlog(master->output) > BACKLOG_BYTES)
		return false;
	if (is_at_limit(master))
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
	struct need need = supply_next(master->supply)->need;
	uint32_t sent = 0;
	while ((int)sent < count && (!sent || buf->len < BATCH_BYTES) && have_next(master) &&
		memcmp(&need, &supply_next(master->supply)->need, sizeof(need)) == 0) {
		struct task *task = supply_take(master->supply);
		task_pack(buf, task);
		flights_add(master->flights, task, worker);
		if (task->index > master->handed_out)
			master->handed_out = task->index;
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
	struct buf indices = {0};
	uint32_t asked = 0;
	struct flight *flight;
	for (size_t at = 0; (int)asked < count && (flight = flights_next(master->flights, &at));) {
		if (flight->worker != worker || flight->running || flight->ended)
			continue;
		pack_u64(&indices, flight->task->index);
		flight->recalled = true;
		asked++;
	}
	if (!asked)
		return;
	struct buf *buf = message_begin(&member->link, MESSAGE_RECALL);
	pack_u32(buf, asked);
	buf_append(buf, indices.data, indices.len);
	buf_clear(&indices);
	message_send(&member->link, member->peer);
	member->recalled = (int)asked;
}

static void
recall_for_idle_slots(struct master *master)
{
	int count;
	int worker = sched_recall(master->sched, &count);
	if (worker >= 0 && !master->members.list[worker].recalled)
		recall(master, worker, count < RECALL_MAX ? count : RECALL_MAX);
}

void
master_dispatch(struct master *master)
{
	master->skipping = false;
	while (may_dispatch(master) && have_next(master)) {
		int count;
		int worker = sched_pick(master->sched, &supply_next(master->supply)->need,
			supply_remaining(master->supply), &count);
		if (worker < 0)
			return;
		if (master->options.limit)
			count = 1;
		send_batch(master, worker, count);
	}
	if (!master->stop && (supply_is_dry(master->supply) || is_at_limit(master)))
		recall_for_idle_slots(master);
}
