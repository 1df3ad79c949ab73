/*
 * Placement: hwloc's view of machines given as synthetic topologies, and the share-out of cores on
 * them. Each machine is one row: a new one is a new string.
 */
#include "base/err.h"
#include "place/bind.h"
#include "place/claim.h"
#include "place/share.h"
#include "place/topology.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char one_core[] = "core:1 pu:1";
static const char smt[] = "package:1 core:4 pu:2";
static const char large[] = "package:2 numa:4 l3:2 core:8 pu:2"; /* 128 cores */
static const char odd[] = "package:1 numa:3 core:5 pu:1";
static const char no_cores[] = "pu:3";

static void
load(const char *machine, struct topology *topology)
{
	struct err err;
	setenv("HWLOC_SYNTHETIC", machine, 1);
	assert_int_equal(topology_load(topology, &err), 0);
	unsetenv("HWLOC_SYNTHETIC");
}

static struct cpus
cpus_range(int first, int last)
{
	struct cpus cpus = {0};
	for (int cpu = first; cpu <= last; cpu++)
		cpus_add(&cpus, cpu);
	return cpus;
}

static struct share
share_of(const struct topology *topology, const struct share_rank *ranks, int nranks, int self,
	struct share_options options)
{
	struct share share;
	struct err err;
	if (!options.cores_per_slot)
		options.cores_per_slot = 1;
	assert_int_equal(share_out(topology, ranks, nranks, self, &options, &share, &err), 0);
	return share;
}

static void
assert_cpus(const struct share *share, int slot, const char *list)
{
	char text[CPUS_TEXT_MAX];
	assert_in_range(slot, 0, share->nslots - 1);
	assert_string_equal(cpus_format(&share->slots[slot].cpus, text, sizeof(text)), list);
}

/* --- machines --- */

static void
machines_have_their_cores(void **state)
{
	(void)state;
	static const struct {
		const char *machine;
		int cores, pus_each;
	} rows[] = {{one_core, 1, 1}, {smt, 4, 2}, {large, 128, 2}, {odd, 15, 1}, {no_cores, 3, 1}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct topology topology;
		load(rows[i].machine, &topology);
		assert_int_equal(topology.ncores, rows[i].cores);
		for (int c = 0; c < topology.ncores; c++)
			assert_int_equal(cpus_count(&topology.cores[c].cpus), rows[i].pus_each);
		topology_clear(&topology);
	}
}

static void
cores_know_their_neighbours(void **state)
{
	(void)state;
	struct topology topology;
	load(large, &topology);
	assert_int_equal(topology.cores[0].numa, 0);
	assert_int_equal(topology.cores[127].package, 1);
	assert_int_equal(topology.cores[127].numa, 7);
	assert_int_equal(topology.cores[127].l3, 15);
	assert_int_equal(topology.cores[16].numa, 1);
	topology_clear(&topology);
}

static void
this_machine_loads(void **state)
{
	(void)state;
	struct topology topology;
	struct err err;
	assert_int_equal(topology_load(&topology, &err), 0);
	assert_true(topology.ncores > 0);
	topology_clear(&topology);
}

/* --- who gets what --- */

static void
local_run_has_all_cores(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(0, 7), .slots = SHARE_AUTO};
	struct share share = share_of(
		&topology, &rank, 1, 0, (struct share_options){.own_mask = true, .bind = true});
	assert_int_equal(share.nslots, 4);
	assert_int_equal(share.host_cores, 4);
	assert_cpus(&share, 0, "0-1");
	assert_cpus(&share, 3, "6-7");
	share_clear(&share);
	topology_clear(&topology);
}

static void
own_mask_is_a_wish(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(2, 3), .slots = SHARE_AUTO};
	struct share share = share_of(
		&topology, &rank, 1, 0, (struct share_options){.own_mask = true, .bind = true});
	assert_int_equal(share.nslots, 1);
	assert_cpus(&share, 0, "2-3");
	share_clear(&share);
	/* Under a launcher the same mask is that of mpirun, which binds a lone rank to one core. */
	share = share_of(&topology, &rank, 1, 0, (struct share_options){.bind = true});
	assert_int_equal(share.nslots, 4);
	share_clear(&share);
	topology_clear(&topology);
}

