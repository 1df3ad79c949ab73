/*
 * What master and worker conclude when the other one falls silent or dies, or no process can be
 * made: the real ones, each opposite this program, with a virtual clock.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "comm/inmem.h"
#include "comm/message.h"
#include "comm/transport.h"
#include "exec/runner.h"
#include "master/master.h"
#include "master/options.h"
#include "master/receive.h"
#include "tasks/result.h"
#include "tasks/source.h"
#include "ui/observer.h"
#include "worker/worker.h"

#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TASKS = 4, HOUR_S = 3600 };

struct rig {
	struct observer observer;
	struct inmem *hub;
	struct transport *master_end, *worker_end;
	struct message_link link; /* from the end that this program plays */
	struct source *source;
	struct master *master;
	struct worker *worker;
	struct runner runner;
	int64_t now_ns;
	int by_reason[RESULT_REASONS];
	uint64_t handed_out[TASKS]; /* indices, in the order in which they came */
	int nhanded_out;
	int kills;
};

static void
count_end(struct observer *observer, const struct observed_end *end)
{
	((struct rig *)observer)->by_reason[end->result->reason]++;
}

static void
ignore_turn(struct observer *observer, const struct observed_run *run, int64_t now_ns)
{
	(void)observer, (void)run, (void)now_ns;
}

static void
open_hub(struct rig *rig)
{
	*rig = (struct rig){.now_ns = clock_now_ns(), .hub = inmem_new(2)};
	rig->master_end = inmem_endpoint(rig->hub, 0);
	rig->worker_end = inmem_endpoint(rig->hub, 1);
}

static void
close_hub(struct rig *rig)
{
	transport_close(rig->master_end, TRANSPORT_DRAIN);
	transport_close(rig->worker_end, TRANSPORT_DRAIN);
	buf_clear(&rig->link.buf);
}

/* --- a master --- */

static void
hear_master(struct rig *rig)
{
	int peer;
	const void *data;
	size_t len;
	while (transport_receive(rig->worker_end, &peer, &data, &len) == TRANSPORT_MESSAGE) {
		struct message_head head;
		struct unpack in;
		struct err err;
		assert_int_equal(message_parse(data, len, &head, &in, &err), 0);
		uint32_t left = head.type == MESSAGE_TASKS ? unpack_u32(&in) : 0;
		for (; left; left--) {
			struct task *task = task_unpack(&in);
			assert_in_range(rig->nhanded_out, 0, TASKS - 1);
			rig->handed_out[rig->nhanded_out++] = task->index;
			task_free(task);
		}
	}
}

/* The master takes what was sent to it, and has its turn. */
static void
turn_master(struct rig *rig)
{
	int peer;
	const void *data;
	size_t len;
	while (transport_receive(rig->master_end, &peer, &data, &len) == TRANSPORT_MESSAGE) {
		struct message_head head;
		struct unpack in;
		struct err err;
		assert_int_equal(message_parse(data, len, &head, &in, &err), 0);
		master_message(rig->master, peer, &head, &in, rig->now_ns);
	}
	master_turn(rig->master, rig->now_ns);
	hear_master(rig);
}

/* One worker with a slot has said HELLO, and holds tasks. */
static void
open_master(struct rig *rig)
{
	static const struct observer_ops ops = {.ended = count_end, .turn = ignore_turn};
	struct err err;
	open_hub(rig);
	FILE *file = fopen("list", "w");
	for (int i = 0; i < TASKS; i++)
		fprintf(file, "true\n");
	fclose(file);
	rig->observer.ops = &ops;
	rig->source = source_open(&(struct source_options){.list = "list"}, &err);
	assert_non_null(rig->source);
	rig->master = master_new(&(struct master_options){.transport = rig->master_end,
		.workers = 1,
		.source = rig->source,
		.observer = &rig->observer,
		.fds = {STDOUT_FILENO, STDERR_FILENO}});
	rig->link = (struct message_link){.transport = rig->worker_end, .worker = 9};
	struct hello_slot slot = {.number = 1};
	hello_pack(message_begin(&rig->link, MESSAGE_HELLO), &(struct hello){.host = "there",
								     .rank = 1,
								     .offer = need_default,
								     .nslots = 1,
								     .slots = &slot});
	message_send(&rig->link, 0);
	turn_master(rig);
	assert_in_range(rig->nhanded_out, 1, TASKS);
}

