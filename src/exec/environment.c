/* What tasks find in their environment. */
#include "exec/environment.h"

#include "base/cpus.h"
#include "base/log.h"
#include "exec/setup.h"
#include "tasks/task.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An MPI program run as a task fails or hangs in MPI_Init if it inherits its rank's variables. What
 * the site or the user set (SLURM_JOB_*, OPAL_PREFIX, UCX_*, …) stays. */
static const char *const launcher_prefixes[] = {
	"OMPI_",
	"PMIX_",
	"PRTE_",
	"ORTE_",
	"PMI_",
	"PMI2_",
	"HYDI_",
	"HYDRA_",
	"PALS_",
	"ALPS_APP_",
	"JSM_",
	"MV2_COMM_WORLD_",
	"MVP_COMM_WORLD_",
	"SLURM_STEP",
	"SLURM_SRUN_",
	"SLURM_CPU_BIND",
	"SLURM_MEM_BIND",
	"SLURM_PMIX",
	"SLURM_GTID",
};

static const char *const launcher_names[] = {
	"MPI_LOCALRANKID",
	"MPI_LOCALNRANKS",
	"SLURM_PROCID",
	"SLURM_LOCALID",
	"SLURM_NODEID",
	"SLURM_TASK_PID",
	"SLURM_LAUNCH_NODE_IPADDR",
	"SLURM_MPI_TYPE",
	"SLURM_NTASKS",
	"SLURM_NPROCS",
	"SLURM_TASKS_PER_NODE",
	"SLURM_DISTRIBUTION",
	"SLURM_CPUS_PER_TASK",
	"I_MPI_PMI_LIBRARY",
	"MPIR_CVAR_CH3_INTERFACE_HOSTNAME",
	"NOTIFY_SOCKET",
	"IPATH_NO_BACKTRACE",
	"HFI_NO_BACKTRACE",
};

static const char *const thread_names[] = {
	"OMP_NUM_THREADS",
	"OPENBLAS_NUM_THREADS",
	"MKL_NUM_THREADS",
	"BLIS_NUM_THREADS",
	"NUMEXPR_NUM_THREADS",
};

/* Ours, set below: what a mpbatch around this one left is dropped. */
static const char *const own_names[] = {
	"MPBATCH_INDEX",
	"MPBATCH_ATTEMPT",
	"MPBATCH_RANK",
	"MPBATCH_SLOT",
	"MPBATCH_CPUS",
	"MPBATCH_NTASKS",
	"MPBATCH_DEPTH",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_one_of(const char *name, size_t len, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
			return true;
	return false;
}

bool
environment_is_launcher(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(launcher_prefixes); i++) {
		size_t prefix = strlen(launcher_prefixes[i]);
		if (len >= prefix && strncmp(name, launcher_prefixes[i], prefix) == 0)
			return true;
	}
	return is_one_of(name, len, launcher_names, COUNT(launcher_names));
}

/* GLOBS are separated by newlines. */
static bool
is_kept(const char *name, size_t len, const char *globs)
{
	char text[256];
	if (len >= sizeof(text))
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	while (*globs) {
		size_t end = strcspn(globs, "\n");
		char glob[256];
		if (end < sizeof(glob)) {
			memcpy(glob, globs, end);
			glob[end] = '\0';
			if (fnmatch(glob, text, 0) == 0)
				return true;
		}
		globs += end + (globs[end] == '\n');
	}
	return false;
}

static void
add(struct environment *environment, char *entry)
{
	if (environment->count + 1 >= environment->room) {
		environment->room = environment->room ? 2 * environment->room : 128;
		environment->base = xrealloc(environment->base, environment->room * sizeof(char *));
	}
	environment->base[environment->count++] = entry;
	environment->base[environment->count] = NULL;
}

__attribute__((format(printf, 2, 3))) static void
add_new(struct environment *environment, const char *format, ...)
{
	char text[CPUS_TEXT_MAX + 64];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	environment->own = xrealloc(
		environment->own, (environment->own_count + 1) * sizeof(*environment->own));
	environment->own[environment->own_count] = xstrdup(text);
	add(environment, environment->own[environment->own_count++]);
}

/* The strings of a block that holds them one after the other. */
static void
add_inherited(struct environment *environment, char *entry, const char *keep)
{
	size_t len = strcspn(entry, "=");
	if (environment_is_launcher(entry, len) && !is_kept(entry, len, keep))
		return;
	if (!is_one_of(entry, len, own_names, COUNT(own_names)))
		add(environment, entry);
}

