/* One call of squeue. */
#include "exec/scheduler.h"

#include "base/clock.h"
#include "base/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_NS (5 * CLOCK_NS_PER_S)

extern char **environ;

/* Starts it with both outputs in the pipe; 0 if it cannot be started. */
static pid_t
start(const char *job, int to)
{
	char name[] = "squeue", quiet[] = "-h", which[] = "-j", format[] = "-o", state[] = "%T";
	char *argv[] = {name, quiet, which, strdupa(job), format, state, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_USEVFORK);
	int failed = posix_spawnp(&pid, name, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return failed ? 0 : pid;
}

/* What it prints until it ends; false if it does not end in time. */
static int
read_answer(int from, char *room, size_t size)
{
	int64_t end = clock_now_ns() + ANSWER_NS;
	size_t len = 0;
	for (;;) {
		int64_t now = clock_now_ns();
		struct pollfd fd = {.fd = from, .events = POLLIN};
		if (now >= end)
			return 0;
		loop_poll(&fd, 1, end - now);
		ssize_t got = fd.revents ? read(from, room + len, size - 1 - len) : -1;
		len += got > 0 ? (size_t)got : 0;
		room[len] = '\0';
		if (got == 0 || len == size - 1)
			return 1;
	}
}

int
scheduler_job(const char *job)
{
	static const char *const ended[] = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT",
		"NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "PENDING",
		"REQUEUE", "Invalid job id"};
	int pipe_fds[2], status = 0;
	char answer[512] = "";
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = start(job, pipe_fds[1]);
	close(pipe_fds[1]);
	int whole = pid ? read_answer(pipe_fds[0], answer, sizeof(answer)) : 0;
	close(pipe_fds[0]);
	if (pid && !whole)
		kill(pid, SIGKILL);
	if (pid)
		waitpid(pid, &status, 0);
	if (!whole)
		return -1;
	for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++)
		if (strstr(answer, ended[i]))
			return 0;
	if (status)
		return -1;
	if (strstr(answer, "SUSPENDED") || strstr(answer, "STOPPED"))
		return 2;
	return answer[0] ? 1 : 0;
}
