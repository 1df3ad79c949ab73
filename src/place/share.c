/*
 * Sharing out cores. First each rank gets a pool of cores: its own, where masks are to be
 * respected, or the host's. Then each pool is dealt out to the slots that draw from it.
 */
#include "place/share.h"

#include "base/err.h"
#include "base/log.h"
#include "place/topology.h"

#include <stdlib.h>
#include <string.h>

struct host {
	const struct topology *topology;
	const struct share_rank *ranks;
	int nranks;
	const struct share_options *options;
	struct cpus masks; /* of all ranks */
	bool *usable;	   /* by core: ours to share out */
	int *owner;	   /* by core: the only rank that may have it, -1: any */
	bool *dealt;	   /* by core: some slot has it */
	int *slots;	   /* by rank, SHARE_AUTO resolved */
	bool separate;	   /* masks are respected */
	int withheld;	   /* cores that are not granted */
	int taken;	   /* cores that other runs have */
	bool crowded;	   /* all of them are: they are shared */
};

/* --- which cores --- */

/* What of a core is ours to use: a user's own mask may leave out one of its hardware threads. */
static struct cpus
cpus_of(const struct host *host, int core)
{
	const struct cpus *cpus = &host->topology->cores[core].cpus;
	return host->options->own_mask ? cpus_and(cpus, &host->masks) : *cpus;
}

static bool
is_taken(const struct host *host, int core)
{
	struct cpus cpus = cpus_of(host, core);
	return cpus_intersect(&cpus, &host->options->taken);
}

/* Masks of two or more ranks, and no core is in two of them: two hardware threads of one core are
 * no places of their own. Ranks that only dispatch do not count. */
static bool
masks_are_disjoint(const struct host *host)
{
	int ranks = 0;
	for (int i = 0; i < host->nranks; i++)
		ranks += host->ranks[i].slots != 0;
	for (int c = 0; c < host->topology->ncores; c++) {
		int claims = 0;
		for (int i = 0; i < host->nranks; i++)
			claims += host->ranks[i].slots &&
				  cpus_intersect(
					  &host->topology->cores[c].cpus, &host->ranks[i].mask);
		if (claims > 1)
			return false;
	}
	return ranks >= 2;
}

/* A rank whose own mask holds too few whole cores for the slots it wants is not bound on purpose.
 */
static bool
masks_suffice(const struct host *host)
{
	for (int i = 0; i < host->nranks; i++) {
		int cores = 0,
		    wanted = host->ranks[i].slots == SHARE_AUTO ? 1 : host->ranks[i].slots;
		for (int c = 0; c < host->topology->ncores; c++)
			cores += host->usable[c] && cpus_intersect(&host->topology->cores[c].cpus,
							    &host->ranks[i].mask);
		if (wanted && cores < wanted * host->options->cores_per_slot)
			return false;
	}
	return true;
}

static int
count_usable(const struct host *host)
{
	int count = 0;
	for (int c = 0; c < host->topology->ncores; c++)
		count += host->usable[c];
	return count;
}

/* Takes cores out until no more PUs are left than SLURM grants: those outside the ranks' masks
 * first, and from the end. */
static void
apply_grant(struct host *host)
{
	int ncores = host->topology->ncores;
	int *sizes = xcalloc((unsigned long)ncores, sizeof(*sizes)), pus = 0;
	for (int c = 0; c < ncores; c++) {
		struct cpus cpus = cpus_of(host, c);
		sizes[c] = host->usable[c] ? cpus_count(&cpus) : 0;
		pus += sizes[c];
	}
	for (int pass = 0; pass < 2; pass++) {
		for (int c = ncores - 1; c >= 0; c--) {
			bool inside = cpus_intersect(&host->topology->cores[c].cpus, &host->masks);
			if (!host->usable[c] || inside != (pass == 1) ||
				pus - sizes[c] < host->options->granted_cpus)
				continue;
			host->usable[c] = false;
			host->withheld++;
			pus -= sizes[c];
		}
	}
	free(sizes);
}

