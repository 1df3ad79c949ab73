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

#include <sys/types.h>

struct err;

/* What a rank knows of its keeper. */
struct keeper_link {
	int socket; /* for a mailbox (exec/mailbox.h) */
	pid_t pid;
};

/* Forks the keeper. Returns 0 with LINK, or -1 with ERR. */
int keeper_start(struct keeper_link *link, struct err *err);

#endif
