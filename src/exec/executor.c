/*
 * The executor's loop: frames in, one attempt at a time, frames out. A plain sequential program;
 * what it costs per task beside the spawn itself is one poll, one signal read, two waits and two
 * reads.
 */
#include "exec/executor.h"

#include "base/clock.h"
#include "base/conn.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pack.h"
#include "exec/attempt.h"
#include "exec/frame.h"
#include "exec/limits.h"
#include "exec/outbox.h"
#include "exec/tree.h"
#include "place/bind.h"
#include "tasks/task.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define STARTED_NS (EXEC_STARTED_MS * CLOCK_NS_PER_MS)
#define FLUSH_NS (5 * CLOCK_NS_PER_MS) /* how long a result waits for others */
#define FLUSH_BYTES (64 * 1024)
#define LINES_NS (50 * CLOCK_NS_PER_MS)	 /* how long lines wait for others */
#define RETRY_NS (100 * CLOCK_NS_PER_MS) /* after the system had no room for another process */
#define NO_ROOM_NS CLOCK_NS_PER_S	 /* how long that is tried before the tasks go elsewhere */
#define PAUSE_MAX_NS (8 * CLOCK_NS_PER_S)
#define LEAVE_MS 5000

struct staged {
	uint64_t seq;
	struct task *task;
};

struct executor {
	struct conn conn;
	int signal_fd;
	char **variables;
	struct executor_progress *progress;
	struct slot slot;
	struct staged *queue; /* in order; queue[0] is the next */
	size_t queued, queue_room;
	size_t queue_peak;    /* the longest since results were last sent */
	int64_t unsent_ns;    /* since when a result waits to be sent; 0: none does */
	int64_t retry_ns;     /* no spawn before this */
	int64_t no_room_ns;   /* since when no process can be made; 0: they can */
	int64_t pause_ns;     /* how long it takes no tasks when that has lasted, 0: not yet */
	bool paused;	      /* it takes none, until retry_ns */
	struct cpus cpus;     /* its mask, as read back */
	uint64_t seq;	      /* of the attempt */
	bool announced;	      /* STARTED was sent for it */
	bool offered;	      /* OFFER was sent for it */
	bool begun;	      /* a chunk was sent of it */
	uint32_t credits;     /* for its output, while it runs */
	uint64_t lines_total; /* with --output line: bytes of it when last looked at */
	int64_t lines_ns;     /* when lines of it are to be sent, CLOCK_NEVER: none wait */
	struct attempt attempt;
	struct outbox outbox;
};

static void
send_seq(struct executor *executor, enum frame_type type, uint64_t seq)
{
	conn_begin(&executor->conn, (uint8_t)type);
	pack_u64(&executor->conn.out, seq);
	conn_end(&executor->conn);
}

static void
send_ready(struct executor *executor)
{
	conn_begin(&executor->conn, FRAME_READY);
	cpus_pack(&executor->conn.out, &executor->cpus);
	conn_end(&executor->conn);
}

static void
send_recalled(struct executor *executor, uint64_t seq, enum recalled how)
{
	conn_begin(&executor->conn, FRAME_RECALLED);
	pack_u64(&executor->conn.out, seq);
	pack_u8(&executor->conn.out, (uint8_t)how);
	conn_end(&executor->conn);
}

static void
send_sick(struct executor *executor)
{
	char text[160];
	int left = executor->slot.unkillable;
	snprintf(text, sizeof(text), "%d process%s of task %llu cannot be killed", left,
		left == 1 ? "" : "es", (unsigned long long)executor->attempt.task->index);
	conn_begin(&executor->conn, FRAME_SICK);
	pack_string(&executor->conn.out, text);
	conn_end(&executor->conn);
}

