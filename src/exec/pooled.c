/* What executors and their keeper say. */
#include "exec/pooled.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pack.h"
#include "exec/frame.h"
#include "exec/setup.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* The first wait after no executor could be forked, twice as long each time, and the longest. */
#define FORK_AGAIN_NS (100 * CLOCK_NS_PER_MS)
#define FORK_AGAIN_MAX_NS (5 * CLOCK_NS_PER_S)

void
pooled_change(struct pooled *pooled, enum pooled_state state)
{
	static const char *const names[] = {"WANTED", "ASKED", "SERVING", "ENDING", "NONE"};
	static const bool legal[][POOLED_NONE + 1] = {
		[POOLED_WANTED] = {[POOLED_ASKED] = true, [POOLED_NONE] = true},
		[POOLED_ASKED] =
			{[POOLED_WANTED] = true, [POOLED_SERVING] = true, [POOLED_NONE] = true},
		[POOLED_SERVING] = {[POOLED_ENDING] = true},
		[POOLED_ENDING] = {[POOLED_WANTED] = true, [POOLED_NONE] = true},
		[POOLED_NONE] = {0},
	};
	if (!legal[pooled->state][state])
		die(4, "the executor of slot %d cannot go from %s to %s", pooled->slot,
			names[pooled->state], names[state]);
	pooled->pool->asked += (state == POOLED_ASKED) - (pooled->state == POOLED_ASKED);
	pooled->state = state;
}

void
pooled_write(struct pooled *pooled)
{
	conn_write(&pooled->conn);
	bool left = pooled->conn.out.len;
	if (left == pooled->writing)
		return;
	pooled->writing = left;
	loop_events(pooled->pool->loop, pooled->conn.fd, (short)(POLLIN | (left ? POLLOUT : 0)));
}

/* --- what executors say --- */

/* The task has ended, or never will start. */
static void
answered_for(struct pooled *pooled, uint64_t seq)
{
	if (seq != pooled->told)
		return;
	pooled->told = 0;
	pooled->answer_ns = CLOCK_NEVER;
}

static void
hear_recalled(struct pooled *pooled, uint64_t seq, enum recalled how)
{
	struct runner *runner = &pooled->pool->runner;
	pooled->open_recalls -= pooled->open_recalls > 0;
	if (how != RECALLED_LATE)
		answered_for(pooled, seq);
	runner->events->recalled(runner->events_arg, pooled->slot, seq, how);
}

static void
hear_text(struct pooled *pooled, uint8_t type, struct unpack *in)
{
	const struct runner_events *events = pooled->pool->runner.events;
	void *arg = pooled->pool->runner.events_arg;
	char text[512];
	unpack_string(in, text, sizeof(text));
	if (type == FRAME_SYNCED) {
		pooled->syncing = false;
		pooled->answer_ns = CLOCK_NEVER;
		events->synced(arg, pooled->slot, text);
	} else if (type == FRAME_SICK) {
		events->sick(arg, pooled->slot, text);
	} else {
		events->no_room(arg, pooled->slot, text);
	}
}

static void
handle_frame(struct pooled *pooled, uint8_t type, struct unpack *in)
{
	struct runner *runner = &pooled->pool->runner;
	const struct runner_events *events = runner->events;
	void *arg = runner->events_arg;
	int slot = pooled->slot;
	if (type == FRAME_READY) {
		struct cpus cpus = cpus_unpack(in);
		events->up(arg, slot, &cpus);
		return;
	}
	if (type == FRAME_SICK || type == FRAME_SYNCED || type == FRAME_NO_ROOM) {
		hear_text(pooled, type, in);
		return;
	}
	uint64_t seq = unpack_u64(in);
	if (type == FRAME_ENDED) {
		struct result result = result_unpack(in);
		if (in->bad)
			die(4, "bad result from an executor");
		answered_for(pooled, seq);
		events->ended(arg, slot, seq, &result);
	} else if (type == FRAME_STARTED) {
		events->started(arg, slot, seq);
	} else if (type == FRAME_RECALLED) {
		hear_recalled(pooled, seq, unpack_u8(in));
	} else if (type == FRAME_OFFER) {
		events->offered(arg, slot, seq);
	} else if (type == FRAME_CHUNK) {
		int stream = unpack_u8(in);
		size_t len;
		const char *data = unpack_bytes(in, &len);
		events->chunk(arg, slot, seq, stream, data, len);
	} else if (type == FRAME_OUT_END) {
		events->out_end(arg, slot, seq);
	} else {
		die(4, "unknown frame %d from an executor", type);
	}
}

