/* A rank's executors: commanding them. */
#include "exec/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pack.h"
#include "exec/frame.h"
#include "exec/keeper.h"
#include "exec/pooled.h"
#include "exec/setup.h"
#include "tasks/task.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

/* Executors that the keeper is asked for before it has answered. */
enum { ASKED_MAX = 32 };

/* How long an executor may take to answer once the run is being ended, and to sync its store. */
#define ANSWER_NS (2 * CLOCK_NS_PER_S)
#define SYNCED_NS (10 * CLOCK_NS_PER_S)

/* It must have answered in this time, if the run is being ended. */
static void
expect_answer(struct pooled *pooled, int64_t in_ns)
{
	if (pooled->pool->ending)
		pooled->answer_ns = clock_now_ns() + in_ns;
}

/* --- commands --- */

static struct pooled *
begin(struct runner *runner, int slot, enum frame_type type, uint64_t seq)
{
	struct pooled *pooled = &((struct pool *)runner)->slots[slot];
	if (pooled->state != POOLED_SERVING)
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
	pooled->given = seq;
	task_pack(&pooled->conn.out, task);
	conn_end(&pooled->conn);
}

static void
pool_recall(struct runner *runner, int slot, uint64_t seq)
{
	struct pooled *pooled = begin(runner, slot, FRAME_RECALL, seq);
	if (!pooled)
		return;
	pooled->open_recalls++;
	conn_end(&pooled->conn);
}

/* Who is stopped must not hold up the end: a stopped keeper is continued, as it has to tell of the
 * executors that end now, and a slot that does not answer is given up (see look_after()). */
static void
pool_kill(
	struct runner *runner, int slot, uint64_t seq, enum result_reason reason, uint32_t grace_ms)
{
	struct pool *pool = (struct pool *)runner;
	if (!pool->ending && !pool->keeper_gone)
		kill(pool->keeper, SIGCONT);
	pool->ending = true;
	expect_answer(&pool->slots[slot], grace_ms * CLOCK_NS_PER_MS + ANSWER_NS);
	struct pooled *pooled = seq ? begin(runner, slot, FRAME_KILL, seq) : NULL;
	if (!pooled)
		return;
	pooled->told = pooled->told > seq ? pooled->told : seq;
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
	if (!pooled) {
		runner->events->synced(runner->events_arg, slot, "");
		return;
	}
	conn_end(&pooled->conn);
	pooled->syncing = true;
	expect_answer(pooled, SYNCED_NS);
}

/* --- what is due --- */

/* Its pid cannot be another's: its connection is open, and its keeper has not told that it ended.
 */
static void
give_up(struct pooled *pooled)
{
	bool again = pooled->silent;
	pooled->answer_ns = clock_now_ns() + ANSWER_NS;
	if (pooled->state == POOLED_SERVING && !again) {
		pooled->silent = true;
		kill(pooled->pid, SIGKILL);
		return;
	}
	if (pooled->state == POOLED_SERVING)
		pooled_close(pooled);
	pooled->deaths = POOLED_DEATHS_MAX;
	pooled_down(pooled, pooled->given, "its executor does not answer, and cannot be killed");
}

/* Where an answer is overdue: one that still has a task to end may only be slow (its output is
 * fetched), so it is asked for that task, which it answers at once. */
static void
look_after(struct pooled *pooled)
{
	bool asked = pooled->open_recalls || pooled->syncing || pooled->state == POOLED_ENDING;
	if (asked) {
		give_up(pooled);
	} else if (pooled->state == POOLED_SERVING && pooled->told) {
		pool_recall(&pooled->pool->runner, pooled->slot, pooled->told);
		pooled->answer_ns = clock_now_ns() + ANSWER_NS;
	} else {
		pooled->answer_ns = CLOCK_NEVER;
	}
}