static void
send_result(struct executor *executor)
{
	struct attempt *attempt = &executor->attempt;
	struct result *result = &attempt->result;
	bool begun = executor->offered || executor->begun;
	bool small = result->out_bytes + result->err_bytes <= EXEC_RIDE_BYTES;
	result->offered = !result->away && (begun || !small);
	result->out = attempt->capture.streams[0].memory.data;
	result->err = attempt->capture.streams[1].memory.data;
	conn_begin(&executor->conn, FRAME_ENDED);
	pack_u64(&executor->conn.out, executor->seq);
	result_pack(&executor->conn.out, result);
	conn_end(&executor->conn);
	if (!executor->unsent_ns)
		executor->unsent_ns = clock_now_ns();
	if (result->offered)
		outbox_add(&executor->outbox, executor->seq, &attempt->capture, executor->credits);
}

static void
sync_and_say(struct executor *executor)
{
	struct err err;
	bool safe = sink_sync(&executor->slot.sink, &err) == 0;
	conn_begin(&executor->conn, FRAME_SYNCED);
	pack_string(&executor->conn.out, safe ? "" : err.text);
	conn_end(&executor->conn);
}

/* --- the queue --- */

static void
enqueue(struct executor *executor, size_t at, struct staged staged)
{
	if (executor->queued == executor->queue_room) {
		executor->queue_room = executor->queue_room ? 2 * executor->queue_room : 16;
		executor->queue =
			xrealloc(executor->queue, executor->queue_room * sizeof(*executor->queue));
	}
	memmove(executor->queue + at + 1, executor->queue + at,
		(executor->queued - at) * sizeof(*executor->queue));
	executor->queue[at] = staged;
	executor->queued++;
	if (executor->queued > executor->queue_peak)
		executor->queue_peak = executor->queued;
}

static struct staged
unqueue(struct executor *executor, size_t at)
{
	struct staged staged = executor->queue[at];
	executor->queued--;
	memmove(executor->queue + at, executor->queue + at + 1,
		(executor->queued - at) * sizeof(*executor->queue));
	return staged;
}

static void
return_all(struct executor *executor, enum recalled how)
{
	while (executor->queued) {
		struct staged staged = unqueue(executor, 0);
		send_recalled(executor, staged.seq, how);
		task_free(staged.task);
	}
}

/* --- no room for a process --- */

/* Others may have room: after a second they get the tasks, and this slot takes none for a while,
 * longer each time. */
static void
no_room(struct executor *executor)
{
	int64_t now = clock_now_ns();
	executor->retry_ns = now + RETRY_NS;
	if (!executor->no_room_ns)
		executor->no_room_ns = now;
	if (now - executor->no_room_ns < NO_ROOM_NS)
		return;
	char why[256];
	limits_on_processes(why, sizeof(why));
	conn_begin(&executor->conn, FRAME_NO_ROOM);
	pack_string(&executor->conn.out, why);
	conn_end(&executor->conn);
	return_all(executor, RECALLED_NO_ROOM);
	executor->paused = true;
	executor->pause_ns = executor->pause_ns ? 2 * executor->pause_ns : CLOCK_NS_PER_S;
	if (executor->pause_ns > PAUSE_MAX_NS)
		executor->pause_ns = PAUSE_MAX_NS;
	executor->retry_ns = now + executor->pause_ns;
}

static void
end_pause(struct executor *executor)
{
	if (!executor->paused || clock_now_ns() < executor->retry_ns)
		return;
	executor->paused = false;
	executor->no_room_ns = 0;
	send_ready(executor);
}

/* --- frames from the rank --- */

static void
set_up(struct executor *executor, struct unpack *in)
{
	struct slot *slot = &executor->slot;
	if (!setup_unpack(in, &slot->setup))
		die(4, "executor: bad setup");
	if (!cpus_empty(&slot->setup.cpus))
		bind_to(&slot->setup.cpus); /* what came of it is read back and reported */
	executor->cpus = bind_current();
	environment_init(&slot->environment, executor->variables, &slot->setup, &executor->cpus);
	/* What goes to the store needs no limit: that disk is the limit. */
	bool stored = slot->setup.output == OUTPUT_STORE;
	slot->capture_options = (struct capture_options){.tmpdir = slot->setup.tmpdir,
		.spool_bytes = stored ? UINT64_MAX : slot->setup.spool_bytes,
		.lines = slot->setup.output == OUTPUT_LINE};
	sink_init(&slot->sink, &slot->setup);
	send_ready(executor);
}