static void
dispatcher_takes_no_core(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank ranks[5];
	for (int i = 0; i < 5; i++)
		ranks[i] = (struct share_rank){.mask = cpus_range(0, 7), .slots = i ? 1 : 0};
	for (int self = 0; self < 5; self++) {
		struct share share =
			share_of(&topology, ranks, 5, self, (struct share_options){.bind = true});
		assert_int_equal(share.nslots, self ? 1 : 0);
		assert_int_equal(share.host_slots, 4);
		assert_false(share.oversubscribed);
		if (self) {
			char list[16];
			snprintf(list, sizeof(list), "%d-%d", 2 * self - 2, 2 * self - 1);
			assert_cpus(&share, 0, list);
			assert_int_equal(share.first, self - 1);
		}
		share_clear(&share);
	}
	topology_clear(&topology);
}

static void
disjoint_masks_are_respected(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank ranks[2] = {{.mask = cpus_range(4, 7), .slots = SHARE_AUTO},
		{.mask = cpus_range(0, 3), .slots = 1}};
	struct share share = share_of(&topology, ranks, 2, 0, (struct share_options){.bind = true});
	assert_int_equal(share.nslots, 2);
	assert_cpus(&share, 0, "4-5");
	assert_cpus(&share, 1, "6-7");
	share_clear(&share);
	topology_clear(&topology);
}

/* Bound to hardware threads, two ranks to a core: that leaves the second of each without one. */
static void
threads_of_a_core_are_not_two_places(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank ranks[4];
	struct cpus seen = {0};
	for (int i = 0; i < 4; i++)
		ranks[i] = (struct share_rank){.mask = cpus_range(i, i), .slots = 1};
	for (int self = 0; self < 4; self++) {
		struct share share =
			share_of(&topology, ranks, 4, self, (struct share_options){.bind = true});
		assert_int_equal(cpus_count(&share.slots[0].cpus), 2);
		assert_false(cpus_intersect(&seen, &share.slots[0].cpus));
		seen = cpus_or(&seen, &share.slots[0].cpus);
		share_clear(&share);
	}
	topology_clear(&topology);
}

static void
overlapping_masks_are_shared_out(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	/* All on the same core, as some launchers do. */
	struct share_rank ranks[4];
	struct cpus seen = {0};
	for (int i = 0; i < 4; i++)
		ranks[i] = (struct share_rank){.mask = cpus_range(0, 1), .slots = 1};
	for (int self = 0; self < 4; self++) {
		struct share share =
			share_of(&topology, ranks, 4, self, (struct share_options){.bind = true});
		assert_false(cpus_intersect(&seen, &share.slots[0].cpus));
		seen = cpus_or(&seen, &share.slots[0].cpus);
		share_clear(&share);
	}
	assert_int_equal(cpus_count(&seen), 8);
	topology_clear(&topology);
}

static void
auto_divides_with_remainder(void **state)
{
	(void)state;
	struct topology topology;
	load(odd, &topology);
	struct share_rank ranks[4];
	int wanted[4] = {4, 4, 4, 3};
	for (int i = 0; i < 4; i++)
		ranks[i] = (struct share_rank){.mask = cpus_range(0, 14), .slots = SHARE_AUTO};
	for (int self = 0; self < 4; self++) {
		struct share share =
			share_of(&topology, ranks, 4, self, (struct share_options){.bind = true});
		assert_int_equal(share.nslots, wanted[self]);
		share_clear(&share);
	}
	topology_clear(&topology);
}

