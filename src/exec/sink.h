/*
 * What becomes of outputs that rank 0 does not get: they are dropped, written to files of the
 * task's own, or appended to the slot's file in the store. One per slot, for one attempt after the
 * other; with --output group and line it does nothing.
 *
 * The first failure of an attempt (a full disk) is kept. From then on what the task still prints is
 * read and dropped, whoever runs it stops it, and sink_end() puts the failure into its result.
 */
#ifndef EXEC_SINK_H
#define EXEC_SINK_H

#include "base/buf.h"
#include "base/err.h"
#include "tasks/result.h"

#include <stdbool.h>
#include <stdint.h>

struct capture;
struct capture_options;
struct setup;
struct store;
struct task;

/* Zero-initialised is that of --output group. */
struct sink {
	enum output_mode mode;
	bool remove_empty;
	bool keep_failed_only;
	struct store *store; /* OUTPUT_STORE */
	int64_t synced_ns;   /* when it last was, or was opened */
	int64_t sync_ns;     /* when it is to be synced, 0: nothing is unsynced */
	int sync_error;	     /* why that failed, 0: it did not */
	bool sync_said;	     /* an attempt has failed of that */
	struct err sync_failure;

	/* of the attempt at hand */
	struct sink_file {
		int fd; /* 0: none, its stream is dropped */
		bool regular;
		bool empty;
		char *path;
	} files[2];
	bool merged;	 /* standard error goes where standard output goes */
	struct buf tail; /* the end of standard error */
	int error;	 /* errno of the first failure; 0: none */
	struct err failure;
};

void sink_init(struct sink *sink, const struct setup *setup);

/* Nothing more comes: syncs. */
void sink_close(struct sink *sink);

/* A new attempt: opens its files. Returns 0, or -1 if that failed; then end it without running it.
 * An attempt that was begun and did not start may be begun again. */
int sink_begin(struct sink *sink, const struct task *task);

/* True if the attempt's output is not to be captured: give it to sink_read(). */
bool sink_is_direct(const struct sink *sink);

/* Reads what the pipe of stream I holds, a few MiB at most, and puts it where it belongs. Returns
 * how many bytes it was. */
uint64_t sink_read(struct sink *sink, int i, int pipe_fd);

/* The output cannot be kept, because of ERROR (errno) with WHAT. */
void sink_fail(struct sink *sink, int error, const char *what);

/* The attempt has ended, its reason and bytes are in RESULT: stores what was captured, closes and
 * perhaps removes files, and completes RESULT, whose tail is valid until the next sink_begin(). */
void sink_end(struct sink *sink, struct capture *capture, const struct capture_options *options,
	struct result *result);

/* Syncs what was stored. Returns 0, or -1 with ERR if that fails, or has failed and no attempt has
 * said so. */
int sink_sync(struct sink *sink, struct err *err);

/* The store is synced when this is due; CLOCK_NEVER for never. */
int64_t sink_deadline(const struct sink *sink);
void sink_tick(struct sink *sink, int64_t now);

#endif
