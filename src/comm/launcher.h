/*
 * Which launcher started this process, read from its environment. A pure function of it.
 *
 * The innermost launcher is asked alone, in this order: OMPI_COMM_WORLD_SIZE (Open MPI's mpirun),
 * PMI_SIZE (Hydra, srun --mpi=pmi2), PMIX_RANK (srun --mpi=pmix, PRRTE), SLURM_STEP_NUM_TASKS (srun
 * without PMI): under `mpirun -n 1` on three nodes the last one says 3, the number of daemons.
 * SLURM_NTASKS and SLURM_PROCID are set in every batch script and mean nothing here.
 */
#ifndef COMM_LAUNCHER_H
#define COMM_LAUNCHER_H

#include <stdbool.h>

struct launcher {
	const char *name; /* for messages, e.g. "Open MPI's mpirun"; NULL: not started by one */
	int size;	  /* processes it says it started; 0: it does not say */
	int rank;	  /* of this process among them; 0 if unknown */
	bool can_join;	  /* it offers a way to MPI (PMI, PMIx); srun without PMI does not */
	bool ends_in_a_second; /* on a signal it kills its ranks a second later, or sooner (mpirun)
				*/
	bool needs_a_moment;   /* dies, with what was printed, if its ranks end at once */
	bool mixes_streams; /* an unfinished line of one stream goes before what the other has next
			     */
};

/* VARIABLES is NULL-terminated, as environ(7). */
struct launcher launcher_detect(char *const *variables);

enum { LAUNCHER_JOB_MAX = 128 };

/* The number of the batch job that VARIABLES tell of, under SLURM, PBS, LSF, Flux or Grid Engine,
 * with that of the array's element where the job's is one for all; fit for a file's name. Fills and
 * returns ROOM; NULL: there is no job. */
const char *launcher_job(char *const *variables, char room[LAUNCHER_JOB_MAX]);

#endif
