/* The spawn. Between clone and execve the child makes system calls only. */
#include "exec/spawn.h"

#include "base/log.h"
#include "base/ownfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024 };

struct child {
	const struct spawn *spawn;
	pid_t parent;
	volatile enum result_step
		step; /* written by the child, read after it has exec'd or ended */
	volatile int error;
};

static int
fail(struct child *child, enum result_step step)
{
	child->error = errno;
	child->step = step;
	_exit(127);
}

/* While this process waits, so does its parent, whom nothing can reach then. */
static int
open_input(const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0 || access(path, R_OK) < 0)
		return -1;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		errno = EWOULDBLOCK;
		return -1;
	}
	int fd = open(path, O_RDONLY);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return -1;
	close(fd);
	return 0;
}

static int
child_main(void *arg)
{
	struct child *child = arg;
	const struct spawn *spawn = child->spawn;
	if (setpgid(0, 0) < 0)
		return fail(child, STEP_GROUP);
	/* The parent may have died before the call; then nobody would send the signal. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != child->parent)
		return fail(child, STEP_DEATH);
	if (spawn->cwd[0] && chdir(spawn->cwd) < 0)
		return fail(child, STEP_CWD);
	if (spawn->input[0] && open_input(spawn->input) < 0)
		return fail(child, STEP_INPUT);
	if (spawn->merge && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return fail(child, STEP_EXEC);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(spawn->file, spawn->argv, spawn->environment);
	return fail(child, STEP_EXEC);
}

static pid_t
start(const struct spawn *spawn, struct spawn_failure *failure)
{
	static char stack[STACK_BYTES] __attribute__((aligned(64)));
	struct child child = {.spawn = spawn, .parent = getpid()};
	pid_t pid =
		clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
	if (pid < 0) {
		*failure = (struct spawn_failure){.step = STEP_CLONE, .error = errno};
		return -1;
	}
	if (child.step == STEP_NONE)
		return pid;
	*failure = (struct spawn_failure){.step = child.step, .error = child.error};
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

/* A shell opens the input, which may be a FIFO without a writer, and becomes the program: it can
 * be signalled while it waits. */
static pid_t
start_behind_input(struct spawn spawn, struct spawn_failure *failure)
{
	size_t count = 0;
	while (spawn.argv[count])
		count++;
	const char **argv = xcalloc(count + 6, sizeof(*argv));
	size_t at = 0;
	argv[at++] = "sh";
	argv[at++] = "-c";
	argv[at++] = "exec \"$@\" <\"$0\"";
	argv[at++] = spawn.input;
	argv[at++] = spawn.file;
	for (size_t i = 1; i < count; i++)
		argv[at++] = spawn.argv[i];
	spawn.file = "/bin/sh";
	spawn.argv = (char *const *)argv;
	spawn.input = "";
	*failure = (struct spawn_failure){.step = STEP_NONE};
	pid_t pid = start(&spawn, failure);
	free(argv);
	return pid;
}

pid_t
spawn_start(const struct spawn *spawn, struct spawn_failure *failure)
{
	if (ownfd_named(spawn->input)) {
		*failure = (struct spawn_failure){.step = STEP_INPUT, .error = EINVAL};
		return -1;
	}
	pid_t pid = start(spawn, failure);
	if (pid < 0 && failure->step == STEP_INPUT && failure->error == EWOULDBLOCK)
		return start_behind_input(*spawn, failure);
	return pid;
}
