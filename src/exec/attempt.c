/* One attempt at a task. */
#include "exec/attempt.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exec/dirs.h"
#include "exec/shell.h"
#include "exec/spawn.h"
#include "exec/tree.h"
#include "tasks/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRAY_GRACE_NS (100 * CLOCK_NS_PER_MS)
#define KILL_AGAIN_NS (100 * CLOCK_NS_PER_MS)
/* A process in the midst of a write to a slow disk takes KILL only after it; one that has taken it
 * gives back its memory first, some 32 GiB a second (measured), and less where it was swapped out.
 */
#define STUCK_NS (10 * CLOCK_NS_PER_S)
#define EXITING_NS (120 * CLOCK_NS_PER_S)
#define STOP_GRACE_NS (5 * CLOCK_NS_PER_S)
#define SIGNAL_NEAR_NS                                                                             \
	(2 * CLOCK_NS_PER_S)		 /* a death this soon after a signal to us is its doing */
#define DOUBT_NS (100 * CLOCK_NS_PER_MS) /* and so is one this long before it */
#define ARGUMENT_BYTES (128 * 1024)	 /* the kernel's MAX_ARG_STRLEN */

/* --- start --- */

/* A line that no single argument can hold reaches the shell as a script: an unlinked file of ours.
 * Returns its descriptor, or -1. */
static int
write_script(const char *tmpdir, const struct task *task)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/mpbatch-script-XXXXXX", tmpdir);
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -1;
	unlink(path);
	for (size_t at = 0; at < task->command_len;) {
		ssize_t put = write(fd, task->command + at, task->command_len - at);
		if (put < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		at += put > 0 ? (size_t)put : 0;
	}
	return fd;
}

static pid_t
spawn_shell(struct attempt *attempt, const struct slot *slot, struct spawn spawn,
	struct spawn_failure *failure)
{
	const struct task *task = attempt->task;
	char path[64];
	const char *shell = *task->shell ? task->shell : "/bin/sh";
	bool long_line = task->command_len >= ARGUMENT_BYTES;
	attempt->result.via = (uint8_t)shell_via(shell);
	if (long_line && !attempt->script_fd) {
		attempt->script_fd = write_script(slot->capture_options.tmpdir, task);
		if (attempt->script_fd < 0) {
			attempt->script_fd = 0;
			*failure = (struct spawn_failure){.step = STEP_EXEC, .error = errno};
			return -1;
		}
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), attempt->script_fd);
	char **argv = shell_argv(shell, task->command, long_line ? path : NULL, &spawn.file);
	spawn.argv = argv;
	pid_t pid = spawn_start(&spawn, failure);
	free(argv);
	return pid;
}

static pid_t
spawn_task(struct attempt *attempt, struct slot *slot, struct spawn_failure *failure)
{
	const struct task *task = attempt->task;
	struct spawn spawn = {.environment = environment_for(&slot->environment, task),
		.cwd = task->cwd,
		.input = task->input,
		.merge = slot->sink.merged};
	struct command *command = &slot->command;
	if (*task->shell || !command_prepare(command, &slot->cache, task->command,
				    task->command_len, spawn.environment))
		return spawn_shell(attempt, slot, spawn, failure);
	attempt->result.via = RESULT_VIA_DIRECT;
	spawn.file = command->file;
	spawn.argv = command->argv;
	pid_t pid = spawn_start(&spawn, failure);
	if (pid > 0 || failure->step != STEP_EXEC)
		return pid;
	/* Whatever execve says, the shell says it as users know it: a script without "#!", 126,
	 * 127. */
	command_forget(&slot->cache, command);
	return spawn_shell(attempt, slot, spawn, failure);
}

/* A missing directory of the task's is noticed only when it is needed: that costs nothing. */
static pid_t
spawn_in_directory(struct attempt *attempt, struct slot *slot, struct spawn_failure *failure)
{
	pid_t pid = spawn_task(attempt, slot, failure);
	if (pid > 0 || failure->step != STEP_CWD || failure->error != ENOENT)
		return pid;
	if (dirs_make(attempt->task->cwd) == 0)
		return spawn_task(attempt, slot, failure);
	failure->error = errno;
	return -1;
}

