/*
 * What a rank and its executors say to each other (docs/PROTOCOL.md, "Frames"). SEQ numbers the
 * tasks that a rank sends to one executor, from 1; it is how both name them.
 */
#ifndef EXEC_FRAME_H
#define EXEC_FRAME_H

enum frame_type {
	/* rank to executor */
	FRAME_SETUP = 1, /* struct setup */
	FRAME_START,	 /* seq u64, task: run it after those before it */
	FRAME_RECALL,	 /* seq u64: give it back if it has not started */
	FRAME_KILL,	 /* seq u64, reason u8, grace_ms u32: TERM, then KILL after the grace */
	FRAME_CREDIT,	 /* seq u64, chunks u32: send that many more chunks of its output */
	FRAME_SYNC,	 /* sync what was stored, and say how that went */
	FRAME_QUIT,	 /* nothing more will come: leave */

	/* executor to rank */
	FRAME_READY,	/* cpus: the mask read back */
	FRAME_STARTED,	/* seq u64: it has been running for EXEC_STARTED_MS */
	FRAME_ENDED,	/* seq u64, result */
	FRAME_RECALLED, /* seq u64, enum recalled u8 */
	FRAME_NO_ROOM,	/* text: why no process can be made; READY when it is tried again */
	FRAME_OFFER,	/* seq u64: it runs, and its spool is full: fetch its output */
	FRAME_CHUNK,	/* seq u64, stream u8 (1, 2), bytes: of an output that is fetched, or
			 * lines of a task that runs */
	FRAME_OUT_END,	/* seq u64: all chunks of an offered output are sent */
	FRAME_SYNCED,	/* text: why outputs that were stored may be lost; empty: they are safe */
	FRAME_SICK,	/* text: descendants of a task cannot be killed; the slot is to be closed */
};

#define EXEC_STARTED_MS 200

/* The most output that rides with a result, both streams together. */
#define EXEC_RIDE_BYTES (16 * 1024)

#define EXEC_CHUNK_BYTES (64 * 1024)

/* With --output line: a chunk's size, and how many each task may send before credit comes. */
#define EXEC_LINE_BYTES (16 * 1024)
#define EXEC_LINE_CREDITS 4

#endif
