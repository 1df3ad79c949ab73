/* Asking the scheduler. */
#ifndef EXEC_SCHEDULER_H
#define EXEC_SCHEDULER_H

/* What has become of a SLURM job that was running? 0: it has ended, or waits to be started again;
 * 1: it runs; 2: it is suspended; -1: not known: no squeue, or no answer within five seconds. By
 * posix_spawn(3), which copies no page tables: it may be called by a process that has initialised
 * MPI. */
int scheduler_job(const char *job);

#endif