/* Cores that other runs have are left to them, unless there is no other. */
static void
leave_taken(struct host *host)
{
	int ncores = host->topology->ncores;
	for (int c = 0; c < ncores; c++)
		host->taken += host->usable[c] && is_taken(host, c);
	host->crowded = host->taken && host->taken == count_usable(host);
	for (int c = 0; c < ncores && !host->crowded; c++)
		host->usable[c] = host->usable[c] && !is_taken(host, c);
}

/* Each rank's cores are those of its mask. */
static void
keep_to_masks(struct host *host)
{
	for (int c = 0; c < host->topology->ncores; c++) {
		for (int i = 0; host->usable[c] && host->owner[c] < 0 && i < host->nranks; i++)
			if (host->ranks[i].slots && cpus_intersect(&host->topology->cores[c].cpus,
							    &host->ranks[i].mask))
				host->owner[c] = i;
		host->usable[c] = host->owner[c] >= 0;
	}
}

static void
choose_cores(struct host *host)
{
	bool own_mask = host->options->own_mask;
	for (int i = 0; i < host->nranks; i++)
		host->masks = cpus_or(&host->masks, &host->ranks[i].mask);
	for (int c = 0; c < host->topology->ncores; c++) {
		struct cpus cpus = cpus_of(host, c);
		host->usable[c] = !cpus_empty(&cpus);
		host->owner[c] = -1;
	}
	/* As many CPUs as there are cores are all of them: where SLURM is told of one thread a
	 * core, a CPU is a core to it. */
	int granted = host->options->granted_cpus;
	bool all = granted <= 0 || granted == count_usable(host);
	leave_taken(host);
	host->separate = !own_mask && masks_are_disjoint(host) && masks_suffice(host);
	if (host->separate)
		keep_to_masks(host);
	else if (!all)
		apply_grant(host);
}

/* --- how many slots --- */

static int
cores_of(const struct host *host, int rank)
{
	int count = 0;
	for (int c = 0; c < host->topology->ncores; c++)
		count += host->usable[c] && host->owner[c] == rank;
	return count;
}

static bool
has_auto(const struct host *host)
{
	for (int i = 0; i < host->nranks; i++)
		if (host->ranks[i].slots == SHARE_AUTO)
			return true;
	return false;
}

static void
count_slots(struct host *host)
{
	int per_slot = host->options->cores_per_slot, asking = 0, fixed = 0;
	for (int i = 0; i < host->nranks; i++) {
		host->slots[i] = host->ranks[i].slots;
		asking += host->slots[i] == SHARE_AUTO;
		fixed += host->slots[i] > 0 ? host->slots[i] : 0;
	}
	int left = count_usable(host) / per_slot - fixed;
	for (int i = 0, nth = 0; i < host->nranks; i++) {
		if (host->slots[i] != SHARE_AUTO)
			continue;
		int slots = host->separate ? cores_of(host, i) / per_slot
					   : left / asking + (nth < left % asking);
		host->slots[i] = slots > 1 ? slots : 1;
		nth++;
	}
}

/* --- which core to which slot --- */

/* How far apart two cores are. */
static int
distance(const struct core *a, const struct core *b)
{
	return a->package != b->package ? 3 : a->numa != b->numa ? 2 : a->l3 != b->l3 ? 1 : 0;
}

/* How good the run of WANTED free cores from FROM on is, less is better; -1: there is none. */
static int
cost_of_run(const struct host *host, int rank, int from, int wanted, int *cores)
{
	int found = 0, cost = 0;
	for (int c = from; c < host->topology->ncores && found < wanted; c++)
		if (host->usable[c] && !host->dealt[c] &&
			(!host->separate || host->owner[c] == rank))
			cores[found++] = c;
	if (found < wanted || cores[0] != from)
		return -1;
	const struct core *all = host->topology->cores;
	for (int i = 1; i < wanted; i++) {
		int far = distance(&all[cores[0]], &all[cores[i]]);
		cost = far > cost ? far : cost;
	}
	return cost;
}

