/* Who started us. */
#include "comm/launcher.h"

#include <stdlib.h>
#include <string.h>

static const char *
get(char *const *environ, const char *name)
{
	size_t len = strlen(name);
	for (; *environ; environ++)
		if (strncmp(*environ, name, len) == 0 && (*environ)[len] == '=')
			return *environ + len + 1;
	return NULL;
}

static int
get_number(char *const *environ, const char *name)
{
	const char *value = get(environ, name);
	return value ? atoi(value) : 0;
}

static struct launcher
launched_by(const char *name, int size, int rank, bool can_join, bool ends_in_a_second)
{
	return (struct launcher){.name = name,
		.size = size > rank ? size : rank ? rank + 1 : size,
		.rank = rank,
		.can_join = can_join,
		.ends_in_a_second = ends_in_a_second};
}

struct launcher
launcher_detect(char *const *environ)
{
	if (get(environ, "OMPI_COMM_WORLD_SIZE"))
		return launched_by("Open MPI's mpirun", get_number(environ, "OMPI_COMM_WORLD_SIZE"),
			get_number(environ, "OMPI_COMM_WORLD_RANK"), true, true);
	if (get(environ, "PMI_SIZE")) {
		bool hydra = get(environ, "HYDI_CONTROL_FD") || get(environ, "MPI_LOCALRANKID");
		return launched_by(hydra ? "MPICH's mpirun" : "srun --mpi=pmi2",
			get_number(environ, "PMI_SIZE"), get_number(environ, "PMI_RANK"), true,
			hydra);
	}
	if (get(environ, "PMIX_RANK")) {
		/* PMIx tells its size to its client only; srun, if it is srun's PMIx, tells us too. */
		const char *namespace = get(environ, "PMIX_NAMESPACE");
		bool srun = namespace && strncmp(namespace, "slurm.pmix", 10) == 0;
		int size = srun ? get_number(environ, "SLURM_STEP_NUM_TASKS") : 0;
		return launched_by(srun ? "srun --mpi=pmix" : "a PMIx launcher", size,
			get_number(environ, "PMIX_RANK"), true, !srun);
	}
	int size = get_number(environ, "SLURM_STEP_NUM_TASKS");
	if (size > 0)
		return launched_by("srun", size, get_number(environ, "SLURM_PROCID"), false, false);
	return (struct launcher){0};
}
