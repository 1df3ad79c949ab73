/*
 * The hardware of this host as far as placement goes: its whole cores, in hwloc's logical order (so
 * that neighbours share caches). The only module that includes hwloc.h is place/.
 *
 * Loaded with cores, L3 and NUMA only: 3 ms, where hwloc's default takes 12 to 35 ms (measured).
 * HWLOC_SYNTHETIC and HWLOC_XMLFILE give any machine for tests.
 */
#ifndef PLACE_TOPOLOGY_H
#define PLACE_TOPOLOGY_H

#include "base/cpus.h"

struct err;

struct core {
	struct cpus cpus; /* its PUs (hardware threads) that we are allowed to use; never empty */
	int package;	  /* logical numbers; 0 where the machine does not say */
	int numa;
	int l3;
	int efficiency; /* hwloc_cpukinds rank, higher is faster; 0 where all are alike or unknown
			 */
};

struct topology {
	struct core *cores; /* those with at least one allowed PU (the cgroup's set) */
	int ncores;
};

/* Returns 0, or -1 with ERR. The caller clears it. */
int topology_load(struct topology *topology, struct err *err);
void topology_clear(struct topology *topology);

#endif