const char *
environment_get(char *const *vector, const char *name)
{
	size_t len = strlen(name);
	for (; *vector; vector++)
		if (strncmp(*vector, name, len) == 0 && (*vector)[len] == '=')
			return *vector + len + 1;
	return NULL;
}

const char *
environment_threads(char *const *vector, int cores, int *threads)
{
	for (size_t i = 0; i < COUNT(thread_names); i++) {
		const char *value = environment_get(vector, thread_names[i]);
		*threads = value ? atoi(value) : 0; /* "8,2": threads of nested regions */
		if (*threads > cores)
			return thread_names[i];
	}
	return NULL;
}

void
environment_init(struct environment *environment, char **from, const struct setup *setup,
	const struct cpus *cpus)
{
	*environment = (struct environment){0};
	if (setup->environment_len) {
		char *block = environment->block = xmalloc(setup->environment_len);
		memcpy(block, setup->environment, setup->environment_len);
		for (size_t at = 0; at < setup->environment_len; at += strlen(block + at) + 1)
			add_inherited(environment, block + at, setup->keep);
	} else {
		for (; *from; from++)
			add_inherited(environment, *from, setup->keep);
	}
	char list[CPUS_TEXT_MAX];
	add(environment, environment->index);
	add(environment, environment->attempt);
	add_new(environment, "MPBATCH_RANK=%d", setup->rank);
	add_new(environment, "MPBATCH_SLOT=%d", setup->slot);
	add_new(environment, "MPBATCH_CPUS=%s", cpus_format(cpus, list, sizeof(list)));
	if (setup->depth)
		add_new(environment, "MPBATCH_DEPTH=%u", setup->depth);
	if (setup->ntasks)
		add_new(environment, "MPBATCH_NTASKS=%llu", (unsigned long long)setup->ntasks);
	for (size_t i = 0; i < COUNT(thread_names); i++)
		if (!environment_get(environment->base, thread_names[i]))
			add_new(environment, "%s=%d", thread_names[i], setup->threads);
	/* A shell sets PWD, execve does not: a command must see the same either way. */
	char cwd[4096];
	if (!environment_get(environment->base, "PWD") && getcwd(cwd, sizeof(cwd)))
		add_new(environment, "PWD=%s", cwd);
}

void
environment_clear(struct environment *environment)
{
	while (environment->own_count)
		free(environment->own[--environment->own_count]);
	free(environment->own);
	free(environment->block);
	free(environment->base);
	free(environment->vector);
	free(environment->cwd);
	*environment = (struct environment){0};
}

/* Replaces the variable of ENTRY's name in the vector of *COUNT entries, or adds it. */
static void
override(char **vector, size_t *count, char *entry)
{
	size_t len = strcspn(entry, "=");
	for (size_t i = 0; i < *count; i++) {
		if (strncmp(vector[i], entry, len) == 0 && vector[i][len] == '=') {
			vector[i] = entry;
			return;
		}
	}
	vector[(*count)++] = entry;
}

/* Writes PREFIX and VALUE: a tenth of what snprintf costs, on the path of every task. */
static void
put_number(char *room, const char *prefix, uint64_t value)
{
	char digits[24];
	int n = 0;
	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (*prefix)
		*room++ = *prefix++;
	while (n)
		*room++ = digits[--n];
	*room = '\0';
}

char **
environment_for(struct environment *environment, const struct task *task)
{
	put_number(environment->index, "MPBATCH_INDEX=", task->index);
	put_number(environment->attempt, "MPBATCH_ATTEMPT=", task->attempt);
	if (!task->env_len && !task->cwd[0])
		return environment->base;
	size_t own = 2;
	for (size_t at = 0; at < task->env_len; at += strlen(task->env + at) + 1)
		own++;
	size_t count = environment->count;
	environment->vector = xrealloc(environment->vector, (count + own + 1) * sizeof(char *));
	memcpy(environment->vector, environment->base, count * sizeof(char *));
	if (task->cwd[0]) {
		char here[4096] = "";
		bool absolute = task->cwd[0] == '/' || !getcwd(here, sizeof(here));
		size_t room = strlen(here) + strlen(task->cwd) + 8;
		environment->cwd = xrealloc(environment->cwd, room);
		snprintf(
			environment->cwd, room, "PWD=%s%s%s", here, absolute ? "" : "/", task->cwd);
		override(environment->vector, &count, environment->cwd);
	}
	for (size_t at = 0; at < task->env_len; at += strlen(task->env + at) + 1)
		override(environment->vector, &count, (char *)(uintptr_t)(task->env + at));
	environment->vector[count] = NULL;
	return environment->vector;
}
