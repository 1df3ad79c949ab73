/*
 * The pool in every state of a slot: this program plays the keeper and the executors at the other
 * ends of their sockets, so that each can die, or fall silent, at exactly one place.
 */
#include "base/clock.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/pack.h"
#include "exec/frame.h"
#include "exec/keeper.h"
#include "exec/mailbox.h"
#include "exec/pool.h"
#include "exec/runner.h"
#include "exec/setup.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 2000, BOUND_S = 30 };

struct rig {
	struct setup setups[SLOTS];
	struct loop *loop;
	struct runner *runner;
	struct mailbox keeper; /* the keeper's end */
	pid_t process;	       /* a process of ours that plays one of theirs; 0: none */
	int ups, downs, recalls;
	uint64_t down_started;
	bool down_for_ever;
	char down_why[128];
};

static void
on_up(void *arg, int slot, const struct cpus *cpus)
{
	(void)slot;
	(void)cpus;
	((struct rig *)arg)->ups++;
}

static void
on_recalled(void *arg, int slot, uint64_t seq, enum recalled how)
{
	(void)slot;
	(void)seq;
	(void)how;
	((struct rig *)arg)->recalls++;
}

static void
on_down(void *arg, int slot, uint64_t started, const char *why, bool for_ever)
{
	(void)slot;
	struct rig *rig = arg;
	rig->downs++;
	rig->down_started = started;
	rig->down_for_ever = for_ever;
	snprintf(rig->down_why, sizeof(rig->down_why), "%s", why);
}

static const struct runner_events rig_events = {
	.up = on_up, .recalled = on_recalled, .down = on_down};