/* The first run of free cores that straddles least; the fastest first where they differ. */
static bool
take_run(struct host *host, int rank, int wanted, int *cores)
{
	int best = -1, best_cost = 0, best_speed = 0;
	for (int c = 0; c < host->topology->ncores; c++) {
		int cost = cost_of_run(host, rank, c, wanted, cores);
		int speed = host->topology->cores[c].efficiency;
		if (cost < 0 || (best >= 0 && (speed < best_speed ||
						      (speed == best_speed && cost >= best_cost))))
			continue;
		best = c;
		best_cost = cost;
		best_speed = speed;
	}
	if (best < 0)
		return false;
	cost_of_run(host, rank, best, wanted, cores);
	for (int i = 0; i < wanted; i++)
		host->dealt[cores[i]] = true;
	return true;
}

static struct share_slot
slot_on(const struct host *host, const int *cores, int count)
{
	struct share_slot slot = {.numa = host->topology->cores[cores[0]].numa};
	for (int i = 0; i < count; i++) {
		struct cpus cpus = cpus_of(host, cores[i]);
		slot.cpus = cpus_or(&slot.cpus, &cpus);
		if (host->topology->cores[cores[i]].numa != slot.numa)
			slot.numa = -1;
	}
	return slot;
}

/* A slot that has no cores of its own may run on all that the rank's slots draw from: left to
 * itself it would be where the launcher has put the rank, which may be a single core. */
static struct share_slot
slot_anywhere(const struct host *host, int rank)
{
	struct share_slot slot = {.numa = -1};
	for (int c = 0; c < host->topology->ncores; c++) {
		struct cpus cpus = cpus_of(host, c);
		if (host->usable[c] && (!host->separate || host->owner[c] == rank))
			slot.cpus = cpus_or(&slot.cpus, &cpus);
	}
	return slot;
}

/* Deals out the slots of all ranks, in order; false if the cores do not suffice. */
static bool
deal(struct host *host, int self, struct share *share)
{
	int wanted = host->options->cores_per_slot;
	int *cores = xcalloc((unsigned long)wanted, sizeof(*cores));
	bool enough = true;
	for (int i = 0; i < host->nranks && enough; i++) {
		for (int s = 0; s < host->slots[i] && enough; s++) {
			enough = take_run(host, i, wanted, cores);
			if (enough && i == self)
				share->slots[s] = slot_on(host, cores, wanted);
		}
	}
	free(cores);
	return enough;
}

int
share_out(const struct topology *topology, const struct share_rank *ranks, int nranks, int self,
	const struct share_options *options, struct share *share, struct err *err)
{
	unsigned long ncores = (unsigned long)topology->ncores;
	struct host host = {.topology = topology,
		.ranks = ranks,
		.nranks = nranks,
		.options = options,
		.usable = xcalloc(ncores, sizeof(bool)),
		.owner = xcalloc(ncores, sizeof(int)),
		.dealt = xcalloc(ncores, sizeof(bool)),
		.slots = xcalloc((unsigned long)nranks, sizeof(int))};
	choose_cores(&host);
	count_slots(&host);
	int usable = count_usable(&host);
	*share = (struct share){.nslots = host.slots[self],
		.host_cores = host.crowded ? 0 : usable,
		.withheld_cores = host.withheld};
	for (int i = 0; i < nranks; i++) {
		share->first += i < self ? host.slots[i] : 0;
		share->host_slots += host.slots[i];
	}
	share->slots = xcalloc((unsigned long)share->nslots, sizeof(*share->slots));
	share->oversubscribed = share->host_slots * options->cores_per_slot > share->host_cores;
	share->taken_cores = share->oversubscribed || has_auto(&host) ? host.taken : 0;
	bool bound = options->bind && !share->oversubscribed && deal(&host, self, share);
	for (int s = 0; s < share->nslots && !bound; s++)
		share->slots[s] = slot_anywhere(&host, self);
	for (int c = 0; c < topology->ncores; c++) {
		struct cpus cpus = cpus_of(&host, c);
		if (bound ? host.dealt[c] : host.usable[c])
			share->host_cpus = cpus_or(&share->host_cpus, &cpus);
	}
	free(host.usable);
	free(host.owner);
	free(host.dealt);
	free(host.slots);
	if (usable > 0)
		return 0;
	share_clear(share);
	return err_set(err, "no usable core on this host");
}

void
share_clear(struct share *share)
{
	free(share->slots);
	*share = (struct share){0};
}