static void
end(struct attempt *attempt, struct slot *slot)
{
	struct result *result = &attempt->result;
	result->out_bytes = attempt->capture.streams[0].total;
	result->err_bytes = attempt->capture.streams[1].total;
	sink_end(&slot->sink, &attempt->capture, &slot->capture_options, result);
	attempt->phase = ATTEMPT_ENDED;
}

void
attempt_start(struct attempt *attempt, struct slot *slot, struct task *task)
{
	attempt->task = task;
	attempt->start_ns = clock_now_ns();
	attempt->deadline_ns = task->timeout_ms
				       ? attempt->start_ns + task->timeout_ms * CLOCK_NS_PER_MS
				       : CLOCK_NEVER;
	attempt->result = (struct result){
		.index = task->index, .attempt = task->attempt, .start_us = clock_unix_us()};
	if (sink_begin(&slot->sink, task) < 0) {
		attempt->result.exit_code = 126;
		end(attempt, slot);
		return;
	}
	if (slot->kept.count)
		tree_gather(&slot->kept, NULL);
	capture_pipes_reset();
	struct spawn_failure failure;
	pid_t pid = spawn_in_directory(attempt, slot, &failure);
	if (pid > 0) {
		attempt->pid = pid;
		attempt->phase = ATTEMPT_ALIVE;
		return;
	}
	if (failure.step == STEP_CLONE && (failure.error == EAGAIN || failure.error == ENOMEM)) {
		attempt->task = NULL;
		attempt_reset(attempt);
		return;
	}
	attempt->result.reason = RESULT_SPAWN;
	attempt->result.step = (uint8_t)failure.step;
	attempt->result.error = failure.error;
	attempt->result.exit_code = failure.error == ENOENT ? 127 : 126;
	end(attempt, slot);
}

/* --- end --- */

static void
read_stream(struct attempt *attempt, struct slot *slot, int i)
{
	struct stream *stream = &attempt->capture.streams[i];
	bool direct = sink_is_direct(&slot->sink);
	if (!direct)
		attempt->full[i] = !capture_read(
			&attempt->capture, i, slot->pipes.fds[i], &slot->capture_options);
	if (attempt->full[i] && slot->sink.mode == OUTPUT_STORE) {
		sink_fail(&slot->sink, stream->error, slot->capture_options.tmpdir);
		capture_drop(&attempt->capture);
		attempt->full[0] = attempt->full[1] = false;
		direct = true;
	}
	if (direct)
		stream->total += sink_read(&slot->sink, i, slot->pipes.fds[i]);
}

/* The strays keep the pipes that they may still write to, the next task gets others. */
static void
leave_pipes(struct slot *slot)
{
	struct err err;
	struct capture_pipes old = slot->pipes;
	if (capture_pipes_new(&slot->pipes, &err) < 0)
		die(4, "executor: %s", err.text);
	leftover_add(&slot->leftover, &old);
}

/* Every process is gone, or left alone: what is in the pipes now is the last of it. */
static void
drain(struct attempt *attempt, struct slot *slot)
{
	attempt->phase = ATTEMPT_DRAINING;
	for (int i = 0; i < 2; i++)
		read_stream(attempt, slot, i);
	if (attempt->full[0] || attempt->full[1])
		return;
	if (slot->setup.stray == STRAY_KEEP)
		tree_gather(&slot->kept, NULL);
	if (slot->kept.count)
		leave_pipes(slot);
	end(attempt, slot);
}

void
attempt_read(struct attempt *attempt, struct slot *slot, int i)
{
	if (attempt->phase == ATTEMPT_DRAINING) {
		drain(attempt, slot);
		return;
	}
	read_stream(attempt, slot, i);
	if (slot->sink.error && !attempt->stopped)
		attempt_stop(attempt, slot, RESULT_OUTPUT, STOP_GRACE_NS);
}

