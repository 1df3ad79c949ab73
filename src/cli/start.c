/* Getting ready. */
#include "cli/start.h"

#include "base/boot.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "cli/descriptors.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "comm/mpi.h"
#include "comm/transport.h"
#include "exec/environment.h"
#include "place/bind.h"
#include "place/claim.h"
#include "place/share.h"
#include "place/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Per stream of a task, beyond what is in memory; more waits in the task's pipe. */
#define SPOOL_BYTES (UINT64_C(64) << 20)

extern char **environ;

int
start_check_launcher(const struct launcher *launcher, int joined, struct err *err)
{
	if (!launcher->name || launcher->size <= 1 || joined > 1)
		return 0;
	if (!mpi_built)
		return err_set(err,
			"started as one of %d processes by %s, but this mpbatch is built without "
			"MPI: every process would run the whole list",
			launcher->size, launcher->name);
	if (!launcher->can_join)
		return err_set(err,
			"started as one of %d processes by %s, which offers no way to MPI: every "
			"process would run the whole list (srun --mpi=pmix or --mpi=pmi2 does, see "
			"srun --mpi=list)",
			launcher->size, launcher->name);
	if (joined == 1)
		return err_set(err,
			"started as one of %d processes by %s, but this mpbatch is built with %s "
			"and could not join them: every process would run the whole list (use the "
			"mpirun of the same MPI)",
			launcher->size, launcher->name, mpi_library());
	return 0;
}

/* --- rank 0 --- */

static char *
copy_environment(size_t *len)
{
	struct buf buf = {0};
	for (char **entry = environ; *entry; entry++)
		buf_append(&buf, *entry, strlen(*entry) + 1);
	char *copy = xmalloc(buf.len);
	if (buf.len)
		memcpy(copy, buf.data, buf.len);
	*len = buf.len;
	buf_clear(&buf);
	return copy;
}

struct config
start_config(const struct options *options, const struct plan *plan,
	const struct launcher *launcher, int ranks, bool refused)
{
	int jobs = options->jobs;
	if (jobs == OPTIONS_JOBS_UNSET)
		jobs = launcher->name ? 1 : SHARE_AUTO;
	struct config config = {.refused = refused,
		.only_show = options->action == ACTION_SHOW_BINDING,
		.session = (uint32_t)getpid() ^ (uint32_t)clock_unix_us(),
		.slots = jobs,
		.master_works = ranks == 1 || options->master_works || jobs != 1,
		.cores = (uint16_t)options->cpus_per_task,
		.bind = options->bind,
		.keep_strays = options->keep_strays,
		.output = (uint8_t)plan->output,
		.remove_empty = options->remove_empty,
		.keep_failed_only = options->keep_failed_only,
		.session_number = (uint32_t)plan->session,
		.ntasks = plan->source ? source_count(plan->source) : 0,
		.tmpdir = xstrdup(options->tmpdir),
		.run_dir = xstrdup(plan->run_dir ? plan->run_dir : ""),
		/* Without a launcher all variables are the user's, whatever they are called. */
		.keep_env = xstrdup(launcher->name ? options->keep_env : "*")};
	if (options->env_from_master)
		config.environment = copy_environment(&config.environment_len);
	return config;
}

void
start_check_threads(int cores)
{
	int threads;
	const char *name = environment_threads(environ, cores, &threads);
	if (name)
		log_warning("%s=%d, but each task has %d core%s (-c %d gives it as many)", name,
			threads, cores, cores == 1 ? "" : "s", threads);
}

/* --- every rank --- */

uint64_t
start_search_paths(void)
{
	const char *path = getenv("PATH"), *library_path = getenv("LD_LIBRARY_PATH");
	uint64_t hash = hash_add(HASH_START, path, path ? strlen(path) : 0);
	return hash_add(hash, library_path, library_path ? strlen(library_path) : 0);
}

