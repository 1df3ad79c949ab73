/*
 * status.json: a snapshot of a run for those who watch it, replaced atomically, at most once a
 * second and at least every STATUS_BEAT_S seconds while it lives, and at its end.
 */
#ifndef RUN_STATUS_H
#define RUN_STATUS_H

#include "tasks/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum { STATUS_BEAT_S = 5, STATUS_RUNNING_MAX = 1000, STATUS_HOSTS_MAX = 1000 };

enum status_state {
	STATUS_RUNNING,
	STATUS_FINISHED, /* all that was asked has ended */
	STATUS_STOPPED,	 /* early: work remains */
	STATUS_BROKEN,	 /* the run itself failed */
	STATUS_STATES
};
extern const char *const status_state_names[STATUS_STATES]; /* running finished stopped broken */

struct status_task {
	uint64_t index;
	char host[64];
	int rank, slot;
	int64_t start_us; /* Unix time */
	char command[120];
	char element[12]; /* of an array; "": none */
};

struct status_host {
	char host[64];
	int slots, busy;
};

struct status {
	enum status_state state;
	int exit_code; /* once it has ended */
	int session;
	uint64_t beat;		  /* counts the snapshots */
	int64_t start_us, now_us; /* Unix time, of the master's host */
	uint64_t tasks;		  /* of the list; 0: not known yet */
	uint64_t tasks_about;	  /* the same, or an estimate; 0: there is none, as for a pipe */
	uint64_t done_before;	  /* of them succeeded in earlier sessions */
	uint64_t skipped;	  /* not asked for (--resume=failed or =new) */
	uint64_t by_reason[RESULT_REASONS]; /* tasks that ended in this session, by how */
	double rate;			    /* tasks a second lately */
	double eta_s;			    /* seconds to the end; negative: not known */
	int64_t deadline_us;		    /* of the allocation; 0: none known */
	int slots, busy;
	uint32_t nrunning, nhosts; /* in the arrays */
	uint64_t running;	   /* tasks that have been running for more than 200 ms */
	struct status_task
		*running_tasks; /* the longest-running first, STATUS_RUNNING_MAX at most */
	struct status_host *hosts;
};

/* Appends it as JSON text (one object, jansson). */
void status_format(struct buf *buf, const struct status *status);

/* Replaces RUN_DIR/status.json by TEXT, which is synced first: it is whole whatever happens. */
int status_write(const char *run_dir, const char *text, size_t len, struct err *err);

/* Reads RUN_DIR/status.json. -1 with ERR; status_clear() frees the arrays. */
int status_read(const char *run_dir, struct status *status, struct err *err);
void status_clear(struct status *status);

#endif
