/* The master's turn: output, records, messages, screen. */
#include "master/master.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/streams.h"
#include "comm/transport.h"
#include "master/dispatch.h"
#include "master/internal.h"
#include "master/landing.h"
#include "master/snapshot.h"
#include "master/stop.h"
#include "run/journal.h"
#include "sched/sched.h"
#include "tasks/source.h"
#include "tasks/task.h"
#include "ui/observer.h"

#include <stdlib.h>

enum { UNOPENED_MAX = 10, UNKEPT_MAX = 10 };

/* --- interrupts and losses --- */

void
master_interrupt(struct master *master, int64_t now_ns)
{
	master_stop(master, STOP_INTERRUPT);
	bool again = master->interrupts++ > 0;
	master_kill_all(master, again ? 0 : master->options.grace_ms);
	if (again)
		output_abandon(master->output);
	if (master->options.settle_ms && master->settle_ns == CLOCK_NEVER)
		master->settle_ns = now_ns + master->options.settle_ms * CLOCK_NS_PER_MS;
}

/* Which tasks it had, and what has become of them, nobody can say any more. */
static void
lose_member(struct master *master, struct member *member)
{
	int number = (int)(member - master->members.list);
	master->said_bye += !member->bye;
	member->bye = member->lost = true;
	member->open_slots = 0;
	sched_slots(master->sched, number, 0);
	master_all_gone(master, number, RESULT_LOST);
	if (master->draining)
		return;
	log_error(
		"rank %d on %s is lost: nothing new is started, and what runs elsewhere is awaited",
		(int)member->hello.rank, member->hello.host);
	master_stop(master, STOP_LOST);
}

void
master_lost(struct master *master, int peer)
{
	struct member *member = members_of_peer(&master->members, peer);
	if (member && !member->lost)
		lose_member(master, member);
	if (member)
		return;
	master->said_bye++;
	master->gone++;
	log_error("rank %d is lost before it has said where it is", peer);
	master_stop(master, STOP_LOST);
}

/* Tells all that rank 0 is here, and looks for those that have been silent for long. */
static void
beat(struct master *master, int64_t now_ns)
{
	if (now_ns < master->beat_ns)
		return;
	master->beat_ns = now_ns + MESSAGE_BEAT_NS;
	for (int i = 0; i < master->members.count; i++) {
		struct member *member = &master->members.list[i];
		if (member->lost)
			continue;
		message_begin(&member->link, MESSAGE_ALIVE);
		message_send(&member->link, member->peer);
		if (member->bye || member->unheard++ < MESSAGE_BEATS)
			continue;
		master->silent = true;
		lose_member(master, member);
	}
}

/* --- the turn --- */

static void
write_output(struct master *master)
{
	struct err err;
	if (output_write(master->output, &err) == 0 || master->output_failed)
		return;
	master->output_failed = true;
	log_error("%s: the run is stopped", err.text);
	if (output_holds(master->output))
		log_error("outputs that waited for their turn are lost with it, though their tasks "
			  "are recorded already");
	master_stop(master, output_is_closed(master->output) ? STOP_READER : STOP_FAILURE);
	master_kill_all(master, master->options.grace_ms);
}

static void
check_disks(struct master *master)
{
	struct err err;
	struct journal *journal = master->options.journal, *joblog = master->options.joblog;
	bool failed = (journal && journal_failed(journal, &err)) ||
		      (joblog && journal_failed(joblog, &err)) ||
		      output_spool_failed(master->output, &err);
	if (!failed || master->stop == STOP_FAILURE)
		return;
	log_error("%s: no further task is started", err.text);
	master_stop(master, STOP_FAILURE);
}

/* One task may name a bad file; when none of the first ones could open its own, none will. */
static void
check_files(struct master *master)
{
	bool none = master->unopened >= UNOPENED_MAX && master->unopened == master->recorded;
	if (master->stop || (!none && master->unkept < UNKEPT_MAX))
		return;
	if (none)
		log_error("none of the first %llu tasks could open its output file: no further "
			  "task is started",
			(unsigned long long)master->unopened);
	else
		log_error("the outputs of %llu tasks in a row could not be written to disk: no "
			  "further task is started",
			(unsigned long long)master->unkept);
	master_stop(master, STOP_FAILURE);
}

static void
settle(struct master *master, int64_t now_ns)
{
	if (now_ns < master->settle_ns)
		return;
	master->settle_ns = CLOCK_NEVER;
	master_all_gone(master, -1, RESULT_CANCELLED);
	master_record(master);
	if (master->options.journal)
		journal_flush(master->options.journal);
}

/* No slot will ever be there again, and tasks are. */
static void
check_slots(struct master *master)
{
	if (master->members.count + master->gone < master->options.workers || master->stop)
		return;
	if (supply_is_empty(master->supply) || sched_total_slots(master->sched) > 0 ||
		members_have_slots(&master->members))
		return;
	log_error("no slot is left to run tasks on");
	master_stop(master, STOP_FAILURE);
}

/* All flights that are left are those whose output can no longer be written. */
static bool
is_over(const struct master *master)
{
	if (!supply_is_empty(master->supply))
		return false;
	bool ended = flights_count(master->flights) == 0;
	if (ended)
		output_close(master->output);
	if (output_write(master->output, NULL) == 0)
		return ended && !output_holds(master->output) && !output_backlog(master->output);
	struct flight *flight;
	for (size_t at = 0; (flight = flights_next(master->flights, &at));)
		if (!flight->ended && !master->members.list[flight->worker].lost)
			return false;
	return true;
}

static void
send_to_all(struct master *master, enum message_type type)
{
	for (int i = 0; i < master->members.count; i++) {
		struct member *member = &master->members.list[i];
		if (member->lost)
			continue;
		message_begin(&member->link, type);
		message_send(&member->link, member->peer);
	}
}

