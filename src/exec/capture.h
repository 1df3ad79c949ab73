/*
 * What a task prints, from its pipe until rank 0 has it: a first-in-first-out of bytes per stream,
 * up to CAPTURE_MEMORY_BYTES in memory, beyond that in an unlinked spool file used as a ring. A
 * stream whose spool is full, or whose disk is, takes no more: the pipe fills, and the task waits.
 */
#ifndef EXEC_CAPTURE_H
#define EXEC_CAPTURE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_MEMORY_BYTES (64 * 1024)

/* The most that is read in one go, of one that prints faster than it is read: there are others to
 * look after. No pipe holds more. */
#define CAPTURE_READ_BYTES (4 << 20)

struct err;

struct stream {
	struct buf front;  /* the oldest bytes, while lines are looked for in them */
	struct buf memory; /* the newest bytes */
	int spool_fd;	   /* the older ones, 0: no spool (0 is never ours) */
	uint64_t spool_in; /* bytes put into the spool since it was empty; at offset N % limit */
	uint64_t spool_out;
	uint64_t total; /* bytes ever captured */
	int error;	/* errno of the last time the spool took nothing */
};

/* Standard output and standard error of one task. Zero-initialised is empty and valid. */
struct capture {
	struct stream streams[2];
	int taken_last; /* the stream that chunks of lines came from last */
};

struct capture_options {
	const char *tmpdir;
	uint64_t spool_bytes; /* the limit of each stream's spool */
	bool lines;	      /* outputs go out in whole lines (exec/outbox.h) */
};

void capture_clear(struct capture *capture);

/* Forgets what was not taken, the spool with it; the totals stay. */
void capture_drop(struct capture *capture);

/* Reads what the pipe holds into stream I. Returns false if the stream is full before the pipe is
 * empty; then its error says why the spool took no more, 0 if it is at its limit. */
bool capture_read(
	struct capture *capture, int i, int pipe_fd, const struct capture_options *options);

/* Bytes of stream I that were not taken yet. */
uint64_t capture_pending(const struct capture *capture, int i);

/* Moves up to SIZE of the oldest bytes of stream I to the end of TO; returns how many. */
size_t capture_take(struct capture *capture, int i, struct buf *to, size_t size,
	const struct capture_options *options);

/* The same, but whole lines only, unless there are no more than SIZE bytes in the first; what is
 * left of a last line without its newline comes once COMPLETE: nothing more will be captured. */
size_t capture_take_lines(struct capture *capture, int i, struct buf *to, size_t size,
	bool complete, const struct capture_options *options);

/*
 * The two pipes a task writes to. Their writing ends are descriptors 1 and 2 of this process, so
 * that a task inherits them without a system call; the reading ends do not block. The end of a task
 * is its exit, never end of file.
 */
struct capture_pipes {
	int fds[2]; /* reading ends of standard output and standard error */
};

/* Makes them; the reading ends of those that were there are the caller's. Returns 0, or -1 with
 * ERR.
 */
int capture_pipes_new(struct capture_pipes *pipes, struct err *err);

/* Takes back what a task has set on its ends, which are one open file for all tasks of the slot:
 * O_NONBLOCK makes the next one lose output (fcntl(2), F_SETFL). */
void capture_pipes_reset(void);

#endif
