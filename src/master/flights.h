/* The tasks in flight: handed out, or ended and their record not written yet. By index. */
#ifndef MASTER_FLIGHTS_H
#define MASTER_FLIGHTS_H

#include "base/buf.h"
#include "tasks/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pieces;
struct task;

struct flight {
	struct task *task;    /* owned */
	int worker;	      /* the master's number for it */
	bool running;	      /* it has been running for a while (STARTED) */
	bool recalled;	      /* its worker was asked for it and has not answered yet */
	bool ended;	      /* RESULT is there */
	bool fetching;	      /* its output is being fetched, or waits for that */
	bool lined_up;	      /* it is the one that is being fetched, or waits to be */
	uint32_t asked;	      /* chunks of it that have not come */
	struct result result; /* without strings */
	struct buf bytes[2];  /* output that rode with it and must wait, or an unfinished line */
	struct pieces *held;  /* output that was fetched and must wait; NULL: none */
	uint64_t held_at;     /* what is left of it */
	bool in_line[2];      /* its output so far ends within a line */
	bool unkept;	      /* the disk had no room for its output until its turn */
	uint32_t owed;	      /* chunks of credit, once ours is written */
	int64_t started_us;   /* Unix time, of one that is RUNNING: to a fifth of a second */
	struct buf tail;      /* the end of its standard error */
	uint64_t out_position[2]; /* where in our own outputs it is complete */
	struct flight *next;	  /* in whichever queue it is */
};

/* First in, first out; linked through flight->next. */
struct flight_queue {
	struct flight *first, *last;
};

void flight_queue_push(struct flight_queue *queue, struct flight *flight);
struct flight *flight_queue_pop(struct flight_queue *queue);

/* Takes it out from wherever it is; false if it is not there. */
bool flight_queue_remove(struct flight_queue *queue, struct flight *flight);

struct flights;

struct flights *flights_new(void);
void flights_free(struct flights *flights);

/* A new flight for the task, which it owns. */
struct flight *flights_add(struct flights *flights, struct task *task, int worker);
struct flight *flights_find(const struct flights *flights, uint64_t index);

/* Takes it out and frees it; with KEEP_TASK its task is the caller's. */
void flights_remove(struct flights *flights, struct flight *flight, bool keep_task);

size_t flights_count(const struct flights *flights);

/* All of them, by *AT from 0; NULL at the end. None may be added or removed meanwhile. */
struct flight *flights_next(const struct flights *flights, size_t *at);

#endif
