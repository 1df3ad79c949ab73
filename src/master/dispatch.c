/* Handing out tasks, and calling them back. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "master/internal.h"
#include "run/journal.h"
#include "run/resume.h"
#include "sched/sched.h"
#include "tasks/source.h"
#include "tasks/task.h"

#include <string.h>

enum { SKIPPED_A_TURN = 20000 };

#define BATCH_BYTES (64 * 1024)
#define RECALL_MAX (BATCH_BYTES / 8)
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

/* --- the next task --- */

static enum task_barrier
stronger(enum task_barrier a, enum task_barrier b)
{
	return a > b ? a : b;
}

/* Is it to be run in this session? */
static bool
is_asked_for(struct master *master, const struct task *task)
{
	const struct master_options *options = &master->options;
	if (!options->resume)
		return true;
	enum resume_verdict verdict =
		resume_verdict(options->resume, task->index, task_identity(task));
	if (verdict == RESUME_DONE) {
		master->done_before++;
		ledger_set(options->ledger, task->index, LEDGER_SUCCEEDED);
		return false;
	}
	if (verdict == RESUME_FAILED ? !options->leave_failed : !options->leave_new)
		return true;
	master->left_out++;
	if (verdict == RESUME_FAILED)
		ledger_set(options->ledger, task->index, LEDGER_FAILED);
	return false;
}

/* What source_next() has to say, without the tasks that are left out; of those so many a turn. */
static enum next
take_from_source(struct master *master, struct task **task, struct err *err)
{
	for (int left = SKIPPED_A_TURN; left; left--) {
		enum next next = source_next(master->options.source, task, err);
		if (next == NEXT_AGAIN)
			break;
		if (next != NEXT_ONE)
			return next;
		(*task)->barrier = stronger((*task)->barrier, master->passed);
		master->passed = BARRIER_NONE;
		if (is_asked_for(master, *task)) {
			(*task)->order = master->order++;
			return next;
		}
		master->passed = (*task)->barrier;
		task_free(*task);
	}
	master->skipping = true;
	return NEXT_AGAIN;
}

/* Everything before the barrier has ended: may what is behind it begin? */
static void
pass_barrier(struct master *master)
{
	uint64_t open = master->failed + master->cancelled + master->left_out;
	struct task *task = master->barred;
	master->barred = NULL;
	if (task->barrier != BARRIER_CHECK || !open) {
		master->next = task;
		return;
	}
	log_error("task %llu waits for a barrier that checks, and %llu task%s before it ha%s not "
		  "succeeded: nothing behind it is started",
		(unsigned long long)task->index, (unsigned long long)open, open == 1 ? "" : "s",
		open == 1 ? "s" : "ve");
	task_free(task);
	master_stop(master, STOP_BARRIER);
}

static void
take_next(struct master *master)
{
	struct err err;
	struct task *task;
	enum next next = take_from_source(master, &task, &err);
	master->list_waits = next == NEXT_WAIT;
	if (next == NEXT_END)
		master->list_ended = true;
	if (next == NEXT_ERROR) {
		log_error("%s: no further task is started", err.text);
		master_stop(master, STOP_LIST);
	}
	if (next == NEXT_ONE && task->barrier)
		master->barred = task;
	else if (next == NEXT_ONE)
		master->next = task;
}

/* The task to hand out next is in master->next; false if there is none now. */
static bool
have_next(struct master *master)
{
	if (!master->next && master->nreturned)
		master->next = master->returned[--master->nreturned];
	if (!master->next && !master->barred && !master->list_ended && !master->stop)
		take_next(master);
	if (!master->next && master->barred && !flights_count(master->flights))
		pass_barrier(master);
	return master->next;
}

/* --- handing out --- */

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
		uint64_t remaining =
			1 + master->nreturned +
			(master->list_ended ? 0 : source_remaining(master->options.source));
		int count;
		int worker = sched_pick(master->sched, &master->next->need, remaining, &count);
		if (worker < 0)
			return;
		if (master->options.limit)
			count = 1;
		send_batch(master, worker, count);
	}
	bool none = (master->list_ended || master->barred) && !master->nreturned && !master->next;
	if (!master->stop && (none || is_at_limit(master)))
		recall_for_idle_slots(master);
}