static void
grant_is_a_limit(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(6, 7), .slots = SHARE_AUTO};
	struct share share = share_of(
		&topology, &rank, 1, 0, (struct share_options){.bind = true, .granted_cpus = 6});
	assert_int_equal(share.nslots, 3);
	assert_int_equal(share.host_cores, 3);
	assert_int_equal(share.withheld_cores, 1);
	assert_cpus(&share, 1, "2-3");
	assert_cpus(&share, 2, "6-7"); /* where the rank was put is ours for certain */
	share_clear(&share);
	/* In a batch job without a launcher, on a node that is shared and has no cgroups. */
	rank.mask = cpus_range(2, 7);
	share = share_of(&topology, &rank, 1, 0,
		(struct share_options){.own_mask = true, .bind = true, .granted_cpus = 4});
	assert_int_equal(share.host_cores, 2);
	assert_cpus(&share, 0, "2-3");
	assert_cpus(&share, 1, "4-5");
	share_clear(&share);
	/* What SLURM has bound already is not cut again. */
	rank.mask = cpus_range(4, 7);
	share = share_of(&topology, &rank, 1, 0,
		(struct share_options){.own_mask = true, .bind = true, .granted_cpus = 4});
	assert_int_equal(share.host_cores, 2);
	share_clear(&share);
	/* Where a CPU is a core to SLURM, all are. */
	rank.mask = cpus_range(0, 7);
	share = share_of(&topology, &rank, 1, 0,
		(struct share_options){.own_mask = true, .bind = true, .granted_cpus = 4});
	assert_int_equal(share.host_cores, 4);
	assert_int_equal(share.withheld_cores, 0);
	share_clear(&share);
	share = share_of(&topology, &rank, 1, 0,
		(struct share_options){.own_mask = true, .bind = true, .granted_cpus = 2});
	assert_int_equal(share.host_cores, 1);
	assert_int_equal(share.withheld_cores, 3);
	share_clear(&share);
	topology_clear(&topology);
}

static void
more_slots_than_cores_share_all(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(0, 5), .slots = 4};
	struct share share = share_of(
		&topology, &rank, 1, 0, (struct share_options){.own_mask = true, .bind = true});
	assert_int_equal(share.nslots, 4);
	assert_true(share.oversubscribed);
	for (int s = 0; s < 4; s++)
		assert_cpus(&share, s, "0-5");
	assert_int_equal(share.slots[0].numa, -1);
	share_clear(&share);
	/* mpirun has bound its only rank to one core. */
	rank = (struct share_rank){.mask = cpus_range(0, 1), .slots = 5};
	share = share_of(&topology, &rank, 1, 0, (struct share_options){.bind = true});
	assert_true(share.oversubscribed);
	assert_cpus(&share, 4, "0-7");
	share_clear(&share);
	topology_clear(&topology);
}

static void
wide_slots_do_not_straddle(void **state)
{
	(void)state;
	struct topology topology;
	load(large, &topology);
	struct share_rank rank = {.mask = cpus_range(0, 255), .slots = 32};
	struct share share = share_of(&topology, &rank, 1, 0,
		(struct share_options){.own_mask = true, .bind = true, .cores_per_slot = 3});
	for (int s = 0; s < 32; s++) {
		assert_int_equal(cpus_count(&share.slots[s].cpus), 6);
		assert_true(share.slots[s].numa >= 0);
	}
	share_clear(&share);
	topology_clear(&topology);
}

static void
unbound_slots_may_use_all(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(0, 1), .slots = SHARE_AUTO};
	struct share share = share_of(&topology, &rank, 1, 0, (struct share_options){0});
	assert_int_equal(share.nslots, 4);
	assert_cpus(&share, 0, "0-7");
	share_clear(&share);
	/* Each rank to a package: that is meant. */
	struct share_rank ranks[2] = {{.mask = cpus_range(4, 7), .slots = SHARE_AUTO},
		{.mask = cpus_range(0, 3), .slots = SHARE_AUTO}};
	share = share_of(&topology, ranks, 2, 0, (struct share_options){0});
	assert_int_equal(share.nslots, 2);
	assert_cpus(&share, 1, "4-7");
	share_clear(&share);
	topology_clear(&topology);
}

/* taskset -c 1,2 where 0-1 and 2-3 are cores. */
static void
half_a_core_is_not_the_whole(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(1, 2), .slots = SHARE_AUTO};
	struct share share = share_of(
		&topology, &rank, 1, 0, (struct share_options){.own_mask = true, .bind = true});
	assert_int_equal(share.nslots, 2);
	assert_cpus(&share, 0, "1");
	assert_cpus(&share, 1, "2");
	share_clear(&share);
	share = share_of(&topology, &rank, 1, 0, (struct share_options){.own_mask = true});
	assert_cpus(&share, 0, "1-2");
	share_clear(&share);
	topology_clear(&topology);
}

