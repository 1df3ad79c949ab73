/* The spawn. Between clone and execve the child makes system calls only. */
#include "exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
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
	if (spawn->input[0]) {
		int fd = open(spawn->input, O_RDONLY);
		if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
			return fail(child, STEP_INPUT);
		close(fd);
	}
	if (spawn->merge && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return fail(child, STEP_EXEC);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(spawn->file, spawn->argv, spawn->environment);
	return fail(child, STEP_EXEC);
}

pid_t
spawn_start(const struct spawn *spawn, struct spawn_failure *failure)
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