static void
handle_start(struct executor *executor, struct unpack *in)
{
	struct staged staged = {.seq = unpack_u64(in), .task = task_unpack(in)};
	if (!staged.task)
		die(4, "executor: bad task");
	enqueue(executor, executor->queued, staged);
	if (executor->paused)
		return_all(executor, RECALLED_NO_ROOM);
}

static void
handle_recall(struct executor *executor, uint64_t seq)
{
	bool given = false;
	for (size_t i = 0; i < executor->queued && !given; i++) {
		if (executor->queue[i].seq != seq)
			continue;
		task_free(unqueue(executor, i).task);
		given = true;
	}
	if (!executor->queued)
		executor->no_room_ns = 0; /* nothing waits for room any more */
	send_recalled(executor, seq, given ? RECALLED_GIVEN : RECALLED_LATE);
}

static void
handle_kill(struct executor *executor, uint64_t seq, struct unpack *in)
{
	uint8_t reason = unpack_u8(in);
	int64_t grace_ns = unpack_u32(in) * CLOCK_NS_PER_MS;
	if (executor->attempt.phase != ATTEMPT_IDLE && executor->seq == seq)
		attempt_stop(&executor->attempt, &executor->slot, reason, grace_ns);
}

static void
handle_credit(struct executor *executor, uint64_t seq, uint32_t chunks)
{
	if (executor->attempt.phase != ATTEMPT_IDLE && executor->seq == seq)
		executor->credits += chunks;
	else
		outbox_credit(&executor->outbox, seq, chunks);
}

/* Returns false when it is time to leave. */
static bool
handle_frame(struct executor *executor, uint8_t type, struct unpack *in)
{
	switch ((enum frame_type)type) {
	case FRAME_SETUP:
		set_up(executor, in);
		return true;
	case FRAME_START:
		handle_start(executor, in);
		return true;
	case FRAME_RECALL:
		handle_recall(executor, unpack_u64(in));
		return true;
	case FRAME_KILL:
		handle_kill(executor, unpack_u64(in), in);
		return true;
	case FRAME_CREDIT: {
		uint64_t seq = unpack_u64(in);
		handle_credit(executor, seq, unpack_u32(in));
		return true;
	}
	case FRAME_SYNC:
		sync_and_say(executor);
		return true;
	case FRAME_QUIT:
		return false;
	default:
		die(4, "executor: unknown frame %d", type);
	}
}

/* --- the loop --- */

static void
read_signals(struct executor *executor)
{
	struct signalfd_siginfo infos[8];
	ssize_t got = read(executor->signal_fd, infos, sizeof(infos));
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(infos[0]); i++)
		if (infos[i].ssi_signo == SIGTERM || infos[i].ssi_signo == SIGUSR1)
			executor->slot.signalled_ns = clock_now_ns();
	attempt_reap(&executor->attempt, &executor->slot);
}

/* False if no process could be made for it. */
static bool
start(struct executor *executor, struct staged next)
{
	uint64_t before = executor->progress->started;
	executor->seq = next.seq;
	executor->announced = executor->offered = executor->begun = false;
	executor->credits = executor->slot.capture_options.lines ? EXEC_LINE_CREDITS : 0;
	executor->lines_total = 0;
	executor->lines_ns = CLOCK_NEVER;
	executor->progress->started = next.seq;
	attempt_start(&executor->attempt, &executor->slot, next.task);
	if (executor->attempt.phase != ATTEMPT_IDLE)
		return true;
	executor->progress->started = before;
	return false;
}

