/*
 * Frames over a stream socket between our own processes: a u32 length, a type byte, a payload
 * (docs/PROTOCOL.md). SOCK_STREAM because SOCK_SEQPACKET refuses messages of 256 KiB (measured).
 * Reading and writing never block; what the socket does not take waits in OUT.
 */
#ifndef BASE_CONN_H
#define BASE_CONN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct unpack;

struct conn {
	int fd; /* owned */
	struct buf in;
	struct buf out;
	size_t taken; /* bytes of IN that the frame given out last occupies */
	size_t begun; /* where in OUT the frame being written begins */
};

struct conn conn_init(int fd);
void conn_clear(struct conn *conn);

/* Reads what is there. Returns false at end of file or on an error: the other side is gone; frames
 * read before are still given out. */
bool conn_read(struct conn *conn);

/* The next whole frame: its payload stays valid until the next call. False: none. A frame longer
 * than 2^30 bytes cannot be one of ours: die(). */
bool conn_next(struct conn *conn, uint8_t *type, struct unpack *payload);

/* Between the two, pack the payload into conn->out. */
void conn_begin(struct conn *conn, uint8_t type);
void conn_end(struct conn *conn);

/* Writes what the socket takes. False: the other side is gone. */
bool conn_write(struct conn *conn);

#endif
