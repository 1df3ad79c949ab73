/* Who started us. */
#include "comm/launcher.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
get(char *const *variables, const char *name)
{
	size_t len = strlen(name);
	for (; *variables; variables++)
		if (strncmp(*variables, name, len) == 0 && (*variables)[len] == '=')
			return *variables + len + 1;
	return NULL;
}

/* 0: not there, or no such number. */
static int
get_number(char *const *variables, const char *name)
{
	const char *value = get(variables, name);
	long number = value ? strtol(value, NULL, 10) : 0;
	return number > 0 && number < INT_MAX ? (int)number : 0;
}

/* A rank other than 0 says that there are more of them, whatever SIZE says. */
static struct launcher
launched_by(const char *name, int size, int rank)
{
	return (struct launcher){.name = name,
		.size = rank && size <= rank ? rank + 1 : size,
		.rank = rank,
		.can_join = true};
}

/* Hydra has a control descriptor (MPICH 4) or counts the ranks of a host (older ones, Intel's);
 * srun has neither. */
static struct launcher
launched_by_pmi(char *const *variables)
{
	bool hydra = get(variables, "HYDI_CONTROL_FD") || get(variables, "MPI_LOCALRANKID");
	bool srun = !hydra && get(variables, "SLURM_STEP_NUM_TASKS");
	struct launcher launcher = launched_by(hydra  ? "MPICH's mpirun"
					       : srun ? "srun --mpi=pmi2"
						      : "a PMI launcher",
		get_number(variables, "PMI_SIZE"), get_number(variables, "PMI_RANK"));
	launcher.ends_in_a_second = !srun;
	launcher.needs_a_moment = hydra;
	return launcher;
}

/* PMIx tells the size to its own clients only; srun, where the PMIx is its own, tells it to all. */
static struct launcher
launched_by_pmix(char *const *variables)
{
	const char *namespace = get(variables, "PMIX_NAMESPACE");
	bool srun = namespace && strncmp(namespace, "slurm.pmix", strlen("slurm.pmix")) == 0;
	struct launcher launcher = launched_by(srun ? "srun --mpi=pmix" : "a PMIx launcher",
		srun ? get_number(variables, "SLURM_STEP_NUM_TASKS") : 0,
		get_number(variables, "PMIX_RANK"));
	launcher.ends_in_a_second = !srun;
	return launcher;
}

/* PMIx up to 5.0.10, 6.0 and 6.1.0, which prints what the processes of PRRTE's mpirun print. */
static bool
mixes_streams(char *const *variables)
{
	const char *version = get(variables, "PMIX_VERSION");
	int major, minor, release;
	if (!get(variables, "PRTE_LAUNCHED") || !version ||
		sscanf(version, "%d.%d.%d", &major, &minor, &release) != 3)
		return false;
	int number = major * 10000 + minor * 100 + release;
	return number < 50011 || (number >= 60000 && number < 60101);
}

struct launcher
launcher_detect(char *const *variables)
{
	struct launcher launcher = {0};
	if (get(variables, "OMPI_COMM_WORLD_SIZE")) {
		launcher = launched_by("Open MPI's mpirun",
			get_number(variables, "OMPI_COMM_WORLD_SIZE"),
			get_number(variables, "OMPI_COMM_WORLD_RANK"));
		launcher.ends_in_a_second = true;
		launcher.mixes_streams = mixes_streams(variables);
	} else if (get(variables, "PMI_SIZE")) {
		launcher = launched_by_pmi(variables);
	} else if (get(variables, "PMIX_RANK")) {
		launcher = launched_by_pmix(variables);
	} else if (get(variables, "SLURM_STEP_NUM_TASKS")) {
		launcher = launched_by("srun", get_number(variables, "SLURM_STEP_NUM_TASKS"),
			get_number(variables, "SLURM_PROCID"));
		launcher.can_join = false;
	}
	return launcher;
}

const char *
launcher_job(char *const *variables, char room[LAUNCHER_JOB_MAX])
{
	static const struct {
		const char *job, *element; /* "undefined" and 0 are none */
	} schedulers[] = {{"SLURM_JOB_ID", NULL}, {"PBS_JOBID", NULL},
		{"LSB_JOBID", "LSB_JOBINDEX"}, {"FLUX_JOB_ID", NULL}, {"JOB_ID", "SGE_TASK_ID"}};
	const size_t last = sizeof(schedulers) / sizeof(schedulers[0]) - 1;
	for (size_t i = 0; i <= last; i++) {
		const char *job = get(variables, schedulers[i].job);
		const char *name = schedulers[i].element;
		const char *element = name ? get(variables, name) : NULL;
		if (!job || !*job || (i == last && !element)) /* JOB_ID may be anybody's */
			continue;
		bool one = element && atoi(element) > 0;
		snprintf(room, LAUNCHER_JOB_MAX, "%s%s%s", job, one ? "." : "", one ? element : "");
		for (char *at = room; *at; at++)
			if (!isalnum((unsigned char)*at) && !strchr("._-[]", *at))
				*at = '_';
		return room;
	}
	return NULL;
}
