/* Cores, as hwloc sees them. */
#include "place/topology.h"

#include "base/err.h"
#include "base/log.h"

#include <hwloc.h>
#include <stdlib.h>

static struct cpus
from_bitmap(hwloc_const_bitmap_t bitmap)
{
	struct cpus cpus = {0};
	for (int cpu = hwloc_bitmap_first(bitmap); cpu >= 0; cpu = hwloc_bitmap_next(bitmap, cpu))
		cpus_add(&cpus, cpu);
	return cpus;
}

static int
ancestor_number(hwloc_topology_t hwloc, hwloc_obj_t object, hwloc_obj_type_t type)
{
	hwloc_obj_t ancestor = hwloc_get_ancestor_obj_by_type(hwloc, type, object);
	return ancestor ? (int)ancestor->logical_index : 0;
}

/* The first NUMA node that has some of the core's PUs: nodes are no ancestors since hwloc 2. */
static int
numa_of(hwloc_topology_t hwloc, hwloc_obj_t object)
{
	hwloc_obj_t node = NULL;
	while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_intersects(node->cpuset, object->cpuset))
			return (int)node->logical_index;
	return 0;
}

static int
efficiency_of(hwloc_topology_t hwloc, hwloc_obj_t object)
{
#if HWLOC_API_VERSION >= 0x00020400
	int kind = hwloc_cpukinds_get_by_cpuset(hwloc, object->cpuset, 0), efficiency = 0;
	if (kind >= 0 &&
		hwloc_cpukinds_get_info(hwloc, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0) ==
			0 &&
		efficiency > 0)
		return efficiency;
#else
	(void)hwloc;
	(void)object;
#endif
	return 0;
}

static void
add_core(struct topology *topology, hwloc_topology_t hwloc, hwloc_obj_t object,
	hwloc_const_bitmap_t allowed)
{
	hwloc_bitmap_t pus = hwloc_bitmap_alloc();
	hwloc_bitmap_and(pus, object->cpuset, allowed);
	if (!hwloc_bitmap_iszero(pus))
		topology->cores[topology->ncores++] = (struct core){.cpus = from_bitmap(pus),
			.package = ancestor_number(hwloc, object, HWLOC_OBJ_PACKAGE),
			.numa = numa_of(hwloc, object),
			.l3 = ancestor_number(hwloc, object, HWLOC_OBJ_L3CACHE),
			.efficiency = efficiency_of(hwloc, object)};
	hwloc_bitmap_free(pus);
}

static int
load(hwloc_topology_t hwloc)
{
	static const hwloc_obj_type_t kept[] = {
		HWLOC_OBJ_PACKAGE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_CORE};
	if (hwloc_topology_set_all_types_filter(hwloc, HWLOC_TYPE_FILTER_KEEP_NONE) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		hwloc_topology_set_type_filter(hwloc, kept[i], HWLOC_TYPE_FILTER_KEEP_ALL);
	/* Without groups, several NUMA nodes of a package all hang on the machine, and have its
	 * CPUs. */
	hwloc_topology_set_type_filter(hwloc, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	return hwloc_topology_load(hwloc);
}

int
topology_load(struct topology *topology, struct err *err)
{
	hwloc_topology_t hwloc;
	*topology = (struct topology){0};
	/* Its plug-ins (OpenCL, X11, …) find no cores, and loading them takes 5 ms. */
	setenv("HWLOC_PLUGINS_PATH", "", 0);
	if (hwloc_topology_init(&hwloc) < 0)
		return err_set_errno(err, "hwloc cannot be initialised");
	if (load(hwloc) < 0) {
		err_set_errno(err, "hwloc cannot read this machine's topology");
		hwloc_topology_destroy(hwloc);
		return -1;
	}
	hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_cpuset(hwloc);
	hwloc_obj_type_t type =
		hwloc_get_nbobjs_by_type(hwloc, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
	topology->cores = xcalloc(
		(unsigned long)hwloc_get_nbobjs_by_type(hwloc, type), sizeof(*topology->cores));
	hwloc_obj_t object = NULL;
	while ((object = hwloc_get_next_obj_by_type(hwloc, type, object)))
		add_core(topology, hwloc, object, allowed);
	hwloc_topology_destroy(hwloc);
	return 0;
}

void
topology_clear(struct topology *topology)
{
	free(topology->cores);
	*topology = (struct topology){0};
}