/* A cgroup that leaves some cores whole, some half, and some not at all. */
static void
restricted_set_is_never_left(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	topology.ncores = 2;
	topology.cores[0].cpus = cpus_range(3, 3);
	topology.cores[1].cpus = cpus_range(6, 7);
	struct share_rank rank = {.mask = cpus_range(0, 7), .slots = SHARE_AUTO};
	struct share share = share_of(&topology, &rank, 1, 0, (struct share_options){.bind = true});
	assert_int_equal(share.nslots, 2);
	assert_cpus(&share, 0, "3");
	assert_cpus(&share, 1, "6-7");
	share_clear(&share);
	topology_clear(&topology);
}

static void
no_usable_core_is_an_error(void **state)
{
	(void)state;
	struct topology topology = {0};
	struct share_rank rank = {.slots = 1};
	struct share share;
	struct err err;
	assert_int_equal(share_out(&topology, &rank, 1, 0,
				 &(struct share_options){.cores_per_slot = 1}, &share, &err),
		-1);
	assert_string_equal(err.text, "no usable core on this host");
}

/* --- other runs --- */

static void
taken_cores_are_left(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank rank = {.mask = cpus_range(0, 1), .slots = SHARE_AUTO};
	/* One hardware thread is enough to have the core. */
	struct share_options options = {.bind = true, .taken = cpus_range(3, 3)};
	struct share share = share_of(&topology, &rank, 1, 0, options);
	assert_int_equal(share.nslots, 3);
	assert_int_equal(share.host_cores, 3);
	assert_int_equal(share.taken_cores, 1);
	assert_false(share.oversubscribed);
	assert_cpus(&share, 0, "0-1");
	assert_cpus(&share, 1, "4-5");
	share_clear(&share);
	/* There are enough: nothing to tell. */
	rank.slots = 3;
	share = share_of(&topology, &rank, 1, 0, options);
	assert_int_equal(share.taken_cores, 0);
	share_clear(&share);
	/* Too few: they share what is left. */
	rank.slots = 4;
	share = share_of(&topology, &rank, 1, 0, options);
	assert_true(share.oversubscribed);
	assert_int_equal(share.taken_cores, 1);
	assert_cpus(&share, 3, "0-1,4-7");
	share_clear(&share);
	topology_clear(&topology);
}

static void
all_taken_is_shared(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	for (int wanted = SHARE_AUTO; wanted <= 5; wanted++) {
		struct share_rank rank = {.mask = cpus_range(0, 7), .slots = wanted};
		struct share share = share_of(&topology, &rank, 1, 0,
			(struct share_options){.bind = true, .taken = cpus_range(0, 7)});
		assert_int_equal(share.nslots, wanted == SHARE_AUTO ? 4 : wanted);
		assert_int_equal(share.host_cores, 0);
		if (wanted) {
			assert_true(share.oversubscribed);
			assert_int_equal(share.taken_cores, 4);
			assert_cpus(&share, 0, "0-7");
		}
		share_clear(&share);
	}
	topology_clear(&topology);
}

/* mpirun binds the ranks of both runs to the same cores. */
static void
masks_on_taken_cores_are_not_kept(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct share_rank ranks[2] = {
		{.mask = cpus_range(0, 1), .slots = 1}, {.mask = cpus_range(2, 3), .slots = 1}};
	struct share_options options = {.bind = true, .taken = cpus_range(0, 3)};
	for (int self = 0; self < 2; self++) {
		struct share share = share_of(&topology, ranks, 2, self, options);
		assert_cpus(&share, 0, self ? "6-7" : "4-5");
		assert_int_equal(share.taken_cores, 0);
		share_clear(&share);
	}
	topology_clear(&topology);
}

/* Claims of this test, which others that run beside it do not meet. */
static struct claim_options
claim_apart(void)
{
	return (struct claim_options){.depth = (unsigned)getpid() * 1000};
}

/* In a process of its own: claims, writes its share's slots to FD (or the empty set, where they
 * have no cores of their own), and has them until it is killed. */
