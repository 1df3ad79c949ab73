/* A rank's executors. */
#include "exec/pool.h"

#include "base/conn.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pack.h"
#include "exec/frame.h"
#include "exec/keeper.h"
#include "exec/runner.h"
#include "exec/setup.h"
#include "tasks/task.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An executor that dies this often is not replaced again. */
enum { DEATHS_MAX = 10 };

struct pooled {
	struct pool *pool;
	int slot;
	int deaths;
	bool dirty;	  /* something waits to be sent */
	struct conn conn; /* fd -1: no executor now */
};

struct pool {
	struct runner runner;
	struct loop *loop;
	int keeper_socket;
	bool keeper_gone;
	const struct setup *setups;
	struct pooled *slots;
};

/* --- commands --- */

static struct pooled *
begin(struct runner *runner, int slot, enum frame_type type, uint64_t seq)
{
	struct pooled *pooled = &((struct pool *)runner)->slots[slot];
	if (pooled->conn.fd < 0)
		return NULL; /* its down() is on the way */
	conn_begin(&pooled->conn, (uint8_t)type);
	if (type != FRAME_QUIT && type != FRAME_SYNC)
		pack_u64(&pooled->conn.out, seq);
	pooled->dirty = true;
	return pooled;
}

static void
pool_start(struct runner *runner, int slot, uint64_t seq, const struct task *task)
{
	struct pooled *pooled = begin(runner, slot, FRAME_START, seq);
	if (!pooled)
		return;
	task_pack(&pooled->conn.out, task);
	conn_end(&pooled->conn);
}

static void
pool_recall(struct runner *runner, int slot, uint64_t seq)
{
	struct pooled *pooled = begin(runner, slot, FRAME_RECALL, seq);
	if (pooled)
		conn_end(&pooled->conn);
}

static void
pool_kill(
	struct runner *runner, int slot, uint64_t seq, enum result_reason reason, uint32_t grace_ms)
{
	struct pooled *pooled = begin(runner, slot, FRAME_KILL, seq);
	if (!pooled)
		return;
	pack_u8(&pooled->conn.out, (uint8_t)reason);
	pack_u32(&pooled->conn.out, grace_ms);
	conn_end(&pooled->conn);
}

static void
pool_credit(struct runner *runner, int slot, uint64_t seq, uint32_t chunks)
{
	struct pooled *pooled = begin(runner, slot, FRAME_CREDIT, seq);
	if (!pooled)
		return;
	pack_u32(&pooled->conn.out, chunks);
	conn_end(&pooled->conn);
}

static void
pool_sync(struct runner *runner, int slot)
{
	const struct setup *setup = &((struct pool *)runner)->setups[slot];
	bool stores = setup->output == OUTPUT_STORE;
	struct pooled *pooled = stores ? begin(runner, slot, FRAME_SYNC, 0) : NULL;
	if (pooled)
		conn_end(&pooled->conn);
	else
		runner->events->synced(runner->events_arg, slot, "");
}

/* A failed write is no news: the end of file that follows it is. */
static void
write_frames(struct pooled *pooled)
{
	conn_write(&pooled->conn);
	bool left = pooled->conn.out.len;
	loop_events(pooled->pool->loop, pooled->conn.fd, (short)(POLLIN | (left ? POLLOUT : 0)));
}

static void
pool_flush(struct runner *runner)
{
	struct pool *pool = (struct pool *)runner;
	for (int i = 0; i < runner->slots; i++) {
		struct pooled *pooled = &pool->slots[i];
		if (pooled->dirty && pooled->conn.fd >= 0)
			write_frames(pooled);
		pooled->dirty = false;
	}
}

