/*
 * The keeper: the process that each rank forks once, before MPI_Init, and that alone forks
 * executors. So no process that has initialised MPI ever forks. It hands each executor's socket to
 * the rank with SCM_RIGHTS, and says when an executor has died. When the rank goes away, by
 * whatever death, its socket closes, and the keeper ends everything below it.
 *
 * Keeper and executors are in sessions of their own and subreapers, hold no descriptor of the
 * rank's, and have all signals blocked and read: SLURM signals every process of a job, and only the
 * rank commands these.
 */
#ifndef EXEC_KEEPER_H
#define EXEC_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum keeper_message_type {
	KEEPER_FORK,   /* rank to keeper: an executor for SLOT */
	KEEPER_LEAVE,  /* rank to keeper: the run is over; strays that were kept are to live on */
	KEEPER_FORKED, /* keeper to rank: here is its socket; ERROR: there is none (errno) */
	KEEPER_DOWN,   /* keeper to rank: the executor of SLOT has ended */
};

/* Over SOCK_SEQPACKET, as it is: both sides are one binary. */
struct keeper_message {
	enum keeper_message_type type;
	int slot;	  /* the rank's number for it, from 0 */
	int error;	  /* KEEPER_FORKED */
	int status;	  /* KEEPER_DOWN: as wait(2) gives it */
	uint64_t started; /* KEEPER_DOWN: seq of the last task it was about to start */
};

/* Forks the keeper. Returns the rank's end of its socket, or -1 with ERR. */
int keeper_start(struct err *err);

/* Sends a message; false if the keeper is gone. */
bool keeper_send(int socket, const struct keeper_message *message);

/* Receives one; FD is -1, or an executor's socket that the caller owns then. Returns 1, 0 if there
 * is none now, -1 if the keeper is gone. */
int keeper_receive(int socket, struct keeper_message *message, int *fd);

#endif
