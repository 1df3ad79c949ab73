/*
 * Sharing out a host's cores among the slots of its ranks: a pure function that every rank of the
 * host calls with the same arguments (but SELF), so that all come to the same answer.
 *
 * Rules. Masks of two or more ranks that are disjoint are respected, each rank's slots within its
 * own. Otherwise what mpirun or srun did to the masks is ignored (a lone rank is bound to one core
 * by Open MPI 4.1: measured) and the share is the host's: the allowed set (the cgroup); a rank that
 * the user bound himself (no launcher) keeps its mask. Of these at most as many CPUs as
 * SLURM_CPUS_ON_NODE grants, those in the ranks' masks first. Cores that other runs have are left
 * to them, unless there is no other. No two slots of a host share a core while cores suffice; a
 * slot gets whole cores, contiguous in hwloc's order, and prefers not to straddle NUMA nodes and L3
 * caches; faster cores first on hybrid CPUs. More slots than cores: each slot may use all usable
 * cores, and OVERSUBSCRIBED says so.
 */
#ifndef PLACE_SHARE_H
#define PLACE_SHARE_H

#include "base/cpus.h"

#include <stdbool.h>

struct err;
struct topology;

#define SHARE_AUTO (-1)

/* What a rank brings; plain bytes of fixed size, exchanged as they are between ranks of a host. */
struct share_rank {
	struct cpus mask; /* affinity mask at start */
	int slots;	  /* wanted: SHARE_AUTO, or a number; 0 for a rank that only dispatches */
};

struct share_options {
	int cores_per_slot; /* 1 or more */
	int granted_cpus;   /* SLURM_CPUS_ON_NODE (PUs), 0: not said */
	bool own_mask;	    /* no launcher: the mask is the user's wish */
	bool bind;	    /* --bind core; false: no slot has cores of its own */
	struct cpus taken;  /* other runs have these */
};

struct share_slot {
	struct cpus cpus; /* its own cores; not bound: all that its tasks may use */
	int numa;	  /* -1: more than one, or not bound */
};

struct share {
	struct share_slot *slots; /* SELF's */
	int nslots;
	int first;	       /* host-wide number of SELF's first slot, from 0 */
	int host_slots;	       /* slots of all ranks of the host */
	struct cpus host_cpus; /* that any of these may run on */
	int host_cores;	     /* usable whole cores of the host; 0: other runs have all, and share */
	int taken_cores;     /* that other runs have, where the slots could do with them */
	int withheld_cores;  /* others, that the job was not granted */
	bool oversubscribed; /* the slots want more cores than there are: nothing is bound */
};

/* Returns 0 and fills SHARE, which the caller clears, or -1 with ERR (no usable core). SHARE_AUTO
 * divides the cores evenly among the ranks that want it, the first ones getting the remainder, and
 * gives each at least one slot. */
int share_out(const struct topology *topology, const struct share_rank *ranks, int nranks, int self,
	const struct share_options *options, struct share *share, struct err *err);
void share_clear(struct share *share);

#endif