static void
ask_for_executor(struct pooled *pooled)
{
	struct keeper_message request = {.type = KEEPER_FORK, .slot = pooled->slot};
	mailbox_post(&pooled->pool->mailbox, &request, -1);
	pooled_change(pooled, POOLED_ASKED);
}

/* Returns when the slot is due next. */
static int64_t
do_what_is_due(struct pooled *pooled, int64_t now)
{
	if (now >= pooled->answer_ns)
		look_after(pooled);
	int64_t next = pooled->answer_ns;
	if (pooled->state == POOLED_WANTED && pooled->pool->asked < ASKED_MAX) {
		if (now >= pooled->due_ns)
			ask_for_executor(pooled);
		else if (pooled->due_ns < next)
			next = pooled->due_ns;
	}
	return next;
}

static void
pool_flush(struct runner *runner)
{
	struct pool *pool = (struct pool *)runner;
	int64_t now = clock_now_ns();
	pool->deadline_ns = CLOCK_NEVER;
	for (int i = 0; i < runner->slots; i++) {
		struct pooled *pooled = &pool->slots[i];
		int64_t next = do_what_is_due(pooled, now);
		if (next < pool->deadline_ns)
			pool->deadline_ns = next;
		if (pooled->dirty && pooled->state == POOLED_SERVING)
			pooled_write(pooled);
		pooled->dirty = false;
	}
	if (pool->keeper_gone)
		return;
	mailbox_send(&pool->mailbox); /* that it is gone is heard by receiving */
	bool waiting = mailbox_waiting(&pool->mailbox);
	loop_events(pool->loop, pool->mailbox.socket, (short)(POLLIN | (waiting ? POLLOUT : 0)));
}

static int64_t
pool_deadline_ns(const struct runner *runner)
{
	return ((const struct pool *)runner)->deadline_ns;
}

/* --- start and end --- */

static void
pool_close(struct runner *runner)
{
	struct pool *pool = (struct pool *)runner;
	struct keeper_message leave = {.type = KEEPER_LEAVE,
		.keep_strays = runner->slots && pool->setups[0].stray == STRAY_KEEP};
	if (!pool->keeper_gone) {
		mailbox_post(&pool->mailbox, &leave, -1);
		mailbox_send(&pool->mailbox);
		loop_remove(pool->loop, pool->mailbox.socket);
	}
	for (int i = 0; i < runner->slots; i++) {
		struct pooled *pooled = &pool->slots[i];
		if (pooled->state != POOLED_SERVING)
			continue;
		begin(runner, i, FRAME_QUIT, 0);
		conn_end(&pooled->conn);
		conn_write(&pooled->conn);
		loop_remove(pool->loop, pooled->conn.fd);
		conn_clear(&pooled->conn);
	}
	mailbox_clear(&pool->mailbox);
	free(pool->slots);
	free(pool);
}

struct runner *
pool_new(struct loop *loop, const struct keeper_link *keeper, const struct setup *slots, int count)
{
	static const struct runner_ops ops = {
		.start = pool_start,
		.recall = pool_recall,
		.kill = pool_kill,
		.credit = pool_credit,
		.sync = pool_sync,
		.flush = pool_flush,
		.deadline_ns = pool_deadline_ns,
		.close = pool_close,
	};
	struct pool *pool = xcalloc(1, sizeof(*pool));
	*pool = (struct pool){.runner = {.ops = &ops, .slots = count},
		.loop = loop,
		.keeper = keeper->pid,
		.mailbox = mailbox_init(keeper->socket),
		.setups = slots,
		.slots = xcalloc((unsigned long)count, sizeof(*pool->slots))};
	loop_add(loop, keeper->socket, POLLIN, pooled_keeper_ready, pool);
	for (int i = 0; i < count; i++)
		pool->slots[i] = (struct pooled){
			.pool = pool, .slot = i, .answer_ns = CLOCK_NEVER, .conn = {.fd = -1}};
	return &pool->runner;
}
