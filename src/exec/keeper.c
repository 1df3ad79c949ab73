/* The keeper, and the rank's side of its socket. */
#include "exec/keeper.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "exec/executor.h"
#include "exec/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAVE_MS 800 /* executors end by themselves when the rank is gone; then they are killed */

extern char **environ;

struct kept {
	pid_t pid; /* 0: none now */
	struct executor_progress *progress;
};

struct keeper {
	int socket;
	int signal_fd;
	struct kept *executors; /* by slot */
	int slots;
	bool leaving;
};

/* --- messages --- */

static bool
send_message(int socket, const struct keeper_message *message, int fd)
{
	struct iovec part = {(void *)(uintptr_t)message, sizeof(*message)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd >= 0) {
		packet.msg_control = &control;
		packet.msg_controllen = sizeof(control.room);
		struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(socket, &packet, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

bool
keeper_send(int socket, const struct keeper_message *message)
{
	return send_message(socket, message, -1);
}

int
keeper_receive(int socket, struct keeper_message *message, int *fd)
{
	struct iovec part = {message, sizeof(*message)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr packet = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room)};
	ssize_t got;
	do
		got = recvmsg(socket, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*fd = -1;
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got != (ssize_t)sizeof(*message))
		return -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
	if (head && head->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(head), sizeof(int));
	return 1;
}

/* --- becoming a process of our own --- */

/* Once per keeper and executor: what they hold open nobody else sees closed. */
static void
close_all_but(int kept)
{
	DIR *dir = opendir("/proc/self/fd");
	long limit = sysconf(_SC_OPEN_MAX);
	for (int fd = 3; !dir && fd < limit; fd++)
		if (fd != kept)
			close(fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		if (fd > 2 && fd != kept && fd != dirfd(dir))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* The system call, because the C library hides its own two signals, which may be ignored as well. A
 * zeroed kernel sigaction says SIG_DFL on every architecture. */
static void
reset_signals(void)
{
	const char by_default[64] = {0};
	for (int signal = 1; signal < _NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, by_default, NULL, _NSIG / 8);
}

static int
detach(int kept_fd, const char *name)
{
	setsid();
	prctl(PR_SET_NAME, name);
	int null_fd = open("/dev/null", O_RDWR);
	if (null_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -1;
	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	close_all_but(kept_fd);
	reset_signals();
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return 0;
}

/* --- the keeper --- */

static struct kept *
kept_slot(struct keeper *keeper, int slot)
{
	if (slot >= keeper->slots) {
		size_t room = (size_t)slot + 1;
		keeper->executors = xrealloc(keeper->executors, room * sizeof(struct kept));
		for (int i = keeper->slots; i <= slot; i++)
			keeper->executors[i] = (struct kept){0};
		keeper->slots = slot + 1;
	}
	struct kept *kept = &keeper->executors[slot];
	if (!kept->progress) {
		void *page = mmap(NULL, sizeof(*kept->progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		kept->progress = page == MAP_FAILED ? NULL : page;
	}
	return kept;
}

static pid_t
fork_executor(int ends[2], const struct kept *kept, int slot)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char name[16];
	snprintf(name, sizeof(name), "mpbatch:%u", (unsigned)slot % 10000);
	close(ends[0]);
	if (detach(ends[1], name) < 0)
		_exit(1);
	_exit(executor_main(ends[1], environ, kept->progress));
}

static void
handle_fork(struct keeper *keeper, int slot)
{
	struct keeper_message reply = {.type = KEEPER_FORKED, .slot = slot};
	struct kept *kept = kept_slot(keeper, slot);
	int ends[2] = {-1, -1};
	if (!kept->progress || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		reply.error = errno;
	} else {
		kept->progress->started = 0;
		kept->pid = fork_executor(ends, kept, slot);
		if (kept->pid < 0) {
			reply.error = errno;
			kept->pid = 0;
		}
	}
	send_message(keeper->socket, &reply, reply.error ? -1 : ends[0]);
	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
}

/* What a dead executor leaves behind has become our children: all that are no executors. */
static void
kill_orphans(const struct keeper *keeper)
{
	pid_t *pids = xcalloc((unsigned long)keeper->slots, sizeof(*pids));
	struct tree_spare spare = {.pids = pids};
	for (int i = 0; i < keeper->slots; i++)
		if (keeper->executors[i].pid)
			pids[spare.count++] = keeper->executors[i].pid;
	tree_signal(SIGKILL, &spare);
	free(pids);
}

static void
reap_children(struct keeper *keeper)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < keeper->slots; i++) {
			struct kept *kept = &keeper->executors[i];
			if (kept->pid != pid)
				continue;
			kept->pid = 0;
			struct keeper_message down = {.type = KEEPER_DOWN,
				.slot = i,
				.status = status,
				.started = kept->progress->started};
			if (!keeper->leaving)
				keeper_send(keeper->socket, &down);
		}
	}
	if (!keeper->leaving)
		kill_orphans(keeper);
}

/* Returns false once the rank is gone. */
static bool
handle_messages(struct keeper *keeper)
{
	struct keeper_message message = {0};
	int fd, got;
	while ((got = keeper_receive(keeper->socket, &message, &fd)) > 0) {
		if (message.type == KEEPER_FORK)
			handle_fork(keeper, message.slot);
		if (message.type == KEEPER_LEAVE)
			keeper->leaving = true;
	}
	return got == 0;
}

static void
wait_for_executors(struct keeper *keeper)
{
	int64_t end = clock_now_ns() + LEAVE_MS * CLOCK_NS_PER_MS;
	bool some = true;
	while (some && clock_now_ns() < end) {
		struct pollfd fd = {.fd = keeper->signal_fd, .events = POLLIN};
		some = false;
		reap_children(keeper);
		for (int i = 0; i < keeper->slots; i++)
			some = some || keeper->executors[i].pid;
		struct signalfd_siginfo info;
		if (some && loop_poll(&fd, 1, 50 * CLOCK_NS_PER_MS))
			(void)!read(keeper->signal_fd, &info, sizeof(info));
	}
}

static int
keeper_main(int socket)
{
	struct keeper keeper = {.socket = socket};
	sigset_t signals;
	sigfillset(&signals);
	keeper.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper.signal_fd < 0)
		return 1;
	for (bool alive = true; alive;) {
		struct pollfd fds[2] = {{.fd = socket, .events = POLLIN},
			{.fd = keeper.signal_fd, .events = POLLIN}};
		loop_poll(fds, 2, CLOCK_NEVER);
		struct signalfd_siginfo info;
		if (fds[1].revents)
			while (read(keeper.signal_fd, &info, sizeof(info)) > 0)
				;
		/* First what the rank says: LEAVE spares the strays that executors leave behind. */
		if (fds[0].revents)
			alive = handle_messages(&keeper);
		reap_children(&keeper);
	}
	bool keep_strays = keeper.leaving;
	keeper.leaving = true;
	wait_for_executors(&keeper);
	if (!keep_strays)
		tree_kill_all(5000);
	return 0;
}

int
keeper_start(struct err *err)
{
	int ends[2];
	if (access("/dev/null", R_OK | W_OK) < 0)
		return err_set_errno(err, "/dev/null cannot be used");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set_errno(err, "cannot make a socket pair");
	pid_t pid = fork();
	if (pid < 0) {
		err_set_errno(err, "cannot fork the keeper");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (pid == 0) {
		close(ends[0]);
		_exit(detach(ends[1], "mpbatch:keeper") < 0 ? 1 : keeper_main(ends[1]));
	}
	close(ends[1]);
	return ends[0];
}