static void
start_next(struct executor *executor)
{
	while (executor->attempt.phase == ATTEMPT_IDLE && executor->queued &&
		!executor->slot.unkillable && !outbox_full(&executor->outbox) &&
		executor->retry_ns <= clock_now_ns()) {
		struct staged next = unqueue(executor, 0);
		if (!start(executor, next)) {
			enqueue(executor, 0, next);
			no_room(executor);
			continue;
		}
		executor->no_room_ns = executor->pause_ns = 0;
		if (executor->attempt.phase == ATTEMPT_ENDED) {
			send_result(executor);
			attempt_reset(&executor->attempt);
		}
	}
	if (executor->slot.unkillable)
		return_all(executor, RECALLED_GIVEN);
}

/* Lines go out when the first of them has waited LINES_NS, or when they fill a chunk. */
static bool
lines_are_due(struct executor *executor, int64_t now)
{
	const struct capture *capture = &executor->attempt.capture;
	uint64_t total = capture->streams[0].total + capture->streams[1].total;
	if (total != executor->lines_total && executor->lines_ns == CLOCK_NEVER)
		executor->lines_ns = now + LINES_NS;
	executor->lines_total = total;
	return now >= executor->lines_ns || capture_pending(capture, 0) >= EXEC_LINE_BYTES ||
	       capture_pending(capture, 1) >= EXEC_LINE_BYTES;
}

/* Sends of the output what may go while the task runs. */
static void
send_output(struct executor *executor, int64_t now)
{
	struct attempt *attempt = &executor->attempt;
	const struct capture_options *options = &executor->slot.capture_options;
	if (attempt->phase == ATTEMPT_IDLE || (options->lines && !lines_are_due(executor, now)))
		return;
	/* No event tells of room that we make ourselves: until the credit or the output is used up.
	 */
	while (executor->credits && attempt->phase != ATTEMPT_ENDED &&
		outbox_send_chunks(&executor->conn, executor->seq, &attempt->capture,
			&executor->credits, false, options)) {
		executor->begun = true;
		for (int i = 0; i < 2; i++)
			if (attempt->full[i])
				attempt_read(attempt, &executor->slot, i);
	}
	if (executor->credits && executor->conn.out.len < OUTBOX_CONN_BYTES)
		executor->lines_ns = CLOCK_NEVER; /* what is left is no whole line */
}

/* What the attempt has come to since the last turn. */
static void
look_at_attempt(struct executor *executor, int64_t now)
{
	struct attempt *attempt = &executor->attempt;
	attempt_tick(attempt, &executor->slot, now);
	if (attempt->phase == ATTEMPT_ALIVE && !executor->announced &&
		now - attempt->start_ns >= STARTED_NS) {
		send_seq(executor, FRAME_STARTED, executor->seq);
		executor->announced = true;
	}
	if ((attempt->full[0] || attempt->full[1]) && !executor->offered &&
		!executor->slot.capture_options.lines) {
		send_seq(executor, FRAME_OFFER, executor->seq);
		executor->offered = true;
	}
	send_output(executor, now);
	if (attempt->phase == ATTEMPT_ENDED) {
		send_result(executor);
		if (executor->slot.unkillable)
			send_sick(executor);
		attempt_reset(attempt);
	}
}

static int64_t
next_deadline(const struct executor *executor)
{
	const struct attempt *attempt = &executor->attempt;
	int64_t next = attempt_deadline(attempt);
	if (attempt->phase == ATTEMPT_ALIVE && !executor->announced &&
		attempt->start_ns + STARTED_NS < next)
		next = attempt->start_ns + STARTED_NS;
	/* Credit, or room in the connection, comes with an event of its own. */
	if (attempt->phase != ATTEMPT_IDLE && executor->credits && !executor->conn.out.len &&
		executor->lines_ns < next)
		next = executor->lines_ns;
	if (sink_deadline(&executor->slot.sink) < next)
		next = sink_deadline(&executor->slot.sink);
	if (executor->unsent_ns && executor->unsent_ns + FLUSH_NS < next)
		next = executor->unsent_ns + FLUSH_NS;
	bool waits = executor->queued && !outbox_full(&executor->outbox);
	if (attempt->phase == ATTEMPT_IDLE && (waits || executor->paused) &&
		executor->retry_ns < next)
		next = executor->retry_ns;
	return next;
}

