/* The master's state, shared by the files of this folder and nobody else. */
#ifndef MASTER_INTERNAL_H
#define MASTER_INTERNAL_H

#include "master/flights.h"
#include "master/ledger.h"
#include "master/master.h"
#include "master/members.h"
#include "master/output.h"

/* Why nothing more is handed out; later ones are worse. */
enum master_stop {
	STOP_NO,
	STOP_INTERRUPT,
	STOP_READER,  /* whoever read our output has gone away */
	STOP_BARRIER, /* tasks before a barrier have not succeeded */
	STOP_LIST,    /* the list is bad, or has changed: exit code 3 */
	STOP_LOST,    /* a rank is lost: exit code 3 */
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
	struct task *next;	  /* taken from RETURNED or the source, to be handed out now */
	struct task *barred;	  /* taken from the source; waits for all before it */
	enum task_barrier passed; /* barriers of tasks that were left out */
	uint64_t order;		  /* tasks taken from the source to be run */
	uint64_t done_before;	  /* left out: an earlier session has done them */
	uint64_t left_out;	  /* not asked for, and not done */
	bool skipping;		  /* more are to be left out at once */
	bool list_ended;
	bool list_waits;
	uint64_t handed_out; /* the highest index */
	uint64_t failed;
	uint64_t cancelled;
	uint64_t recorded;
	uint64_t by_reason[RESULT_REASONS];
	uint64_t unopened;   /* of those recorded: not run, as an output file could not be opened */
	uint64_t unkept;     /* whose output the disk did not take, since one whose output it did */
	int64_t snapshot_ns; /* when the last was made */
	uint64_t snapshots;
	enum master_stop stop;
	int interrupts;
	int64_t beat_ns;    /* when to tell all that we are here; CLOCK_NEVER: there is nobody */
	int64_t settle_ns;  /* CLOCK_NEVER: not interrupted */
	int64_t active_ns;  /* when something last happened */
	int64_t no_room_ns; /* since when no process can be made anywhere; 0: tasks end or run */
	int said_bye;	    /* workers that are through */
	int gone;	    /* of these, before they ever said HELLO */
	bool output_failed;
	bool silent;	/* a rank that was lost may be there still */
	bool held_back; /* workers were told to start nothing more */
	bool draining;
	bool finished;
	bool paths_reported;
	bool pause_reported;
	struct buf lines;    /* records of this turn */
	struct buf joblines; /* the same for the job log */
};

/* Nothing more is handed out, because of WHY. */
void master_stop(struct master *master, enum master_stop why);

/* A snapshot of the run for those who watch it, once a second while something happens, else every
 * STATUS_BEAT_S (snapshot.c). */
void master_snapshot(struct master *master, int64_t now_ns);
int64_t master_snapshot_due_ns(const struct master *master);

/* The number of tasks, ABOUT if it is an estimate (a long list's is, until its end is seen); 0 if
 * nobody knows. And of them those that earlier sessions have done, as far as is certain. */
uint64_t master_tasks(const struct master *master, bool *about);
uint64_t master_done_before(const struct master *master);

/* Hands out what can be handed out (dispatch.c). */
void master_dispatch(struct master *master);

/* A task came back: it was not started (dispatch.c). */
void master_task_returned(struct master *master, struct flight *flight);

/* The attempt ended with RESULT, whose strings are valid during the call (receive.c). */
void master_task_ended(struct master *master, struct flight *flight, const struct result *result);

/* It ended for that reason, as far as we know (receive.c). */
void master_task_gone(struct master *master, struct flight *flight, enum result_reason reason);

#endif
