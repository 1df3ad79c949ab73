/* The master's state, shared by the files of this folder and nobody else. */
#ifndef MASTER_INTERNAL_H
#define MASTER_INTERNAL_H

#include "master/flights.h"
#include "master/members.h"
#include "master/options.h"
#include "master/output.h"
#include "master/supply.h"

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
	struct supply *supply;
	bool skipping;	     /* the supply is to be asked again at once */
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
	int64_t no_room_said_ns; /* 0: not yet */
	int said_bye;		 /* workers that are through */
	int gone;		 /* of these, before they ever said HELLO */
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

#endif
