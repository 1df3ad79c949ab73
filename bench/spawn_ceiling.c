/*
 * spawn_ceiling [-n TASKS] [-u] COMMAND [ARG...]: how many tasks a second this machine can start
 * and await at best. One process per core that we may use, pinned to it (-u: not pinned), does
 * nothing but spawn COMMAND and wait for its end; the tasks' stdin and stdout are /dev/null. The
 * time is that from the first task's start to the last one's end.
 *
 * vfork and execve, because posix_spawn does the same after sixty system calls about signals.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
	atomic_long left; /* tasks not started yet */
	double end[CPU_SETSIZE];
};

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The lowest hardware thread of CPU's core. */
static size_t
first_thread(size_t cpu)
{
	char path[96];
	size_t first = cpu;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list",
		cpu);
	FILE *file = fopen(path, "re");
	if (!file)
		return cpu;
	if (fscanf(file, "%zu", &first) != 1)
		first = cpu;
	fclose(file);
	return first;
}

/* Fills CPUS with one CPU per core that we may use. Returns how many. */
static int
usable_cores(size_t *cpus)
{
	cpu_set_t allowed;
	int count = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		err(2, "sched_getaffinity");
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		size_t first = first_thread(cpu);
		if (first == cpu || !CPU_ISSET(first, &allowed))
			cpus[count++] = cpu;
	}
	return count;
}

static void
pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(2, "sched_setaffinity");
}

static void
run_task(char **argv)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(argv[0], argv, environ);
		_exit(127);
	}
	if (pid < 0)
		err(2, "vfork");
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	if (status != 0)
		errx(1, "%s ended with status 0x%x", argv[0], (unsigned)status);
}

/* In a process of its own: runs tasks from the moment START_FD says EOF until none is left. */
static void
loop(struct shared *shared, double *end, int start_fd, char **argv)
{
	char byte;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0)
		err(2, "/dev/null");
	if (read(start_fd, &byte, 1) != 0)
		err(2, "read");
	while (atomic_fetch_sub(&shared->left, 1) > 0)
		run_task(argv);
	*end = now();
	_exit(0);
}

/* Starts a loop on each core; they wait for EOF at START_FDS[0]. Returns how many. */
static int
start_loops(struct shared *shared, bool pinned, const int *start_fds, char **argv)
{
	size_t cpus[CPU_SETSIZE];
	int cores = usable_cores(cpus);

	for (int i = 0; i < cores; i++) {
		pid_t pid = fork();
		if (pid < 0)
			err(2, "fork");
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(start_fds[1]);
		if (pinned)
			pin(cpus[i]);
		loop(shared, &shared->end[i], start_fds[0], argv);
	}
	usleep(20000); /* until they wait */
	return cores;
}

int
main(int argc, char **argv)
{
	long tasks = 5000;
	bool pinned = true;
	int option, status, start_fds[2];

	while ((option = getopt(argc, argv, "+n:u")) != -1) {
		if (option == 'n')
			tasks = atol(optarg);
		else if (option == 'u')
			pinned = false;
		else
			return 2;
	}
	if (optind == argc || tasks <= 0)
		errx(2, "usage: spawn_ceiling [-n TASKS] [-u] COMMAND [ARG...]");

	struct shared *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe2(start_fds, O_CLOEXEC) < 0)
		err(2, "set-up");
	atomic_init(&shared->left, tasks);

	int cores = start_loops(shared, pinned, start_fds, argv + optind);
	double start = now(), end = start;
	close(start_fds[1]);
	for (int i = 0; i < cores; i++) {
		if (wait(&status) < 0 || status != 0)
			errx(1, "a loop failed");
	}
	for (int i = 0; i < cores; i++)
		end = shared->end[i] > end ? shared->end[i] : end;
	printf("%.1f tasks/s (%ld tasks, %d cores, %.3f s)\n", (double)tasks / (end - start), tasks,
		cores, end - start);
	return 0;
}
