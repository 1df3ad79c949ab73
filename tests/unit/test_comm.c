/* Who started us, from a table of environments; and the in-memory transport that loses a peer. */
#include "base/clock.h"
#include "comm/inmem.h"
#include "comm/launcher.h"
#include "comm/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* --- launcher --- */

struct start {
	const char *title;
	char *environ[12];
	struct launcher wanted; /* its name is a part of the real one */
};

/* As seen with Open MPI 4.1.4, MPICH 4.0.2 and SLURM 22.05; PRRTE's and the odd ones made up. */
static const struct start starts[] = {
	{"none", {"PATH=/bin", "HOME=/"}, {0}},
	{"empty", {NULL}, {0}},
	{"a batch script", {"SLURM_JOB_ID=7", "SLURM_NTASKS=64", "SLURM_PROCID=0"}, {0}},
	{"names that only begin or end alike",
		{"OMPI_COMM_WORLD_SIZE_OLD=4", "XPMI_SIZE=4", "PMIX_RANK"}, {0}},
	{"Open MPI",
		{"PMIX_RANK=2", "PMIX_NAMESPACE=601554945", "OMPI_COMM_WORLD_SIZE=4",
			"OMPI_COMM_WORLD_RANK=2"},
		{"Open MPI's mpirun", 4, 2, true, true, false, false}},
	{"Open MPI 5 with a PMIx that mixes streams",
		{"OMPI_COMM_WORLD_SIZE=4", "PRTE_LAUNCHED=1", "PMIX_VERSION=5.0.7a1"},
		{"Open MPI's mpirun", 4, 0, true, true, false, true}},
	{"Open MPI 5 with a later PMIx",
		{"OMPI_COMM_WORLD_SIZE=4", "PRTE_LAUNCHED=1", "PMIX_VERSION=5.0.11"},
		{"Open MPI's mpirun", 4, 0, true, true, false, false}},
	{"Open MPI 5 with the first PMIx 6",
		{"OMPI_COMM_WORLD_SIZE=4", "PRTE_LAUNCHED=1", "PMIX_VERSION=6.1.0"},
		{"Open MPI's mpirun", 4, 0, true, true, false, true}},
	{"Open MPI 4, whose own daemons print", {"OMPI_COMM_WORLD_SIZE=4", "PMIX_VERSION=3.2.2"},
		{"Open MPI's mpirun", 4, 0, true, true, false, false}},
	{"Open MPI, one of one, its daemons by srun",
		{"SLURM_STEP_NUM_TASKS=3", "SLURM_PROCID=1", "OMPI_COMM_WORLD_SIZE=1",
			"OMPI_COMM_WORLD_RANK=0", "PMIX_RANK=0"},
		{"Open MPI's mpirun", 1, 0, true, true, false, false}},
	{"Open MPI from inside srun --mpi=pmi2",
		{"PMI_SIZE=8", "PMI_RANK=7", "OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=1"},
		{"Open MPI's mpirun", 2, 1, true, true, false, false}},
	{"MPICH",
		{"PMI_SIZE=2", "PMI_RANK=1", "PMI_FD=8", "HYDI_CONTROL_FD=7", "MPI_LOCALRANKID=1",
			"MPI_LOCALNRANKS=2"},
		{"MPICH's mpirun", 2, 1, true, true, true, false}},
	{"MPICH, older", {"PMI_SIZE=2", "PMI_RANK=0", "MPI_LOCALRANKID=0"},
		{"MPICH's mpirun", 2, 0, true, true, true, false}},
	{"MPICH, its daemons by srun",
		{"PMI_SIZE=6", "PMI_RANK=5", "HYDI_CONTROL_FD=7", "SLURM_STEP_NUM_TASKS=3"},
		{"MPICH's mpirun", 6, 5, true, true, true, false}},
	{"another that speaks PMI", {"PMI_SIZE=6", "PMI_RANK=5"},
		{"PMI", 6, 5, true, true, false, false}},
	{"srun --mpi=pmi2",
		{"PMI_SIZE=3", "PMI_RANK=2", "PMI_FD=13", "PMI_JOBID=1.0", "SLURM_MPI_TYPE=pmi2",
			"SLURM_STEP_NUM_TASKS=3"},
		{"srun --mpi=pmi2", 3, 2, true, false, false, false}},
	{"srun --mpi=pmix",
		{"PMIX_RANK=0", "PMIX_NAMESPACE=slurm.pmix.1.0", "SLURM_PROCID=0",
			"SLURM_STEP_NUM_TASKS=3"},
		{"srun --mpi=pmix", 3, 0, true, false, false, false}},
	{"PRRTE, rank 0",
		{"PMIX_RANK=0", "PMIX_NAMESPACE=prterun-n1-7@1", "SLURM_STEP_NUM_TASKS=3"},
		{"PMIx", 0, 0, true, true, false, false}},
	{"PRRTE, another rank", {"PMIX_RANK=5", "PMIX_NAMESPACE=prterun-n1-7@1"},
		{"PMIx", 6, 5, true, true, false, false}},
	{"PMIx and no namespace", {"PMIX_RANK=1"}, {"PMIx", 2, 1, true, true, false, false}},
	{"srun --mpi=none", {"SLURM_STEP_NUM_TASKS=3", "SLURM_PROCID=2", "SLURM_NTASKS=3"},
		{"srun", 3, 2, false, false, false, false}},
	{"numbers that are none",
		{"OMPI_COMM_WORLD_SIZE=many", "OMPI_COMM_WORLD_RANK=-3", "PMI_SIZE=4"},
		{"Open MPI's mpirun", 0, 0, true, true, false, false}},
	{"numbers too large", {"PMI_SIZE=99999999999999999999", "PMI_RANK=2147483647"},
		{"PMI", 0, 0, true, true, false, false}},
	{"a rank outside of the size", {"PMI_SIZE=2", "PMI_RANK=2"},
		{"PMI", 3, 2, true, true, false, false}},
};

