/*
 * The lock of a run directory: the file "lock", made by link(2), which is atomic on NFS too. It
 * names its owner (host, boot, pid name space, pid and when that started, the scheduler's job and
 * how often it was restarted) and holds a counter that the owner rewrites every LOCK_BEAT_S
 * seconds.
 *
 * It is stale if its owner ran on this host and is gone; or ran in this job of the scheduler before
 * a restart of it; or the scheduler says that its job has ended (asked once); or its counter,
 * watched from here, stands still for LOCK_DEAD_S, even if the job is said to run: the scheduler
 * learns late that a node is gone, and never that one process of many is. Clocks of hosts are never
 * compared. Who takes a stale lock over holds "lock.takeover" meanwhile, so that two cannot.
 */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct lock;

enum { LOCK_BEAT_S = 10, LOCK_DEAD_S = 60 };

/* LOCK_DEAD_S, but for tests that cannot wait that long. */
extern int lock_dead_s;

/* How to ask the scheduler about a job, with the answers of scheduler_job(). NULL: nobody is asked.
 * Set once, by main(). */
extern int (*lock_ask_scheduler)(const char *job);

/* Takes the lock of RUN_DIR. WAITING, if not NULL, is called once with a line of text before
 * another host's counter is watched. NULL with ERR, which names the owner, if one that lives holds
 * it. */
struct lock *lock_take(const char *run_dir, void (*waiting)(const char *text), struct err *err);

/* To be called about once a second, always by the same thread: rewrites the counter when it is
 * time. -1 with ERR if the lock is another's by now. */
int lock_beat(struct lock *lock, struct err *err);

/* False once the lock was removed, moved or taken over: what is in the run directory is no longer
 * ours to change. */
bool lock_is_ours(const struct lock *lock);

/* The run directory has another name now. */
void lock_moved(struct lock *lock, const char *run_dir);

/* Removes it if it is still ours, and frees. NULL is fine. */
void lock_release(struct lock *lock);

/* What can be said at once of the owner of RUN_DIR's lock; nothing is changed. */
enum lock_state {
	LOCK_FREE,     /* there is no lock */
	LOCK_ALIVE,    /* its owner lives on this host, or its job is suspended */
	LOCK_JOB_RUNS, /* its job does, as the scheduler says: it does as well, most likely */
	LOCK_DEAD,     /* its owner is gone */
	LOCK_SILENT,   /* another host's: only watching can tell */
};
enum lock_state lock_look(const char *run_dir);

#endif
