/* Asking the scheduler. */
#ifndef EXEC_SCHEDULER_H
#define EXEC_SCHEDULER_H

/* Does the SLURM job run, or wait? 1: yes; 0: it has ended; -1: not known: no squeue, or no answer
 * within five seconds. By posix_spawn(3), which copies no page tables: it may be called by a process
 * that has initialised MPI. */
int scheduler_job_runs(const char *job);

#endif
