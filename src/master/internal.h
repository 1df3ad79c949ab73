/* The master's state, shared by the files of this folder and nobody else. */
#ifndef MASTER_INTERNAL_H
#define MASTER_INTERNAL_H

#include "master/flights.h"
#include "master/master.h"
#include "master/members.h"
#include "master/output.h"

/* Why nothing more is handed out; later ones are worse. */
enum master_stop {
	STOP_NO,
	STOP_INTERRUPT,
	STOP_LIST,    /* the list is bad, or has changed: exit code 3 */
	STOP_FAILURE, /* the run itself failed: exit code 4 */
};

struct master {
	struct master_options options;
	struct sched *sched;
	struct members members;
	struct flights *flights;
	struct output *output;
	struct task **returned; /* came back unstarted: handed out again first */
	size_t nreturned, returned_room;
	struct task *next; /* taken from RETURNED or the list, to be handed out now */
	bool list_ended;
	bool list_waits;
	uint64_t handed_out; /* of the list */
	uint64_t failed;
	uint64_t cancelled;
	uint64_t recorded;
	enum master_stop stop;
	int interrupts;
	int64_t settle_ns; /* CLOCK_NEVER: not interrupted */
	int64_t active_ns; /* when something last happened */
	int said_bye;	   /* workers that are through */
	int gone;	   /* of these, before they ever said HELLO */
	bool draining;
	bool finished;
	bool paths_reported;
	bool pause_reported;
	struct buf lines; /* records of this turn */
};

/* Nothing more is handed out, because of WHY. */
void master_stop(struct master *master, enum master_stop why);

/* Hands out what can be handed out (dispatch.c). */
void master_dispatch(struct master *master);

/* A task came back: it was not started (dispatch.c). */
void master_task_returned(struct master *master, struct flight *flight);

/* The attempt ended with RESULT, whose strings are valid during the call (receive.c). */
void master_task_ended(struct master *master, struct flight *flight, const struct result *result);

/* It ended for that reason, as far as we know (receive.c). */
void master_task_gone(struct master *master, struct flight *flight, enum result_reason reason);

#endif