static enum result_reason
reason_of(const struct attempt *attempt, int status)
{
	if (attempt->stopped)
		return attempt->stop_reason;
	if (WIFSIGNALED(status))
		return RESULT_SIGNAL;
	return WEXITSTATUS(status) ? RESULT_EXIT : RESULT_OK;
}

/* SLURM signals every process of a job, one after the other. A shell may outlive the command that
 * its signal ended, and then says so with 128 and the signal's number. */
static bool
ended_as_by_job_signal(const struct result *result)
{
	int code = result->exit_code;
	int signal = result->signal ? result->signal : code > 128 ? code - 128 : 0;
	bool by_signal = result->reason == RESULT_SIGNAL || result->reason == RESULT_EXIT;
	return by_signal && (signal == SIGTERM || signal == SIGUSR1 || signal == SIGKILL);
}

static void
main_ended(struct attempt *attempt, int status, const struct rusage *usage)
{
	struct result *result = &attempt->result;
	result->runtime_ns = clock_now_ns() - attempt->start_ns;
	result->reason = (uint8_t)reason_of(attempt, status);
	result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	result->user_us = usage->ru_utime.tv_sec * INT64_C(1000000) + usage->ru_utime.tv_usec;
	result->system_us = usage->ru_stime.tv_sec * INT64_C(1000000) + usage->ru_stime.tv_usec;
	result->maxrss_kib = usage->ru_maxrss;
	attempt->pid = 0;
}

/* No process is left: is it a task that failed, or one that a signal to the whole job ended? */
static void
judge(struct attempt *attempt, struct slot *slot)
{
	int64_t now = clock_now_ns();
	if (ended_as_by_job_signal(&attempt->result)) {
		if (attempt->phase != ATTEMPT_DOUBTFUL)
			attempt->deadline_ns = now + DOUBT_NS;
		attempt->phase = ATTEMPT_DOUBTFUL;
		if (slot->signalled_ns && now - slot->signalled_ns < SIGNAL_NEAR_NS)
			attempt->result.reason = RESULT_CANCELLED;
		else if (now < attempt->deadline_ns)
			return;
	}
	drain(attempt, slot);
}

static void
start_terminating(struct attempt *attempt, struct slot *slot, int64_t grace_ns)
{
	attempt->phase = ATTEMPT_TERMINATING;
	attempt->deadline_ns = clock_now_ns() + grace_ns;
	ending_begin(&attempt->ending, &slot->kept, attempt->pid);
}

static void
start_killing(struct attempt *attempt, struct slot *slot)
{
	bool exiting;
	attempt->phase = ATTEMPT_KILLING;
	attempt->kill_ns = clock_now_ns();
	attempt->deadline_ns = attempt->kill_ns + KILL_AGAIN_NS;
	if (attempt->pid)
		kill(-attempt->pid, SIGKILL);
	tree_kill(&slot->kept, &exiting);
}

/* The main process is reaped, and has left others. */
static void
look_at_strays(struct attempt *attempt, struct slot *slot)
{
	struct tree tree = {0};
	tree_gather(&tree, &slot->kept);
	for (int i = 0; i < tree.count; i++)
		attempt->result.strays += tree.processes[i].parent == getpid();
	tree_clear(&tree);
	if (attempt->phase != ATTEMPT_ALIVE)
		return;
	if (slot->setup.stray == STRAY_KEEP)
		judge(attempt, slot);
	else
		start_terminating(attempt, slot, STRAY_GRACE_NS);
}

/* Some process has ended, of one that is to end. */
static void
go_on_ending(struct attempt *attempt, struct slot *slot)
{
	bool exiting;
	int left = attempt->phase == ATTEMPT_TERMINATING
			   ? ending_go_on(&attempt->ending, &slot->kept)
			   : tree_kill(&slot->kept, &exiting);
	if (!left && slot->kept.count && !attempt->pid)
		judge(attempt, slot);
}

