/* What a run's master is given. */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct journal;
struct ledger;
struct observer;
struct order;
struct resume;
struct source;
struct transport;

struct master_options {
	struct transport *transport;
	uint32_t session;	      /* in every message */
	int session_number;	      /* of the run directory, from 1: in every record */
	int workers;		      /* that will say HELLO */
	struct source *source;	      /* not owned */
	uint64_t limit;		      /* tasks at a time; 0: as many as there are slots */
	struct journal *journal;      /* not owned; NULL: none is kept */
	const char *directory;	      /* mpbatch's own, for the journal */
	struct journal *joblog;	      /* the same, in GNU parallel's format */
	struct ledger *ledger;	      /* not owned: what became of each task; NULL: not kept */
	struct resume *resume;	      /* not owned: what is done already; NULL: nothing is */
	bool leave_failed, leave_new; /* of what is not done, which half not to run */
	struct observer *observer;    /* not owned; NULL: none */
	int fds[2];		      /* where tasks' standard output and error go */
	bool by_line;		      /* as lines come, not as tasks end */
	const char *tmpdir;	      /* not owned: where outputs of running tasks wait */
	struct order *order;   /* outputs in the order of the tasks; NULL: as they end. Owned */
	int64_t start_us;      /* of the session, Unix time */
	int64_t deadline_us;   /* the end of the allocation; 0: not known */
	uint64_t search_paths; /* hash of rank 0's PATH and LD_LIBRARY_PATH */
	uint32_t grace_ms;     /* of an interrupt: TERM, then KILL */
	/* This long after an interrupt what has not ended is recorded as cancelled, because the
	 * launcher is about to kill us; 0: wait for everything to end. */
	uint32_t settle_ms;
};

#endif
