/*
 * Outputs of ended tasks that were too large to ride with their results: they wait here until rank
 * 0 has fetched them, chunk by chunk against credit, while the next task runs.
 */
#ifndef EXEC_OUTBOX_H
#define EXEC_OUTBOX_H

#include "exec/capture.h"

struct conn;

/* Beyond this the slot starts nothing new until one is fetched. */
#define OUTBOX_MAX 4

/* While the connection holds this much nothing is added. */
#define OUTBOX_CONN_BYTES (512 * 1024)

struct outbox {
	int count;
	struct outbox_entry {
		uint64_t seq;
		uint32_t credits; /* chunks that may be sent */
		struct capture capture;
	} entries[OUTBOX_MAX];
};

bool outbox_full(const struct outbox *outbox);

/* Takes the capture over: the caller's is empty afterwards. Must not be full. */
void outbox_add(struct outbox *outbox, uint64_t seq, struct capture *capture, uint32_t credits);

/* Allows CHUNKS more of that output; ignored if it is not here. */
void outbox_credit(struct outbox *outbox, uint64_t seq, uint32_t chunks);

/* Puts what credit allows into the connection, and FRAME_OUT_END behind the last chunk. */
void outbox_turn(struct outbox *outbox, struct conn *conn, const struct capture_options *options);

/* Puts chunks of one capture into the connection while there is credit and the connection holds
 * little; true if it put any. If OPTIONS ask for lines, they are of whole lines (but for one longer
 * than a chunk, and the last, once the capture is COMPLETE) and of both streams in turn. */
bool outbox_send_chunks(struct conn *conn, uint64_t seq, struct capture *capture, uint32_t *credits,
	bool complete, const struct capture_options *options);

void outbox_clear(struct outbox *outbox);

#endif