static void
fill_hello(struct hello *hello, const struct config *config, const struct share *share, int rank)
{
	*hello = (struct hello){.rank = rank,
		.unix_us = clock_unix_us(),
		.memory_mib =
			(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20,
		.host_cores = (uint32_t)share->host_cores,
		.taken_cores = (uint32_t)share->taken_cores,
		.withheld_cores = (uint32_t)share->withheld_cores,
		.host_slots = (uint32_t)share->host_slots,
		.search_paths = start_search_paths(),
		.oversubscribed = share->oversubscribed,
		.offer = {.cores = config->cores},
		.nslots = (uint32_t)share->nslots};
	gethostname(hello->host, sizeof(hello->host) - 1);
	boot_id(hello->boot_id, sizeof(hello->boot_id));
	snprintf(hello->build, sizeof(hello->build), "mpbatch " VERSION ", %s", mpi_library());
	hello->slots = xcalloc(hello->nslots, sizeof(*hello->slots));
	for (int i = 0; i < share->nslots; i++)
		hello->slots[i] = (struct hello_slot){.number = (uint32_t)(share->first + i + 1),
			.numa = share->slots[i].numa,
			.cpus = share->slots[i].cpus};
}

/* How many runs we are within, each of which has claimed its cores. */
static unsigned
claim_depth(void)
{
	const char *depth = getenv("MPBATCH_DEPTH");
	return depth ? (unsigned)strtoul(depth, NULL, 10) : 0;
}

static struct setup *
make_setups(const struct config *config, const struct share *share, int rank)
{
	struct setup *setups = xcalloc((unsigned long)share->nslots, sizeof(*setups));
	for (int i = 0; i < share->nslots; i++)
		setups[i] = (struct setup){.rank = rank,
			.slot = share->first + i + 1,
			.threads = config->cores,
			.depth = claim_depth() + config->bind,
			.ntasks = config->ntasks,
			.spool_bytes = SPOOL_BYTES,
			.session = (int)config->session_number,
			.output = (enum output_mode)config->output,
			.remove_empty = config->remove_empty,
			.keep_failed_only = config->keep_failed_only,
			.run_dir = config->run_dir,
			.stray = config->keep_strays ? STRAY_KEEP : STRAY_KILL,
			.cpus = share->slots[i].cpus,
			.tmpdir = config->tmpdir,
			.keep = config->keep_env,
			.environment = config->environment,
			.environment_len = config->environment_len};
	return setups;
}

/* The cores of this host that are not for us: the same answer on all its ranks, since the first one
 * claims for all. */
static struct cpus
taken_cores(const struct topology *topology, const struct share_rank *ranks, int nranks, int self,
	const struct share_options *options, const struct config *config,
	struct transport *transport)
{
	const char *cpus = getenv("MPBATCH_CPUS");
	struct cpus taken = {0};
	if (self == 0)
		taken = claim_cores(&(struct claim_options){.depth = claim_depth(),
					    .within = cpus_parse(cpus && claim_depth() ? cpus : ""),
					    .look = config->only_show},
			topology, ranks, nranks, options);
	if (transport->size == 1)
		return taken;
	struct buf all = {0};
	mpi_host_gather(transport, &taken, sizeof(taken), &all, &self);
	memcpy(&taken, all.data, sizeof(taken));
	buf_clear(&all);
	return taken;
}

int
start_slots(struct slots *slots, const struct config *config, const struct launcher *launcher,
	struct transport *transport, struct err *err)
{
	int rank = transport->self;
	struct share_rank mine = {.mask = bind_current(),
		.slots = rank == 0 && !config->master_works ? 0 : config->slots};
	struct buf all = {0};
	int self = 0, ranks = 1;
	if (transport->size > 1)
		ranks = mpi_host_gather(transport, &mine, sizeof(mine), &all, &self);
	else
		buf_append(&all, &mine, sizeof(mine));
	const char *granted = getenv("SLURM_CPUS_ON_NODE");
	struct share_options options = {.cores_per_slot = config->cores,
		.granted_cpus = granted ? atoi(granted) : 0,
		.own_mask = !launcher->name,
		.bind = config->bind};
	struct topology topology;
	struct share share;
	if (topology_load(&topology, err) < 0)
		return -1;
	const struct share_rank *all_ranks = (const struct share_rank *)(const void *)all.data;
	if (config->bind)
		options.taken =
			taken_cores(&topology, all_ranks, ranks, self, &options, config, transport);
	int got = share_out(&topology, all_ranks, ranks, self, &options, &share, err);
	topology_clear(&topology);
	buf_clear(&all);
	if (got < 0)
		return -1;
	if (descriptors_check(share.nslots, err) < 0) {
		share_clear(&share);
		return -1;
	}
	fill_hello(&slots->hello, config, &share, rank);
	slots->setups = make_setups(config, &share, rank);
	share_clear(&share);
	return 0;
}

void
start_slots_clear(struct slots *slots)
{
	hello_clear(&slots->hello);
	free(slots->setups);
	*slots = (struct slots){0};
}