static pid_t
claimer(const struct topology *topology, struct share_rank rank, struct claim_options claim, int fd)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct share_options options = {.cores_per_slot = 1, .bind = true};
	options.taken = claim_cores(&claim, topology, &rank, 1, &options);
	struct share share = share_of(topology, &rank, 1, 0, options);
	for (int i = 0; i < share.nslots; i++)
		(void)!write(fd, share.oversubscribed ? &(struct cpus){0} : &share.slots[i].cpus,
			sizeof(struct cpus));
	for (;;)
		pause();
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
claims_die_with_their_process(void **state)
{
	(void)state;
	struct topology topology;
	load(smt, &topology);
	struct claim_options apart = claim_apart(), look = apart;
	look.look = true;
	struct share_rank rank = {.mask = cpus_range(0, 7), .slots = 2};
	struct share_options options = {.cores_per_slot = 1, .bind = true};
	struct cpus none = {0}, slot, mine = cpus_range(0, 3);
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t pid = claimer(&topology, rank, apart, fds[1]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(read(fds[0], &slot, sizeof(slot)), (int)sizeof(slot));
	struct cpus taken = claim_cores(&look, &topology, &rank, 1, &options);
	assert_true(cpus_equal(&taken, &mine));
	/* A run within the other's first task meets its like only, and has that task's cores. */
	struct claim_options inner = {
		.depth = apart.depth + 1, .within = cpus_range(0, 1), .look = true};
	struct cpus outside = cpus_range(2, 7);
	taken = claim_cores(&inner, &topology, &rank, 1, &options);
	assert_true(cpus_equal(&taken, &outside));
	end(pid);
	taken = claim_cores(&look, &topology, &rank, 1, &options);
	assert_true(cpus_equal(&taken, &none));
	/* Looking has claimed nothing. */
	pid = claimer(&topology, rank, apart, fds[1]);
	assert_int_equal(read(fds[0], &slot, sizeof(slot)), (int)sizeof(slot));
	assert_true(cpus_subset(&slot, &mine));
	end(pid);
	close(fds[0]);
	close(fds[1]);
	topology_clear(&topology);
}

/* As many runs as there are cores start at once: each gets one of its own. */
static void
cores_are_claimed_once(void **state)
{
	(void)state;
	enum { CORES = 12 };
	struct topology topology;
	load("core:12 pu:2", &topology);
	struct share_rank rank = {.mask = cpus_range(0, 2 * CORES - 1), .slots = 1};
	for (int round = 0; round < 10; round++) {
		struct claim_options apart = claim_apart();
		apart.depth += (unsigned)round;
		struct cpus seen = {0}, slot;
		pid_t pids[CORES];
		int fds[2];
		assert_int_equal(pipe(fds), 0);
		for (int i = 0; i < CORES; i++)
			pids[i] = claimer(&topology, rank, apart, fds[1]);
		close(fds[1]);
		for (int i = 0; i < CORES; i++) {
			assert_int_equal(read(fds[0], &slot, sizeof(slot)), (int)sizeof(slot));
			assert_int_equal(cpus_count(&slot), 2);
			assert_false(cpus_intersect(&slot, &seen));
			seen = cpus_or(&seen, &slot);
		}
		for (int i = 0; i < CORES; i++)
			end(pids[i]);
		close(fds[0]);
	}
	topology_clear(&topology);
}

/* --- any machine, any masks --- */

/* All ranks of a host agree, no two slots share a core while cores suffice, and none is outside
 * what is allowed. */
static void
check_host(const struct topology *topology, const struct share_rank *ranks, int nranks,
	struct share_options options)
{
	struct cpus seen = {0}, allowed = {0}, host_cpus = {0};
	int total = 0, host_slots = -1;
	for (int c = 0; c < topology->ncores; c++)
		allowed = cpus_or(&allowed, &topology->cores[c].cpus);
	for (int self = 0; self < nranks; self++) {
		struct share share = share_of(topology, ranks, nranks, self, options);
		assert_true(host_slots < 0 || host_slots == share.host_slots);
		assert_int_equal(share.first, total);
		host_slots = share.host_slots;
		total += share.nslots;
		assert_int_equal(share.oversubscribed,
			share.host_slots * options.cores_per_slot > share.host_cores);
		for (int s = 0; s < share.nslots; s++) {
			const struct cpus *cpus = &share.slots[s].cpus;
			assert_true(cpus_subset(cpus, &allowed));
			assert_true(!options.own_mask || cpus_subset(cpus, &ranks[0].mask));
			assert_false(cpus_empty(cpus));
			if (!share.oversubscribed && options.bind)
				assert_false(cpus_intersect(cpus, &seen));
			if (share.host_cores)
				assert_false(cpus_intersect(cpus, &options.taken));
			assert_true(cpus_subset(cpus, &share.host_cpus));
			seen = cpus_or(&seen, cpus);
		}
		host_cpus = share.host_cpus;
		if (!share.host_cores)
			assert_true(share.taken_cores > 0 || !share.host_slots);
		share_clear(&share);
	}
	assert_int_equal(total, host_slots);
	assert_true(cpus_equal(&seen, &host_cpus));
}

static void
any_host_is_shared_out_fairly(void **state)
{
	(void)state;
	static const char *const machines[] = {one_core, smt, large, odd, no_cores};
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	srand(seed);
	for (int run = 0; run < 2000; run++) {
		struct topology topology;
		load(machines[rand() % 5], &topology);
		int nranks = 1 + rand() % 9;
		int cpus = topology.ncores * cpus_count(&topology.cores[0].cpus);
		struct share_rank ranks[9];
		for (int i = 0; i < nranks; i++) {
			int first = rand() % cpus, last = first + rand() % (cpus - first);
			ranks[i] = (struct share_rank){.mask = cpus_range(first, last),
				.slots = rand() % 3 ? 1 + rand() % 3 : SHARE_AUTO};
		}
		if (nranks > 1 && rand() % 2)
			ranks[0].slots = 0;
		struct cpus taken = {0};
		for (int c = rand() % 3 ? rand() % (cpus + 1) : 0; c > 0; c--)
			cpus_add(&taken, rand() % cpus);
		check_host(&topology, ranks, nranks,
			(struct share_options){.cores_per_slot = 1 + rand() % 3,
				.granted_cpus = rand() % 2 ? 0 : 1 + rand() % cpus,
				.own_mask = nranks == 1,
				.taken = taken,
				.bind = rand() % 4});
		topology_clear(&topology);
	}
}

/* --- binding --- */

static void
binding_is_read_back(void **state)
{
	(void)state;
	struct cpus before = bind_current(), one = {0};
	assert_false(cpus_empty(&before));
	for (int cpu = 0; cpu < CPUS_MAX && cpus_empty(&one); cpu++)
		if (cpus_has(&before, cpu))
			cpus_add(&one, cpu);
	assert_int_equal(bind_to(&one), 0);
	struct cpus now = bind_current();
	assert_true(cpus_equal(&now, &one));
	assert_int_equal(bind_to(&before), 0);
	now = bind_current();
	assert_true(cpus_equal(&now, &before));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_have_their_cores),
		cmocka_unit_test(cores_know_their_neighbours),
		cmocka_unit_test(this_machine_loads),
		cmocka_unit_test(local_run_has_all_cores),
		cmocka_unit_test(own_mask_is_a_wish),
		cmocka_unit_test(dispatcher_takes_no_core),
		cmocka_unit_test(disjoint_masks_are_respected),
		cmocka_unit_test(threads_of_a_core_are_not_two_places),
		cmocka_unit_test(overlapping_masks_are_shared_out),
		cmocka_unit_test(auto_divides_with_remainder),
		cmocka_unit_test(grant_is_a_limit),
		cmocka_unit_test(more_slots_than_cores_share_all),
		cmocka_unit_test(wide_slots_do_not_straddle),
		cmocka_unit_test(unbound_slots_may_use_all),
		cmocka_unit_test(half_a_core_is_not_the_whole),
		cmocka_unit_test(restricted_set_is_never_left),
		cmocka_unit_test(no_usable_core_is_an_error),
		cmocka_unit_test(taken_cores_are_left),
		cmocka_unit_test(all_taken_is_shared),
		cmocka_unit_test(masks_on_taken_cores_are_not_kept),
		cmocka_unit_test(claims_die_with_their_process),
		cmocka_unit_test(cores_are_claimed_once),
		cmocka_unit_test(any_host_is_shared_out_fairly),
		cmocka_unit_test(binding_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