void
pooled_down(struct pooled *pooled, uint64_t started, const char *why)
{
	struct pool *pool = pooled->pool;
	int64_t wait = 0;
	if (pooled->state == POOLED_ASKED) {
		wait = FORK_AGAIN_NS << pooled->deaths;
		wait = wait < FORK_AGAIN_MAX_NS ? wait : FORK_AGAIN_MAX_NS;
	}
	bool for_ever = ++pooled->deaths >= POOLED_DEATHS_MAX || pool->keeper_gone;
	pooled_change(pooled, for_ever ? POOLED_NONE : POOLED_WANTED);
	pooled->due_ns = clock_now_ns() + wait;
	pooled->told = 0;
	pooled->open_recalls = 0;
	pooled->syncing = pooled->silent = false;
	pooled->answer_ns = CLOCK_NEVER;
	pool->runner.events->down(pool->runner.events_arg, pooled->slot, started, why, for_ever);
}

void
pooled_close(struct pooled *pooled)
{
	loop_remove(pooled->pool->loop, pooled->conn.fd);
	conn_clear(&pooled->conn);
	pooled->writing = false;
	pooled_change(pooled, POOLED_ENDING);
}

static void
read_frames(struct pooled *pooled)
{
	uint8_t type;
	struct unpack in;
	bool alive = conn_read(&pooled->conn);
	while (conn_next(&pooled->conn, &type, &in))
		handle_frame(pooled, type, &in);
	if (alive)
		return;
	pooled_close(pooled);
	if (pooled->pool->keeper_gone) /* who else would say how far it had come */
		pooled_down(pooled, pooled->given, "its executor died");
}

static void
executor_ready(void *arg, int fd, short revents)
{
	(void)fd;
	struct pooled *pooled = arg;
	if (revents & POLLOUT)
		pooled_write(pooled);
	if (revents & ~POLLOUT)
		read_frames(pooled);
}

/* --- what the keeper says --- */

/* The connection need not have closed by then: a child of the executor's that has not exec'd yet
 * holds it, too. */
static void
handle_down(struct pooled *pooled, const struct keeper_message *message)
{
	char why[96];
	if (pooled->state == POOLED_SERVING)
		read_frames(pooled); /* what it still said before it died */
	if (pooled->state == POOLED_SERVING)
		pooled_close(pooled);
	if (pooled->state != POOLED_ENDING)
		return; /* it was given up before */
	if (pooled->silent)
		snprintf(why, sizeof(why), "its executor did not answer and was killed");
	else if (WIFSIGNALED(message->status))
		snprintf(why, sizeof(why), "its executor was killed by signal %d",
			WTERMSIG(message->status));
	else
		snprintf(why, sizeof(why), "its executor exited with code %d",
			WEXITSTATUS(message->status));
	pooled_down(pooled, message->started, why);
}

static void
handle_forked(struct pooled *pooled, const struct keeper_message *message, int fd)
{
	if (message->error) {
		char why[128];
		snprintf(why, sizeof(why), "no executor could be forked: %s",
			strerror(message->error));
		pooled_down(pooled, 0, why);
		return;
	}
	pooled_change(pooled, POOLED_SERVING);
	pooled->pid = message->pid;
	pooled->conn = conn_init(fd);
	loop_add(pooled->pool->loop, fd, POLLIN, executor_ready, pooled);
	conn_begin(&pooled->conn, FRAME_SETUP);
	setup_pack(&pooled->conn.out, &pooled->pool->setups[pooled->slot]);
	conn_end(&pooled->conn);
	pooled_write(pooled);
}

/* What an executor had started that is ENDING only the keeper could have said. */
static void
lose_keeper(struct pool *pool)
{
	loop_remove(pool->loop, pool->mailbox.socket);
	pool->keeper_gone = true;
	log_warning("the keeper process is gone: executors that die are not replaced");
	for (int i = 0; i < pool->runner.slots; i++) {
		struct pooled *pooled = &pool->slots[i];
		if (pooled->state == POOLED_WANTED)
			pooled_change(pooled, POOLED_ASKED);
		if (pooled->state == POOLED_ASKED)
			pooled_down(pooled, 0, "the keeper is gone");
		else if (pooled->state == POOLED_ENDING)
			pooled_down(pooled, pooled->given, "executor and keeper are gone");
	}
}

void
pooled_keeper_ready(void *arg, int socket, short revents)
{
	(void)socket;
	(void)revents;
	struct pool *pool = arg;
	struct keeper_message message = {0};
	int fd, got;
	while ((got = mailbox_receive(&pool->mailbox, &message, &fd)) > 0) {
		struct pooled *pooled = &pool->slots[message.slot];
		if (message.type == KEEPER_FORKED)
			handle_forked(pooled, &message, fd);
		else if (message.type == KEEPER_DOWN)
			handle_down(pooled, &message);
	}
	if (got < 0)
		lose_keeper(pool);
}
