/*
 * Names of files in a script that SLURM_JOB_ID alone makes different: under sbatch it is another
 * for each element of an array, here it is that of the job around, the same for all.
 */
#ifndef CLI_JOBID_H
#define CLI_JOBID_H

#include <stddef.h>

/* The next such word of LINE, a string of LEN bytes, from *AT on: its length, and *AT where it
 * begins; 0: there is none. */
size_t jobid_next(const char *line, size_t len, size_t *at);

#endif