static void
close_master(struct rig *rig)
{
	master_free(rig->master);
	source_free(rig->source);
	close_hub(rig);
	unlink("list");
}

static void
say_heartbeat(struct rig *rig)
{
	pack_i64(message_begin(&rig->link, MESSAGE_HEARTBEAT), 0);
	message_send(&rig->link, 0);
}

/* A rank that fell silent was once waited for for ever. */
static void
silent_worker_is_lost(void **state)
{
	(void)state;
	struct rig rig;
	open_master(&rig);
	for (int i = 0; i < 3 * MESSAGE_BEATS; i++) {
		rig.now_ns += MESSAGE_BEAT_NS;
		say_heartbeat(&rig);
		turn_master(&rig);
	}
	rig.now_ns += HOUR_S * CLOCK_NS_PER_S; /* all were suspended */
	turn_master(&rig);
	assert_int_equal(rig.by_reason[RESULT_LOST], 0);
	int had = rig.nhanded_out;
	for (int i = 0; i < 2 * MESSAGE_BEATS; i++) {
		rig.now_ns += MESSAGE_BEAT_NS;
		turn_master(&rig);
	}
	assert_int_equal(rig.by_reason[RESULT_LOST], had);
	assert_true(master_finished(rig.master));
	assert_int_equal(master_exit_code(rig.master), 3);
	close_master(&rig);
}

/* It was only stopped, and goes on: what it says now is nobody's any more. */
static void
lost_worker_that_comes_back_is_not_heard(void **state)
{
	(void)state;
	struct rig rig;
	open_master(&rig);
	int had = rig.nhanded_out;
	master_lost(rig.master, 1);
	turn_master(&rig);
	struct buf *buf = message_begin(&rig.link, MESSAGE_RESULTS);
	pack_u32(buf, 1);
	result_pack(buf, &(struct result){.index = rig.handed_out[0], .attempt = 1});
	message_send(&rig.link, 0);
	message_begin(&rig.link, MESSAGE_BYE);
	message_send(&rig.link, 0);
	turn_master(&rig);
	assert_int_equal(rig.by_reason[RESULT_LOST], had);
	assert_int_equal(rig.by_reason[RESULT_OK], 0);
	assert_true(master_finished(rig.master));
	assert_int_equal(master_exit_code(rig.master), 3);
	close_master(&rig);
}

/* No process can be made for the task that came last. */
static void
turn_down(struct rig *rig)
{
	struct buf *buf = message_begin(&rig->link, MESSAGE_RECALLED);
	pack_u32(buf, 1);
	pack_u64(buf, rig->handed_out[--rig->nhanded_out]);
	pack_u8(buf, RECALLED_NO_ROOM);
	message_send(&rig->link, 0);
	turn_master(rig);
}

/* The run once stood still for ever, and without a word. */
static void
without_room_tasks_fail_at_last(void **state)
{
	(void)state;
	struct rig rig;
	open_master(&rig);
	turn_down(&rig);
	assert_in_range(rig.nhanded_out, 1, TASKS); /* it came again */
	rig.now_ns += 29 * CLOCK_NS_PER_S;
	say_heartbeat(&rig);
	turn_down(&rig);
	assert_int_equal(rig.by_reason[RESULT_SPAWN], 0);
	rig.now_ns += 2 * CLOCK_NS_PER_S;
	turn_down(&rig);
	assert_int_equal(rig.by_reason[RESULT_SPAWN], 1);
	close_master(&rig);
}

/* --- a worker --- */

static void
ignore_seq(struct runner *runner, int slot, uint64_t seq)
{
	(void)runner, (void)slot, (void)seq;
}

static void
count_kill(struct runner *runner, int slot, uint64_t seq, enum result_reason reason, uint32_t grace)
{
	(void)slot, (void)seq, (void)reason, (void)grace;
	struct rig *rig = (struct rig *)((char *)runner - offsetof(struct rig, runner));
	rig->kills++;
}

static void
ignore_start(struct runner *runner, int slot, uint64_t seq, const struct task *task)
{
	(void)runner, (void)slot, (void)seq, (void)task;
}

