/* How a flight ends. */
#include "master/landing.h"

#include "base/clock.h"
#include "base/log.h"
#include "master/internal.h"
#include "master/ledger.h"
#include "run/joblog.h"
#include "run/journal.h"
#include "run/record.h"
#include "sched/sched.h"
#include "tasks/task.h"
#include "ui/observer.h"

#include <errno.h>

void
master_task_returned(struct master *master, struct flight *flight)
{
	sched_done(master->sched, flight->worker, -1);
	struct task *task = flight->task;
	flights_remove(master->flights, flight, true);
	supply_give_back(master->supply, task);
}

void
master_recall_answered(struct master *master, struct flight *flight)
{
	master->members.list[flight->worker].recalled -= flight->recalled;
	flight->recalled = false;
}

void
master_task_ended(struct master *master, struct flight *flight, const struct result *result)
{
	if (flight->ended)
		return;
	master_recall_answered(master, flight);
	bool ran = result->reason != RESULT_LOST && result->reason != RESULT_SPAWN;
	sched_done(master->sched, flight->worker, ran ? result->runtime_ns : -1);
	if (result->reason != RESULT_SPAWN)
		master->no_room_ns = 0;
	flight->ended = true;
	flight->result = *result;
	flight->result.out = flight->result.err = flight->result.tail = NULL;
	output_ended(master->output, flight, result);
}

void
master_task_gone(struct master *master, struct flight *flight, enum result_reason reason)
{
	struct result result = {.index = flight->task->index,
		.attempt = flight->task->attempt,
		.slot = UINT16_MAX, /* only the worker knew */
		.reason = (uint8_t)reason,
		.start_us = clock_unix_us(),
		.offered = flight->fetching};
	if (flight->ended)
		flight->result.reason = (uint8_t)reason; /* its output is lost */
	else
		master_task_ended(master, flight, &result);
	if (flight->fetching)
		output_fetched(master->output, flight);
}

/* Ending one can end others' wait, so the table is walked again for each. */
void
master_all_gone(struct master *master, int worker, enum result_reason reason)
{
	bool found = true;
	while (found) {
		found = false;
		struct flight *flight;
		for (size_t at = 0; (flight = flights_next(master->flights, &at));) {
			bool out = flight->fetching || !flight->ended;
			if ((worker >= 0 && flight->worker != worker) || !out)
				continue;
			master_task_gone(master, flight, reason);
			found = true;
		}
	}
}

/* --- records --- */

/* The disk's fault, not the task's: no other task would fare better. */
static bool
is_disk_error(const struct result *result)
{
	int error = result->reason == RESULT_SPAWN ? 0 : result->error;
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

static void
count(struct master *master, const struct result *result)
{
	enum ledger_state state = LEDGER_FAILED;
	master->recorded++;
	master->by_reason[result->reason]++;
	master->unopened += result->reason == RESULT_OUTPUT && !result->runtime_ns;
	if (is_disk_error(result))
		master->unkept++;
	else if (result->out_bytes + result->err_bytes || !result->stored)
		master->unkept = 0; /* but nothing, put into a store, proves nothing */
	if (result->reason == RESULT_OK)
		state = LEDGER_SUCCEEDED;
	else if (result->reason == RESULT_CANCELLED)
		state = LEDGER_OPEN;
	master->failed += state == LEDGER_FAILED;
	master->cancelled += state == LEDGER_OPEN;
	if (master->options.ledger)
		ledger_set(master->options.ledger, result->index, state);
}

static void
record(struct master *master, const struct flight *flight)
{
	const struct member *member = &master->members.list[flight->worker];
	bool known = flight->result.slot < member->hello.nslots;
	const struct member_slot *slot = known ? &member->slots[flight->result.slot] : NULL;
	const struct record entry = {.session = master->options.session_number,
		.host = member->hello.host,
		.rank = member->hello.rank,
		.slot = known ? (int)slot->number : 0,
		.cores = known ? slot->cores : "",
		.directory = master->options.directory,
		.task = flight->task,
		.result = &flight->result};
	count(master, &flight->result);
	if (master->options.journal)
		record_append(&master->lines, &entry);
	if (master->options.joblog)
		joblog_append(&master->joblines, &entry);
	struct observer *observer = master->options.observer;
	if (observer)
		observer->ops->ended(observer,
			&(struct observed_end){.task = flight->task,
				.result = &flight->result,
				.host = member->hello.host,
				.slot = known ? member->first_slot + flight->result.slot : -1,
				.tail = flight->tail.data,
				.tail_len = flight->tail.len});
}

static void
append(struct journal *journal, struct buf *lines)
{
	if (lines->len)
		journal_append(journal, lines->data, lines->len);
	buf_consume(lines, lines->len);
}

void
master_record(struct master *master)
{
	struct flight *flight;
	while ((flight = output_next_done(master->output))) {
		record(master, flight);
		supply_resolve(master->supply, flight->result.reason == RESULT_OK);
		flights_remove(master->flights, flight, false);
	}
	append(master->options.journal, &master->lines);
	append(master->options.joblog, &master->joblines);
}
