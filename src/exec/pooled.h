/*
 * The executors of a pool, each with its state: what they and the keeper say, and how they come and
 * go. Shared by pool.c, which commands them, and nobody else.
 */
#ifndef EXEC_POOLED_H
#define EXEC_POOLED_H

#include "base/conn.h"
#include "exec/mailbox.h"
#include "exec/runner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct setup;

/* An executor that dies this often is not replaced again. */
#define POOLED_DEATHS_MAX 10

/*
 * The executor of a slot:
 *
 *   WANTED -> ASKED -> SERVING -> ENDING -> WANTED or NONE
 *
 * The connection is open in SERVING and only there. down() is told once an executor that was
 * SERVING is over, and when one that was ASKED for could not be forked. Without a keeper WANTED,
 * ASKED and ENDING become NONE at once, and SERVING when its connection closes.
 */
enum pooled_state {
	POOLED_WANTED,	/* the keeper is to be asked for it, at due_ns */
	POOLED_ASKED,	/* FORK was sent, FORKED has not come */
	POOLED_SERVING, /* its connection is open */
	POOLED_ENDING,	/* its connection has closed, DOWN has not come */
	POOLED_NONE,	/* there will be none any more */
};

struct pooled {
	struct pool *pool;
	int slot;
	enum pooled_state state;
	pid_t pid; /* of SERVING and ENDING */
	int deaths;
	int64_t due_ns;	   /* WANTED: when to ask for it */
	uint64_t given;	   /* the last task that any executor of the slot was given */
	uint64_t told;	   /* the last task it was told to end, 0: that has ended */
	int open_recalls;  /* not answered yet */
	bool syncing;	   /* SYNC is not answered yet */
	bool silent;	   /* killed, because it did not answer */
	int64_t answer_ns; /* when it must have answered; CLOCK_NEVER: it may take its time */
	bool dirty;	   /* something waits to be sent */
	bool writing;	   /* the loop watches for room to send it */
	struct conn conn;
};

struct pool {
	struct runner runner;
	struct loop *loop;
	pid_t keeper;
	struct mailbox mailbox;
	bool keeper_gone;
	bool ending;	     /* something was told to end: executors must answer */
	int asked;	     /* slots in ASKED */
	int64_t deadline_ns; /* of all slots, as of the last flush */
	const struct setup *setups;
	struct pooled *slots;
};

/* Changes the state; dies if that is no legal step. */
void pooled_change(struct pooled *pooled, enum pooled_state state);

/* Writes what the socket takes. A failed write is no news: the end of file that follows it is. */
void pooled_write(struct pooled *pooled);

/* SERVING to ENDING. */
void pooled_close(struct pooled *pooled);

/* There is no executor any more (ENDING), or none could be forked (ASKED); STARTED as for down().
 * Is there to be another one? */
void pooled_down(struct pooled *pooled, uint64_t started, const char *why);

/* A handler of the loop, whose argument is the pool. */
void pooled_keeper_ready(void *pool, int socket, short revents);

#endif
