/*
 * What a rank and its keeper say to each other, and their ends of the socket between them. Neither
 * ever blocks in a send: two that did would wait for each other for ever once both buffers are full
 * (some 280 descriptors under way fill one: measured), and a stopped one would hold up the other.
 * What the socket does not take waits in the mailbox, in order.
 */
#ifndef EXEC_MAILBOX_H
#define EXEC_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum keeper_message_type {
	KEEPER_FORK,   /* rank to keeper: an executor for SLOT */
	KEEPER_LEAVE,  /* rank to keeper: the run is over */
	KEEPER_FORKED, /* keeper to rank: PID's socket comes with it; ERROR: there is none (errno)
			*/
	KEEPER_DOWN,   /* keeper to rank: the executor of SLOT has ended */
};

/* Over SOCK_SEQPACKET, as it is: both sides are one binary. */
struct keeper_message {
	enum keeper_message_type type;
	int slot;	  /* the rank's number for it, from 0 */
	int error;	  /* KEEPER_FORKED */
	int status;	  /* KEEPER_DOWN: as wait(2) gives it */
	pid_t pid;	  /* KEEPER_FORKED */
	bool keep_strays; /* KEEPER_LEAVE: what executors leave behind is to live on */
	uint64_t started; /* KEEPER_DOWN: seq of the last task it was about to start */
};

struct mailbox {
	int socket; /* owned */
	struct parcel {
		struct keeper_message message;
		int fd; /* goes with it, owned; -1: none */
	} * waiting;
	size_t first, count, room; /* those from FIRST on still wait */
	bool no_memory; /* why they do: not the socket but the kernel had no room, for which no
			   event comes */
};

struct mailbox mailbox_init(int socket);

/* Closes the socket and what still waits. */
void mailbox_clear(struct mailbox *mailbox);

/* Takes the message for sending, and FD over (-1: none). */
void mailbox_post(struct mailbox *mailbox, const struct keeper_message *message, int fd);

/* Sends what the socket takes. False if the other side is gone. */
bool mailbox_send(struct mailbox *mailbox);

/* How many messages still wait. */
size_t mailbox_waiting(const struct mailbox *mailbox);

/* Receives one; FD is -1, or a descriptor that the caller owns then. Returns 1, 0 if there is none
 * now, -1 if the other side is gone. */
int mailbox_receive(struct mailbox *mailbox, struct keeper_message *message, int *fd);

#endif