/* --- what executors say --- */

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
	if (type == FRAME_SICK || type == FRAME_SYNCED) {
		char text[512];
		unpack_string(in, text, sizeof(text));
		(type == FRAME_SICK ? events->sick : events->synced)(arg, slot, text);
		return;
	}
	uint64_t seq = unpack_u64(in);
	if (type == FRAME_ENDED) {
		struct result result = result_unpack(in);
		if (in->bad)
			die(4, "bad result from an executor");
		events->ended(arg, slot, seq, &result);
	} else if (type == FRAME_STARTED) {
		events->started(arg, slot, seq);
	} else if (type == FRAME_RECALLED) {
		events->recalled(arg, slot, seq, unpack_u8(in));
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

static void
slot_down(struct pooled *pooled, uint64_t started, const char *why)
{
	struct pool *pool = pooled->pool;
	bool for_ever = ++pooled->deaths >= DEATHS_MAX;
	if (pool->keeper_gone)
		for_ever = true;
	if (!for_ever) {
		struct keeper_message request = {.type = KEEPER_FORK, .slot = pooled->slot};
		for_ever = !keeper_send(pool->keeper_socket, &request);
	}
	pool->runner.events->down(pool->runner.events_arg, pooled->slot, started, why, for_ever);
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
	loop_remove(pooled->pool->loop, pooled->conn.fd);
	conn_clear(&pooled->conn);
	if (pooled->pool->keeper_gone) /* who else would say how far it had come */
		slot_down(pooled, UINT64_MAX, "its executor died");
}

static void
executor_ready(void *arg, int fd, short revents)
{
	(void)fd;
	struct pooled *pooled = arg;
	if (revents & POLLOUT)
		write_frames(pooled);
	if (revents & ~POLLOUT)
		read_frames(pooled);
}

/* --- what the keeper says --- */

static void
handle_down(struct pooled *pooled, const struct keeper_message *message)
{
	if (pooled->conn.fd >= 0)
		read_frames(pooled); /* what it still said before it died */
	char why[96];
	if (WIFSIGNALED(message->status))
		snprintf(why, sizeof(why), "its executor was killed by signal %d",
			WTERMSIG(message->status));
	else
		snprintf(why, sizeof(why), "its executor exited with code %d",
			WEXITSTATUS(message->status));
	slot_down(pooled, message->started, why);
}

static void
handle_forked(struct pooled *pooled, const struct keeper_message *message, int fd)
{
	if (message->error) {
		char why[128];
		snprintf(why, sizeof(why), "no executor could be forked: %s",
			strerror(message->error));
		pooled->deaths = DEATHS_MAX;
		slot_down(pooled, 0, why);
		return;
	}
	pooled->conn = conn_init(fd);
	loop_add(pooled->pool->loop, fd, POLLIN, executor_ready, pooled);
	conn_begin(&pooled->conn, FRAME_SETUP);
	setup_pack(&pooled->conn.out, &pooled->pool->setups[pooled->slot]);
	conn_end(&pooled->conn);
	write_frames(pooled);
}

static void
keeper_ready(void *arg, int socket, short revents)
{
	(void)revents;
	struct pool *pool = arg;
	struct keeper_message message = {0};
	int fd, got;
	while ((got = keeper_receive(socket, &message, &fd)) > 0) {
		struct pooled *pooled = &pool->slots[message.slot];
		if (message.type == KEEPER_FORKED)
			handle_forked(pooled, &message, fd);
		else if (message.type == KEEPER_DOWN)
			handle_down(pooled, &message);
	}
	if (got == 0)
		return;
	loop_remove(pool->loop, socket);
	pool->keeper_gone = true;
	log_warning("the keeper process is gone: executors that die are not replaced");
	for (int i = 0; i < pool->runner.slots; i++)
		if (pool->slots[i].conn.fd < 0)
			slot_down(&pool->slots[i], 0, "the keeper is gone");
}

static void
pool_close(struct runner *runner)
{
	struct pool *pool = (struct pool *)runner;
	struct keeper_message leave = {.type = KEEPER_LEAVE};
	keeper_send(pool->keeper_socket, &leave);
	for (int i = 0; i < runner->slots; i++) {
		struct pooled *pooled = &pool->slots[i];
		if (pooled->conn.fd < 0)
			continue;
		begin(runner, i, FRAME_QUIT, 0);
		conn_end(&pooled->conn);
		conn_write(&pooled->conn);
		loop_remove(pool->loop, pooled->conn.fd);
		conn_clear(&pooled->conn);
	}
	loop_remove(pool->loop, pool->keeper_socket);
	close(pool->keeper_socket);
	free(pool->slots);
	free(pool);
}

struct runner *
pool_new(struct loop *loop, int keeper_socket, const struct setup *slots, int count)
{
	static const struct runner_ops ops = {
		.start = pool_start,
		.recall = pool_recall,
		.kill = pool_kill,
		.credit = pool_credit,
		.sync = pool_sync,
		.flush = pool_flush,
		.close = pool_close,
	};
	struct pool *pool = xcalloc(1, sizeof(*pool));
	*pool = (struct pool){.runner = {.ops = &ops, .slots = count},
		.loop = loop,
		.keeper_socket = keeper_socket,
		.setups = slots,
		.slots = xcalloc((unsigned long)count, sizeof(*pool->slots))};
	loop_add(loop, keeper_socket, POLLIN, keeper_ready, pool);
	for (int i = 0; i < count; i++) {
		pool->slots[i] = (struct pooled){.pool = pool, .slot = i, .conn = {.fd = -1}};
		struct keeper_message request = {.type = KEEPER_FORK, .slot = i};
		keeper_send(keeper_socket, &request);
	}
	return &pool->runner;
}
