/* The keeper, and the rank's side of its socket. */
#include "exec/keeper.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "exec/executor.h"
#include "exec/mailbox.h"
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
#define AGAIN_MS 50  /* until a message is tried again that the kernel had no room for */

/* Messages that may wait before the rank is listened to again; slots whose progress shares a
 * mapping (each mapping makes the next fork slower). */
enum { WAITING_MAX = 16, SLOTS_A_PAGE = 64 };

extern char **environ;

struct kept {
	pid_t pid; /* 0: none now */
	struct executor_progress *progress;
};

struct keeper {
	struct mailbox mailbox;
	int signal_fd;
	struct kept *executors; /* by slot */
	int slots;
	bool leaving; /* LEAVE was heard, or the rank is gone */
	bool keep_strays;
};

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

/* Should this process be stopped, the death of its parent continues it: nothing else would end it
 * then. */
static int
detach(int kept_fd, const char *name)
{
	setsid();
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGCONT);
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

/* A page for the progress of as many slots as it holds, each with a cache line of its own. */
static void
map_progress(struct kept *first)
{
	struct executor_progress *page = mmap(NULL, SLOTS_A_PAGE * sizeof(*page),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; page != MAP_FAILED && i < SLOTS_A_PAGE; i++)
		first[i].progress = page + i;
}

static struct kept *
kept_slot(struct keeper *keeper, int slot)
{
	if (slot >= keeper->slots) {
		int slots = (slot / SLOTS_A_PAGE + 1) * SLOTS_A_PAGE;
		keeper->executors =
			xrealloc(keeper->executors, (size_t)slots * sizeof(struct kept));
		for (int i = keeper->slots; i < slots; i++)
			keeper->executors[i] = (struct kept){0};
		keeper->slots = slots;
	}
	if (!keeper->executors[slot].progress)
		map_progress(&keeper->executors[slot / SLOTS_A_PAGE * SLOTS_A_PAGE]);
	return &keeper->executors[slot];
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
	reply.pid = kept->pid;
	mailbox_post(&keeper->mailbox, &reply, reply.error ? -1 : ends[0]);
	if (reply.error && ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
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
				mailbox_post(&keeper->mailbox, &down, -1);
		}
	}
	if (!keeper->keep_strays)
		kill_orphans(keeper);
}

/* While the rank takes what it is told. */
static bool
may_fork(const struct keeper *keeper)
{
	return mailbox_waiting(&keeper->mailbox) < WAITING_MAX;
}

static void
handle_leave(struct keeper *keeper, const struct keeper_message *message)
{
	keeper->leaving = true;
	keeper->keep_strays = message->keep_strays;
}

/* Returns false once the rank is gone. */
static bool
handle_messages(struct keeper *keeper)
{
	struct keeper_message message = {0};
	int fd, got = 0;
	while (may_fork(keeper) && (got = mailbox_receive(&keeper->mailbox, &message, &fd)) > 0) {
		if (message.type == KEEPER_FORK)
			handle_fork(keeper, message.slot);
		if (message.type == KEEPER_LEAVE)
			handle_leave(keeper, &message);
		if (!mailbox_send(&keeper->mailbox))
			return false;
	}
	return got >= 0;
}

/* The rank is gone: has it said LEAVE before? */
static void
hear_last_words(struct keeper *keeper)
{
	struct keeper_message message;
	int fd;
	while (mailbox_receive(&keeper->mailbox, &message, &fd) > 0)
		if (message.type == KEEPER_LEAVE)
			handle_leave(keeper, &message);
}

/* True once there is none. */
static bool
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
	return !some;
}

static bool
read_signals(const struct keeper *keeper)
{
	struct signalfd_siginfo info;
	bool any = false;
	while (read(keeper->signal_fd, &info, sizeof(info)) > 0)
		any = true;
	return any;
}

/* One turn; false once the rank is gone. */
static bool
turn(struct keeper *keeper)
{
	const struct mailbox *mailbox = &keeper->mailbox;
	bool again = mailbox_waiting(mailbox) && mailbox->no_memory;
	bool full = mailbox_waiting(mailbox) && !mailbox->no_memory;
	struct pollfd fds[2] = {
		{.fd = mailbox->socket,
			.events = (short)((may_fork(keeper) ? POLLIN : 0) | (full ? POLLOUT : 0))},
		{.fd = keeper->signal_fd, .events = POLLIN}};
	loop_poll(fds, 2, again ? AGAIN_MS * CLOCK_NS_PER_MS : CLOCK_NEVER);
	bool signalled = fds[1].revents && read_signals(keeper);
	/* First what the rank says: LEAVE spares the strays that executors leave behind. */
	bool alive = !fds[0].revents || handle_messages(keeper);
	alive = mailbox_send(&keeper->mailbox) && alive;
	if (!alive)
		hear_last_words(keeper);
	if (signalled)
		reap_children(keeper);
	return alive;
}

static int
keeper_main(int socket)
{
	struct keeper keeper = {.mailbox = mailbox_init(socket)};
	sigset_t signals;
	sigfillset(&signals);
	keeper.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper.signal_fd < 0)
		return 1;
	while (turn(&keeper))
		;
	bool told = keeper.leaving;
	keeper.leaving = true;
	bool none = wait_for_executors(&keeper);
	/* An executor that was told to leave may still be syncing what it stored. */
	if (!keeper.keep_strays && (none || !told))
		tree_kill_all(5000, NULL);
	return 0;
}

int
keeper_start(struct keeper_link *link, struct err *err)
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
	*link = (struct keeper_link){.socket = ends[0], .pid = pid};
	return 0;
}
