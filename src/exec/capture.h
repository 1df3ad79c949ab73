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

struct err;

struct stream {
	struct buf memory; /* the newest bytes */
	int spool_fd;	   /* the older ones, 0: no spool (0 is never ours) */
	uint64_t spool_in; /* bytes put into the spool since it was empty; at offset N % limit */
	uint64_t spool_out;
	uint64_t total; /* bytes ever captured */
};

/* Standard output and standard error of one task. Zero-initialised is empty and valid. */
struct capture {
	struct stream streams[2];
};

struct capture_options {
	const char *tmpdir;
	uint64_t spool_bytes; /* the limit of each stream's spool */
};

void capture_clear(struct capture *capture);

/* Reads what the pipe holds into stream I. Returns false if the stream is full before the pipe is
 * empty. */
bool capture_read(
	struct capture *capture, int i, int pipe_fd, const struct capture_options *options);

/* Bytes of stream I that were not taken yet. */
uint64_t capture_pending(const struct capture *capture, int i);

/* Moves up to SIZE of the oldest bytes of stream I to the end of TO; returns how many. */
size_t capture_take(struct capture *capture, int i, struct buf *to, size_t size,
	const struct capture_options *options);

/*
 * The two pipes a task writes to. Their writing ends are descriptors 1 and 2 of this process, so
 * that a task inherits them without a system call; the reading ends do not block. The end of a task
 * is its exit, never end of file.
 */
struct capture_pipes {
	int fds[2]; /* reading ends of standard output and standard error */
};

/* Makes them, in place of those that are there (fds > 0). Returns 0, or -1 with ERR. */
int capture_pipes_renew(struct capture_pipes *pipes, struct err *err);

#endif