static void
rig_open(struct rig *rig, int slots)
{
	int ends[2];
	rig->process = fork();
	if (rig->process == 0) {
		alarm(2 * BOUND_S);
		pause();
		_exit(0);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	rig->loop = loop_new();
	rig->keeper = mailbox_init(ends[1]);
	rig->runner = pool_new(rig->loop,
		&(struct keeper_link){.socket = ends[0], .pid = rig->process}, rig->setups, slots);
	rig->runner->events = &rig_events;
	rig->runner->events_arg = rig;
}

static int
rig_new(void **state)
{
	static struct rig rig;
	static char none[1];
	rig = (struct rig){.keeper = {.socket = -1}};
	for (int i = 0; i < SLOTS; i++)
		rig.setups[i] = (struct setup){.slot = i + 1, .tmpdir = none, .keep = none};
	*state = &rig;
	return 0;
}

static int
rig_free(void **state)
{
	struct rig *rig = *state;
	rig->runner->ops->close(rig->runner);
	loop_free(rig->loop);
	if (rig->keeper.socket >= 0)
		mailbox_clear(&rig->keeper);
	kill(rig->process, SIGKILL);
	waitpid(rig->process, NULL, 0);
	return 0;
}

/* One turn; returns how many descriptors had something. */
static int
turn(struct rig *rig)
{
	rig->runner->ops->flush(rig->runner);
	return loop_turn(rig->loop, 10 * CLOCK_NS_PER_MS);
}

/* Turns the loop until it holds; fails if it never does. */
#define UNTIL(rig, condition)                                                                      \
	do {                                                                                       \
		int64_t until_end = clock_now_ns() + BOUND_S * CLOCK_NS_PER_S;                     \
		while (!(condition)) {                                                             \
			if (clock_now_ns() > until_end)                                            \
				fail_msg("waited in vain: %s", #condition);                        \
			turn(rig);                                                                 \
		}                                                                                  \
	} while (0)

/* --- the other ends --- */

/* True once the pool has asked for an executor. */
static bool
was_asked(struct rig *rig)
{
	struct keeper_message message;
	int fd;
	if (mailbox_receive(&rig->keeper, &message, &fd) <= 0)
		return false;
	assert_int_equal(message.type, KEEPER_FORK);
	return true;
}

static void
tell(struct rig *rig, const struct keeper_message *message, int fd)
{
	mailbox_post(&rig->keeper, message, fd);
	assert_true(mailbox_send(&rig->keeper));
}

/* Answers a FORK, and sets slot 0 up; returns the executor's end of its socket. */
static int
serve(struct rig *rig)
{
	int ends[2], ups = rig->ups;
	UNTIL(rig, was_asked(rig));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	tell(rig, &(struct keeper_message){.type = KEEPER_FORKED, .pid = rig->process}, ends[0]);
	struct conn conn = conn_init(ends[1]);
	struct cpus none = {0};
	conn_begin(&conn, FRAME_READY);
	cpus_pack(&conn.out, &none);
	conn_end(&conn);
	assert_true(conn_write(&conn));
	buf_clear(&conn.out);
	UNTIL(rig, rig->ups == ups + 1);
	return ends[1];
}

static void
die_with(struct rig *rig, uint64_t started)
{
	tell(rig,
		&(struct keeper_message){
			.type = KEEPER_DOWN, .status = SIGKILL, .started = started},
		-1);
}

static void
give(struct rig *rig, uint64_t seq)
{
	struct task *task = task_new(&(struct task){.command = "true", .command_len = 4});
	rig->runner->ops->start(rig->runner, 0, seq, task);
	task_free(task);
}

/* --- tests --- */

/* One failed fork once closed the slot for good. */
static void
failed_fork_is_tried_again(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	for (int i = 1; i <= 2; i++) {
		UNTIL(rig, was_asked(rig));
		tell(rig, &(struct keeper_message){.type = KEEPER_FORKED, .error = EAGAIN}, -1);
		UNTIL(rig, rig->downs == i);
		assert_false(rig->down_for_ever);
		assert_int_equal(rig->down_started, 0);
	}
	close(serve(rig));
}

/* Rank and keeper once blocked in a send to each other for ever. */
static void
silent_keeper_blocks_nobody(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, SLOTS);
	for (int i = 0; i < 100; i++)
		turn(rig);
	int asked = 0;
	while (was_asked(rig))
		asked++;
	assert_in_range(asked, 1, 64); /* the others when these are answered */
}

/* The loop once kept a connection that was overwritten: 100 % of a core for the rest of the run. */
static void
child_that_holds_the_socket_is_no_executor(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	for (int i = 1; i <= 3; i++) {
		int held = serve(rig);
		give(rig, (uint64_t)i);
		die_with(rig, (uint64_t)i);
		UNTIL(rig, rig->downs == i);
		assert_int_equal(rig->down_started, i);
		assert_string_equal(rig->down_why, "its executor was killed by signal 9");
		close(held);
	}
	close(serve(rig));
	UNTIL(rig, turn(rig) == 0); /* nothing is ready any more */
}

/* Its task once ran again, and nobody said a word. */
static void
executor_and_keeper_die_together(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	int socket = serve(rig);
	give(rig, 1);
	give(rig, 2);
	turn(rig);
	close(socket);
	UNTIL(rig, turn(rig) == 0);
	assert_int_equal(rig->downs, 0);
	mailbox_clear(&rig->keeper);
	UNTIL(rig, rig->downs == 1);
	assert_int_equal(rig->down_started, 2);
	assert_true(rig->down_for_ever);
}

static void
keeper_dies_while_it_is_asked(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	UNTIL(rig, was_asked(rig));
	mailbox_clear(&rig->keeper);
	UNTIL(rig, rig->downs == 1);
	assert_int_equal(rig->down_started, 0);
	assert_true(rig->down_for_ever);
	give(rig, 1); /* ignored */
	turn(rig);
}

/* It is killed some time after the grace; and if not even that is told, the slot is given up. */
static void
silent_executor_is_killed(void **state)
{
	struct rig *rig = *state;
	int status;
	rig_open(rig, 1);
	int socket = serve(rig);
	give(rig, 1);
	rig->runner->ops->kill(rig->runner, 0, 1, RESULT_CANCELLED, 1);
	UNTIL(rig, waitpid(rig->process, &status, WNOHANG) == rig->process);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	rig->process = fork(); /* for rig_free() */
	if (rig->process == 0) {
		pause();
		_exit(0);
	}
	UNTIL(rig, rig->downs == 1);
	assert_int_equal(rig->down_started, 1);
	assert_true(rig->down_for_ever);
	close(socket);
}

/* A task may take its time to end, as when its output is fetched, while its executor answers. */
static void
slow_task_is_no_silent_executor(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	struct conn conn = conn_init(serve(rig));
	int answered = 0;
	give(rig, 1);
	rig->runner->ops->kill(rig->runner, 0, 1, RESULT_CANCELLED, 0);
	while (answered < 2) {
		uint8_t type;
		struct unpack in;
		turn(rig);
		assert_true(conn_read(&conn));
		while (conn_next(&conn, &type, &in)) {
			if (type != FRAME_RECALL)
				continue;
			conn_begin(&conn, FRAME_RECALLED);
			pack_u64(&conn.out, 1);
			pack_u8(&conn.out, RECALLED_LATE);
			conn_end(&conn);
			assert_true(conn_write(&conn));
			answered++;
		}
	}
	UNTIL(rig, rig->recalls == 2);
	assert_int_equal(rig->downs, 0);
	assert_int_equal(waitpid(rig->process, NULL, WNOHANG), 0);
	conn_clear(&conn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(failed_fork_is_tried_again),
		TEST(silent_keeper_blocks_nobody),
		TEST(child_that_holds_the_socket_is_no_executor),
		TEST(executor_and_keeper_die_together),
		TEST(keeper_dies_while_it_is_asked),
		TEST(silent_executor_is_killed),
		TEST(slow_task_is_no_silent_executor),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