/* Results wait for others while enough is staged that the slot does not run dry meanwhile. */
static bool
flush(struct executor *executor, int64_t now)
{
	bool due = !executor->unsent_ns || executor->queued * 2 <= executor->queue_peak ||
		   now - executor->unsent_ns >= FLUSH_NS || executor->conn.out.len > FLUSH_BYTES;
	if (!due || !executor->conn.out.len)
		return true;
	executor->unsent_ns = 0;
	executor->queue_peak = executor->queued;
	return conn_write(&executor->conn);
}

static void
wait_for_events(struct executor *executor, struct pollfd *fds, int64_t now)
{
	const struct attempt *attempt = &executor->attempt;
	bool reading = attempt->phase != ATTEMPT_IDLE;
	bool writing = executor->conn.out.len && !executor->unsent_ns;
	const int *pipes = executor->slot.pipes.fds;
	fds[0] = (struct pollfd){executor->conn.fd, (short)(POLLIN | (writing ? POLLOUT : 0)), 0};
	fds[1] = (struct pollfd){executor->signal_fd, POLLIN, 0};
	fds[2] = (struct pollfd){reading && !attempt->full[0] ? pipes[0] : -1, POLLIN, 0};
	fds[3] = (struct pollfd){reading && !attempt->full[1] ? pipes[1] : -1, POLLIN, 0};
	int leftover_fd = executor->slot.leftover.epoll_fd;
	fds[4] = (struct pollfd){leftover_fd > 0 ? leftover_fd : -1, POLLIN, 0};
	int64_t next = next_deadline(executor);
	loop_poll(fds, 5, next == CLOCK_NEVER ? next : next > now ? next - now : 0);
}

/* One turn; false when the rank is gone or wants no more. */
static bool
turn(struct executor *executor)
{
	end_pause(executor);
	start_next(executor);
	outbox_turn(&executor->outbox, &executor->conn, &executor->slot.capture_options);
	int64_t now = clock_now_ns();
	if (!flush(executor, now))
		return false;
	struct pollfd fds[5];
	wait_for_events(executor, fds, now);
	for (int i = 0; i < 2; i++)
		if (fds[2 + i].revents)
			attempt_read(&executor->attempt, &executor->slot, i);
	if (fds[4].revents)
		leftover_read(&executor->slot.leftover);
	if (fds[1].revents)
		read_signals(executor);
	if (fds[0].revents) {
		bool alive = conn_read(&executor->conn);
		uint8_t type;
		struct unpack in;
		while (alive && conn_next(&executor->conn, &type, &in))
			alive = handle_frame(executor, type, &in);
		if (!alive)
			return false;
	}
	int64_t then = clock_now_ns();
	look_at_attempt(executor, then);
	sink_tick(&executor->slot.sink, then);
	return true;
}

int
executor_main(int socket, char **variables, struct executor_progress *progress)
{
	struct executor executor = {
		.conn = conn_init(socket), .variables = variables, .progress = progress};
	struct err err;
	sigset_t signals;
	sigfillset(&signals);
	executor.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (executor.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
		capture_pipes_new(&executor.slot.pipes, &err) < 0)
		return 1;
	while (turn(&executor))
		;
	if (executor.attempt.phase != ATTEMPT_IDLE || executor.slot.setup.stray == STRAY_KILL)
		tree_kill_all(LEAVE_MS, &executor.slot.kept);
	sink_close(&executor.slot.sink);
	return 0;
}