void
attempt_reap(struct attempt *attempt, struct slot *slot)
{
	int status;
	struct rusage usage;
	pid_t pid, main = attempt->pid;
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		if (pid == attempt->pid)
			main_ended(attempt, status, &usage);
	bool none_left = pid < 0 && errno == ECHILD;
	if (none_left)
		slot->kept.count = 0;
	if (attempt->phase == ATTEMPT_IDLE || attempt->phase >= ATTEMPT_DRAINING)
		return;
	if (!attempt->pid && (none_left || attempt->phase == ATTEMPT_DOUBTFUL)) {
		judge(attempt, slot);
		return;
	}
	if (main && !attempt->pid)
		look_at_strays(attempt, slot);
	if (attempt->phase == ATTEMPT_TERMINATING || attempt->phase == ATTEMPT_KILLING)
		go_on_ending(attempt, slot);
}

void
attempt_stop(
	struct attempt *attempt, struct slot *slot, enum result_reason reason, int64_t grace_ns)
{
	attempt_reap(attempt, slot); /* what has ended by itself was not stopped by us */
	if (attempt->phase != ATTEMPT_ALIVE && attempt->phase != ATTEMPT_TERMINATING)
		return;
	if (attempt->phase == ATTEMPT_TERMINATING && !attempt->stopped)
		return;
	if (!attempt->stopped)
		attempt->stop_reason = reason;
	attempt->stopped = true;
	int64_t deadline = clock_now_ns() + grace_ns;
	if (grace_ns <= 0)
		start_killing(attempt, slot);
	else if (attempt->phase == ATTEMPT_ALIVE)
		start_terminating(attempt, slot, grace_ns);
	else if (deadline < attempt->deadline_ns)
		attempt->deadline_ns = deadline;
}

/* LEFT processes survive everything (0: one at least, which /proc does not show): the slot is
 * theirs now. */
static void
give_up(struct attempt *attempt, struct slot *slot, int left)
{
	slot->unkillable = left ? left : 1;
	if (attempt->pid)
		main_ended(attempt, SIGKILL, &(struct rusage){0});
	drain(attempt, slot);
}

static void
kill_again(struct attempt *attempt, struct slot *slot, int64_t now)
{
	bool exiting;
	int left = tree_kill(&slot->kept, &exiting);
	attempt->deadline_ns = now + KILL_AGAIN_NS;
	if (now - attempt->kill_ns >= (left && exiting ? EXITING_NS : STUCK_NS))
		give_up(attempt, slot, left);
}

int64_t
attempt_deadline(const struct attempt *attempt)
{
	switch (attempt->phase) {
	case ATTEMPT_ALIVE:
	case ATTEMPT_TERMINATING:
	case ATTEMPT_KILLING:
	case ATTEMPT_DOUBTFUL:
		return attempt->deadline_ns;
	default:
		return CLOCK_NEVER;
	}
}

void
attempt_tick(struct attempt *attempt, struct slot *slot, int64_t now)
{
	if (now < attempt_deadline(attempt))
		return;
	if (attempt->phase == ATTEMPT_ALIVE) {
		attempt_stop(attempt, slot, RESULT_TIMEOUT, STOP_GRACE_NS);
	} else if (attempt->phase == ATTEMPT_TERMINATING) {
		start_killing(attempt, slot);
	} else if (attempt->phase == ATTEMPT_KILLING) {
		kill_again(attempt, slot, now);
	} else {
		judge(attempt, slot);
	}
}

void
attempt_reset(struct attempt *attempt)
{
	task_free(attempt->task);
	if (attempt->script_fd)
		close(attempt->script_fd);
	ending_clear(&attempt->ending);
	struct capture capture = attempt->capture;
	for (int i = 0; i < 2; i++) {
		buf_consume(&capture.streams[i].memory, capture.streams[i].memory.len);
		capture.streams[i].total = 0;
	}
	capture.taken_last = 0;
	*attempt = (struct attempt){.capture = capture};
}