static void
launcher_of_each_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		const struct start *start = &starts[i];
		const struct launcher *wanted = &start->wanted;
		struct launcher got = launcher_detect(start->environ);
		if (!got.name != !wanted->name || (got.name && !strstr(got.name, wanted->name)))
			fail_msg("%s: started by %s", start->title, got.name ? got.name : "none");
		if (got.size != wanted->size || got.rank != wanted->rank)
			fail_msg("%s: rank %d of %d", start->title, got.rank, got.size);
		if (got.can_join != wanted->can_join ||
			got.ends_in_a_second != wanted->ends_in_a_second)
			fail_msg("%s: can join %d, ends in a second %d", start->title, got.can_join,
				got.ends_in_a_second);
		if (got.mixes_streams != wanted->mixes_streams ||
			got.needs_a_moment != wanted->needs_a_moment)
			fail_msg("%s: mixes streams %d, needs a moment %d", start->title,
				got.mixes_streams, got.needs_a_moment);
	}
}

static const struct {
	const char *title;
	char *environ[6];
	const char *wanted;
} jobs[] = {
	{"none", {"PATH=/bin", "HOME=/"}, NULL},
	{"empty", {"SLURM_JOB_ID=", "PBS_JOBID="}, NULL},
	{"SLURM", {"SLURM_JOB_ID=71", "SLURM_ARRAY_JOB_ID=70", "SLURM_ARRAY_TASK_ID=1"}, "71"},
	{"PBS", {"PBS_JOBID=7.host.site"}, "7.host.site"},
	{"PBS, an array's element", {"PBS_JOBID=7[3].host"}, "7[3].host"},
	{"LSF", {"LSB_JOBID=7", "LSB_JOBINDEX=0"}, "7"},
	{"LSF, an array's element", {"LSB_JOBID=7", "LSB_JOBINDEX=3"}, "7.3"},
	{"Flux, whose numbers are text", {"FLUX_JOB_ID=\u0192Hc3"}, "__Hc3"},
	{"Grid Engine", {"JOB_ID=7", "SGE_TASK_ID=undefined"}, "7"},
	{"Grid Engine, an array's element", {"JOB_ID=7", "SGE_TASK_ID=3"}, "7.3"},
	{"a variable that may be anybody's", {"JOB_ID=7"}, NULL},
	{"SLURM, started from inside another", {"PBS_JOBID=7", "SLURM_JOB_ID=8"}, "8"},
	{"no way out of the directory", {"PBS_JOBID=../a b\n*"}, ".._a_b__"},
};

static void
job_of_each_scheduler(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		char room[LAUNCHER_JOB_MAX];
		const char *got = launcher_job(jobs[i].environ, room);
		if (!got != !jobs[i].wanted || (got && strcmp(got, jobs[i].wanted) != 0))
			fail_msg("%s: job %s", jobs[i].title, got ? got : "none");
	}
}

