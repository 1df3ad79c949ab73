/*
 * The journal of one session. One thread, the only one of ours, writes and syncs it, because a
 * write to a parallel file system can hang for seconds: two buffers, at most JOURNAL_BYTES, written
 * within 10 ms and synced within a second. What else is written in the run directory while a run
 * goes on (status, lock) is written by that thread too, for the same reason. Signals are blocked in
 * it.
 *
 * Life: open, append and poll in every turn of the loop, close. A failed write or sync is sticky,
 * and so is a file that others have removed, moved or replaced (looked for once a second and at the
 * end): journal_failed() says so from then on and journal_close() returns it.
 */
#ifndef RUN_JOURNAL_H
#define RUN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct journal;

#define JOURNAL_BYTES (16L << 20)

struct journal_options {
	const char *path;
	const char *text; /* LEN bytes for its beginning */
	size_t len;
	const char *loss; /* what it means that the file is gone, for the message */
	bool again;	  /* it may exist: it is continued, without TEXT unless it is empty */
	/* Called by the thread once a second, and when journal_status() has brought STATUS, else
	 * that is NULL. -1 with ERR fails the journal. NULL: none. */
	int (*tick)(void *arg, const struct buf *status, struct err *err);
	void *arg;
};

/* Creates the file (O_EXCL) with TEXT in it, synced, its directory too, and starts the thread. NULL
 * with ERR. */
struct journal *journal_open(const struct journal_options *options, struct err *err);

/* Copies whole lines into the front buffer. May pass JOURNAL_BYTES by what one turn brings; the
 * caller stops making work while journal_full(). Never blocks on the disk. */
void journal_append(struct journal *journal, const char *lines, size_t len);

/* True while the buffers hold JOURNAL_BYTES or more. */
bool journal_full(struct journal *journal);

/* A descriptor (eventfd) that becomes readable when the journal stops being full or fails. */
int journal_fd(const struct journal *journal);

/* Call when journal_fd() was readable: drains it. */
void journal_woken(struct journal *journal);

/* True, with ERR filled, once a write or sync failed. */
bool journal_failed(struct journal *journal, struct err *err);

/* Takes the bytes of TEXT, which is empty afterwards, for a tick now, in place of what waits. */
void journal_status(struct journal *journal, struct buf *text);

/* Asks for a sync now rather than within the second; does not wait. */
void journal_flush(struct journal *journal);

/* Writes and syncs everything, ends the thread, frees it. Returns 0, or -1 with ERR. */
int journal_close(struct journal *journal, struct err *err);

#endif