static void
ignore(struct runner *runner)
{
	(void)runner;
}

static int64_t
never(const struct runner *runner)
{
	(void)runner;
	return CLOCK_NEVER;
}

static void
turn_worker(struct rig *rig)
{
	int peer;
	const void *data;
	size_t len;
	while (transport_receive(rig->worker_end, &peer, &data, &len) == TRANSPORT_MESSAGE) {
		struct message_head head;
		struct unpack in;
		struct err err;
		assert_int_equal(message_parse(data, len, &head, &in, &err), 0);
		worker_message(rig->worker, &head, &in, rig->now_ns);
	}
	worker_turn(rig->worker, rig->now_ns);
}

static void
open_worker(struct rig *rig)
{
	static const struct runner_ops ops = {.start = ignore_start,
		.recall = ignore_seq,
		.kill = count_kill,
		.flush = ignore,
		.deadline_ns = never,
		.close = ignore};
	static const struct hello hello = {.nslots = 1};
	struct hello_slot slot = {.number = 1};
	struct hello full = hello;
	full.slots = &slot;
	struct cpus none = {0};
	open_hub(rig);
	rig->runner = (struct runner){.ops = &ops, .slots = 1};
	rig->worker = worker_new(&(struct worker_options){
		.transport = rig->worker_end, .id = 9, .runner = &rig->runner, .hello = &full});
	rig->runner.events->up(rig->runner.events_arg, 0, &none);
	rig->link = (struct message_link){.transport = rig->master_end, .worker = 9};
	struct buf *buf = message_begin(&rig->link, MESSAGE_TASKS);
	pack_u32(buf, 1);
	struct task *task = task_new(&(struct task){.index = 1, .attempt = 1, .command = "true"});
	task_pack(buf, task);
	task_free(task);
	message_send(&rig->link, 1);
	turn_worker(rig);
}

static void
close_worker(struct rig *rig)
{
	worker_free(rig->worker);
	close_hub(rig);
}

/* Workers once stayed for ever after rank 0 had been killed. */
static void
worker_leaves_a_silent_master(void **state)
{
	(void)state;
	struct rig rig;
	open_worker(&rig);
	for (int i = 0; i < 3 * MESSAGE_BEATS; i++) {
		rig.now_ns += MESSAGE_BEAT_NS;
		message_begin(&rig.link, MESSAGE_ALIVE);
		message_send(&rig.link, 1);
		turn_worker(&rig);
	}
	rig.now_ns += HOUR_S * CLOCK_NS_PER_S; /* all were suspended */
	turn_worker(&rig);
	assert_false(worker_is_alone(rig.worker));
	for (int i = 0; i <= MESSAGE_BEATS && !worker_is_alone(rig.worker); i++) {
		rig.now_ns += MESSAGE_BEAT_NS;
		turn_worker(&rig);
	}
	assert_true(worker_is_alone(rig.worker));
	assert_true(rig.kills > 0);
	assert_false(worker_finished(rig.worker)); /* its task has time to end */
	assert_true(worker_deadline_ns(rig.worker) <= rig.now_ns + 10 * CLOCK_NS_PER_S);
	struct result result = {.index = 1, .attempt = 1, .reason = RESULT_CANCELLED};
	rig.runner.events->ended(rig.runner.events_arg, 0, 1, &result);
	turn_worker(&rig);
	assert_true(worker_finished(rig.worker));
	close_worker(&rig);
}

/* One whose task cannot be ended leaves all the same. */
static void
worker_leaves_a_dead_master(void **state)
{
	(void)state;
	struct rig rig;
	open_worker(&rig);
	worker_lost_master(rig.worker, rig.now_ns);
	turn_worker(&rig);
	assert_false(worker_finished(rig.worker));
	rig.now_ns += 10 * CLOCK_NS_PER_S;
	turn_worker(&rig);
	assert_true(worker_finished(rig.worker));
	close_worker(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_worker_is_lost),
		cmocka_unit_test(lost_worker_that_comes_back_is_not_heard),
		cmocka_unit_test(without_room_tasks_fail_at_last),
		cmocka_unit_test(worker_leaves_a_silent_master),
		cmocka_unit_test(worker_leaves_a_dead_master),
	};
	log_init(-1, true);
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