static void
job_of_any_length(void **state)
{
	(void)state;
	char variable[1000] = "PBS_JOBID=", room[LAUNCHER_JOB_MAX];
	memset(variable + strlen(variable), '7', sizeof(variable) - strlen(variable) - 1);
	variable[sizeof(variable) - 1] = '\0';
	char *const environ[] = {variable, NULL};
	assert_int_equal(strlen(launcher_job(environ, room)), LAUNCHER_JOB_MAX - 1);
}

/* --- in-memory transport --- */

enum { ENDS = 3 };

static struct inmem *hub;
static struct transport *ends[ENDS];

static int
open_ends(void **state)
{
	(void)state;
	hub = inmem_new(ENDS);
	for (int i = 0; i < ENDS; i++)
		ends[i] = inmem_endpoint(hub, i);
	return 0;
}

static int
close_ends(void **state)
{
	(void)state;
	for (int i = 0; i < ENDS; i++)
		transport_close(ends[i], TRANSPORT_DRAIN);
	return 0;
}

static void
assert_receives(int end, enum transport_received wanted, int from, const char *text)
{
	int peer = -1;
	const void *data = "untouched";
	size_t len = 99;
	assert_int_equal(transport_receive(ends[end], &peer, &data, &len), wanted);
	if (wanted != TRANSPORT_NOTHING)
		assert_int_equal(peer, from);
	if (wanted == TRANSPORT_MESSAGE)
		assert_string_equal(data, text);
	else
		assert_null(data);
	assert_int_equal(len, wanted == TRANSPORT_MESSAGE ? strlen(text) + 1 : 0);
}

static void
send_text(int from, int to, const char *text)
{
	transport_send(ends[from], to, text, strlen(text) + 1);
}

static void
inmem_knows_its_place(void **state)
{
	(void)state;
	for (int i = 0; i < ENDS; i++) {
		assert_int_equal(ends[i]->self, i);
		assert_int_equal(ends[i]->size, ENDS);
		assert_true(transport_sleep_ns(ends[i], 1) == CLOCK_NEVER);
	}
}

static void
inmem_kill_is_told_once_and_last(void **state)
{
	(void)state;
	send_text(1, 0, "first");
	send_text(1, 0, "second");
	inmem_kill(hub, 1);
	inmem_kill(hub, 1);
	assert_int_equal(transport_sleep_ns(ends[0], CLOCK_NS_PER_S), 0);
	assert_receives(0, TRANSPORT_MESSAGE, 1, "first");
	assert_receives(0, TRANSPORT_MESSAGE, 1, "second");
	assert_receives(0, TRANSPORT_LOST, 1, NULL);
	assert_receives(0, TRANSPORT_NOTHING, 0, NULL);
	assert_receives(2, TRANSPORT_LOST, 1, NULL);
	assert_receives(2, TRANSPORT_NOTHING, 0, NULL);
}

static void
inmem_killed_neither_hears_nor_speaks(void **state)
{
	(void)state;
	inmem_kill(hub, 1);
	assert_receives(0, TRANSPORT_LOST, 1, NULL);
	send_text(0, 1, "dropped");
	send_text(1, 0, "dropped too");
	assert_receives(1, TRANSPORT_NOTHING, 0, NULL);
	assert_receives(0, TRANSPORT_NOTHING, 0, NULL);
	send_text(0, 2, "the others go on");
	assert_receives(2, TRANSPORT_LOST, 1, NULL);
	assert_receives(2, TRANSPORT_MESSAGE, 0, "the others go on");
}

static void
inmem_closes_with_messages_unread(void **state)
{
	(void)state;
	send_text(0, 1, "never read");
	send_text(0, 2, "read, and its data held");
	assert_receives(2, TRANSPORT_MESSAGE, 0, "read, and its data held");
	inmem_kill(hub, 0);
}

#define INMEM_TEST(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(launcher_of_each_start),
		cmocka_unit_test(job_of_each_scheduler),
		cmocka_unit_test(job_of_any_length),
		INMEM_TEST(inmem_knows_its_place),
		INMEM_TEST(inmem_kill_is_told_once_and_last),
		INMEM_TEST(inmem_killed_neither_hears_nor_speaks),
		INMEM_TEST(inmem_closes_with_messages_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
