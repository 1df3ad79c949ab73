/*
 * The master: the part of rank 0 that owns a run: list, schedule, journal, output, verdict. A state
 * machine driven by messages and a time argument; it knows neither MPI nor processes nor hardware.
 *
 * Every task that was handed out is in flight until its output is out and its record is in the
 * journal; only then it counts as ended.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct hello;
struct journal;
struct ledger;
struct master;
struct message_head;
struct observer;
struct order;
struct resume;
struct source;
struct status;
struct transport;
struct unpack;

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

struct master *master_new(const struct master_options *options);
void master_free(struct master *master);

/* A message from the endpoint PEER; IN is its payload. Dies if it is none that the master takes. */
void master_message(struct master *master, int peer, const struct message_head *head,
	struct unpack *in, int64_t now_ns);

/* Says what is special about the cores of a worker's host: too few, not ours, other runs'. Returns
 * false if nothing is. */
bool master_report_host(const struct hello *hello);

/* That endpoint is gone, and what it had with it. */
void master_lost(struct master *master, int peer);

/* Once per turn of the loop: output, records, messages, screen. */
void master_turn(struct master *master, int64_t now_ns);

/* When master_turn() has something to do even if nothing happens; CLOCK_NEVER for never. */
int64_t master_deadline_ns(const struct master *master);

/* Stops the run: nothing new starts, what runs gets TERM, then KILL; the second time KILL at once.
 */
void master_interrupt(struct master *master, int64_t now_ns);

/* The longest its transport should sleep between polls. */
int64_t master_poll_cap_ns(const struct master *master, int64_t now_ns);

/* What to poll for reading: the task list's descriptor while it is waited for, else -1. */
int master_list_fd(const struct master *master);

/* What to poll for writing: I is 0 or 1; -1 for nothing. */
int master_output_fd(const struct master *master, int i);

/* True once every worker is through with the run. */
bool master_finished(const struct master *master);

/* True if a rank was lost that may be there still, only silent: nobody can wait for it. */
bool master_is_left(const struct master *master);

/* Where the run stands; status_clear() frees. */
void master_status(const struct master *master, struct status *status);

/* The exit code of mpbatch, once finished: 0 all succeeded, 1 some failed, 3 stopped early, 4 the
 * run itself failed. */
int master_exit_code(const struct master *master);

#endif