static void
end_run(struct master *master)
{
	if (!master->draining && is_over(master)) {
		master->draining = true;
		send_to_all(master, MESSAGE_DRAIN);
	}
	if (master->draining && !master->finished && master->said_bye == master->options.workers) {
		master->finished = true;
		send_to_all(master, MESSAGE_BYE_ACK);
	}
}

static void
show(struct master *master, int64_t now_ns)
{
	struct observer *observer = master->options.observer;
	if (!observer)
		return;
	struct observed_run run = {.done_before = supply_all_done_before(master->supply),
		.skipped = supply_left_out(master->supply),
		.handed_out = master->handed_out,
		.held = (int)flights_count(master->flights),
		.slots = sched_total_slots(master->sched),
		.hosts = master->members.hosts,
		.in_line = output_in_line(master->output)};
	run.tasks = supply_tasks(master->supply, &run.about);
	run.busy = run.held < run.slots ? run.held : run.slots;
	observer->ops->turn(observer, &run, now_ns);
}

/* The list or the journal is no good: what was handed out and has not started comes back. Only once
 * all messages of the turn are sent, as a batch of tasks may be what found the list bad. */
static void
hold_back(struct master *master)
{
	if (master->stop < STOP_LIST || master->held_back)
		return;
	master->held_back = true;
	for (int i = 0; i < master->members.count; i++) {
		struct member *member = &master->members.list[i];
		if (member->lost || member->bye)
			continue;
		pack_u32(message_begin(&member->link, MESSAGE_RECALL), 0);
		message_send(&member->link, member->peer);
	}
}

void
master_turn(struct master *master, int64_t now_ns)
{
	write_output(master);
	master_record(master);
	check_disks(master);
	check_files(master);
	settle(master, now_ns);
	beat(master, now_ns);
	master_dispatch(master);
	check_slots(master);
	hold_back(master);
	end_run(master);
	master_snapshot(master, now_ns);
	show(master, now_ns);
}

/* --- what the loop asks --- */

int64_t
master_deadline_ns(const struct master *master)
{
	if (master->skipping || output_has_more(master->output))
		return 0;
	const struct observer *observer = master->options.observer;
	int64_t due = master_snapshot_due_ns(master);
	if (observer && observer->ops->due_ns && observer->ops->due_ns(observer) < due)
		due = observer->ops->due_ns(observer);
	due = master->beat_ns < due ? master->beat_ns : due;
	due = streams_due_ns() < due ? streams_due_ns() : due;
	return master->settle_ns < due ? master->settle_ns : due;
}

int64_t
master_poll_cap_ns(const struct master *master, int64_t now_ns)
{
	return sched_poll_cap_ns(
		master->sched, output_is_fetching(master->output), now_ns - master->active_ns);
}

int
master_list_fd(const struct master *master)
{
	return supply_fd(master->supply);
}

int
master_output_fd(const struct master *master, int i)
{
	return output_wants(master->output, i);
}

bool
master_finished(const struct master *master)
{
	return master->finished;
}

bool
master_is_left(const struct master *master)
{
	return master->silent;
}

int
master_exit_code(const struct master *master)
{
	const struct master_options *options = &master->options;
	uint64_t tasks = source_count(options->source);
	uint64_t left_out = supply_left_out(master->supply);
	uint64_t known = master->recorded + supply_done_before(master->supply) + left_out;
	bool all = tasks && known == tasks; /* an interrupt that came too late for any */
	if (master->stop == STOP_FAILURE)
		return 4;
	if (master->stop == STOP_LOST || (master->stop && !all) || master->cancelled ||
		(options->leave_new && left_out))
		return 3;
	return master->failed || left_out ? 1 : 0;
}

static void
send_credit(void *arg, struct flight *flight, uint32_t chunks)
{
	struct master *master = arg;
	struct member *member = &master->members.list[flight->worker];
	if (member->lost)
		return;
	struct buf *buf = message_begin(&member->link, MESSAGE_OUT_CREDIT);
	pack_u64(buf, flight->task->index);
	pack_u32(buf, chunks);
	message_send(&member->link, member->peer);
}

static void
before_output(void *arg)
{
	const struct master *master = arg;
	struct observer *observer = master->options.observer;
	if (observer && observer->ops->output)
		observer->ops->output(observer);
}

struct master *
master_new(const struct master_options *options)
{
	struct master *master = xcalloc(1, sizeof(*master));
	master->options = *options;
	master->settle_ns = CLOCK_NEVER;
	master->beat_ns = options->transport->size > 1 ? 0 : CLOCK_NEVER;
	master->active_ns = clock_now_ns();
	master->supply = supply_new(&(struct supply_options){.source = options->source,
		.resume = options->resume,
		.leave_failed = options->leave_failed,
		.leave_new = options->leave_new,
		.ledger = options->ledger});
	master->flights = flights_new();
	members_init(&master->members, options->transport->size);
	master->sched = sched_new(&(struct sched_options){.polled = options->transport->size > 1});
	master->output =
		output_new(&(struct output_options){.fds = {options->fds[0], options->fds[1]},
			.by_line = options->by_line,
			.tmpdir = options->tmpdir,
			.order = options->order,
			.credit = send_credit,
			.before = before_output,
			.arg = master});
	return master;
}

void
master_free(struct master *master)
{
	if (!master)
		return;
	supply_free(master->supply);
	flights_free(master->flights);
	members_clear(&master->members);
	output_free(master->output);
	sched_free(master->sched);
	buf_clear(&master->lines);
	buf_clear(&master->joblines);
	free(master);
}
