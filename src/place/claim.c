/* Claims by record locks. */
#include "place/claim.h"

#include "base/err.h"
#include "place/share.h"
#include "place/topology.h"

#include <errno.h>
#include <fcntl.h>

struct claim {
	int fd;	     /* stays open until the process ends */
	off_t first; /* the byte of CPU 0 */
	const struct topology *topology;
	struct cpus held;  /* by us */
	struct cpus taken; /* by others */
};

/* F_GETLK asks, F_SETLK takes or gives back; false: another process has it. What the kernel will
 * not do for another reason (no locks left) is no claim of anybody. */
static bool
lock(const struct claim *claim, int cpu, int command, short type)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = claim->first + cpu, .l_len = 1};
	if (fcntl(claim->fd, command, &range) < 0)
		return errno != EAGAIN && errno != EACCES;
	return command != F_GETLK || range.l_type == F_UNLCK;
}

static bool
is_free(const struct claim *claim, const struct cpus *cpus)
{
	bool free = true;
	for (int cpu = 0; cpu < CPUS_MAX && free; cpu++)
		if (cpus_has(cpus, cpu))
			free = lock(claim, cpu, F_GETLK, F_WRLCK);
	return free;
}

static void
give_back(struct claim *claim, const struct cpus *cpus)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus_has(cpus, cpu) && cpus_has(&claim->held, cpu))
			lock(claim, cpu, F_SETLK, F_UNLCK);
	claim->held = cpus_without(&claim->held, cpus);
}

/* All hardware threads of a core, or none. */
static bool
take(struct claim *claim, const struct cpus *cpus)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!cpus_has(cpus, cpu))
			continue;
		if (!lock(claim, cpu, F_SETLK, F_WRLCK)) {
			give_back(claim, cpus);
			return false;
		}
		cpus_add(&claim->held, cpu);
	}
	return true;
}

/* Tries to claim what we want and do not have; stops at the first core that somebody was faster to
 * take, as the share is another one then. */
static bool
take_all(struct claim *claim, const struct cpus *wanted)
{
	for (int c = 0; c < claim->topology->ncores; c++) {
		struct cpus cpus = cpus_and(&claim->topology->cores[c].cpus, wanted);
		if (cpus_subset(&cpus, &claim->held) || cpus_intersect(&cpus, &claim->taken))
			continue;
		if (!take(claim, &cpus)) {
			claim->taken = cpus_or(&claim->taken, &cpus);
			return false;
		}
	}
	return true;
}

/* What others have claimed already, and what is not of the task that we are. */
static void
look(struct claim *claim, const struct cpus *within)
{
	for (int c = 0; c < claim->topology->ncores; c++) {
		const struct cpus *cpus = &claim->topology->cores[c].cpus;
		bool outside = !cpus_empty(within) && !cpus_intersect(cpus, within);
		if (outside || !is_free(claim, cpus))
			claim->taken = cpus_or(&claim->taken, cpus);
	}
}

struct cpus
claim_cores(const struct claim_options *options, const struct topology *topology,
	const struct share_rank *ranks, int nranks, const struct share_options *share_options)
{
	struct claim claim = {.fd = open("/dev/full", O_RDWR | O_CLOEXEC),
		.first = (off_t)options->depth * CPUS_MAX,
		.topology = topology};
	struct share_options with = *share_options;
	struct share share;
	struct err err;
	look(&claim, &options->within);
	for (bool done = options->look; !done;) {
		with.taken = claim.taken;
		if (share_out(topology, ranks, nranks, 0, &with, &share, &err) < 0)
			break;
		done = take_all(&claim, &share.host_cpus);
		struct cpus spare = cpus_without(&claim.held, &share.host_cpus);
		if (done)
			give_back(&claim, &spare);
		share_clear(&share);
	}
	return claim.taken;
}
