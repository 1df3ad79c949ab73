/* Who works on a run directory. */
#include "run/lock.h"

#include "base/boot.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "run/within.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT = 256, TAKEOVER_S = 10, TRIES = 10 };

#define ENDING_NS (50 * CLOCK_NS_PER_MS)

int lock_dead_s = LOCK_DEAD_S;
int (*lock_ask_scheduler)(const char *job);

/* What the file says, a "name=value" line each. */
struct owner {
	char host[TEXT], boot[TEXT], space[TEXT], job[TEXT];
	long pid;
	unsigned long long started; /* field 22 of /proc/PID/stat */
	long restarts;
	unsigned long long beat;
};

struct lock {
	char *path;
	struct owner owner;
	int64_t beat_ns; /* when the counter was last rewritten */
};

/* --- owners --- */

/* 0: there is no such process, or it is dead and waits for its parent. */
static unsigned long long
start_of(long pid)
{
	char path[64], text[1024] = "";
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	char *at = strrchr(text, ')'); /* the name before it may hold anything */
	if (at && (at[2] == 'Z' || at[2] == 'X'))
		return 0;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static struct owner
ourselves(void)
{
	struct owner owner = {.pid = getpid(), .started = start_of(getpid())};
	const char *job = getenv("SLURM_JOB_ID"), *restarts = getenv("SLURM_RESTART_COUNT");
	gethostname(owner.host, sizeof(owner.host) - 1);
	boot_id(owner.boot, sizeof(owner.boot));
	if (readlink("/proc/self/ns/pid", owner.space, sizeof(owner.space) - 1) < 0)
		owner.space[0] = '\0';
	snprintf(owner.job, sizeof(owner.job), "%s", job ? job : "");
	owner.restarts = restarts ? atol(restarts) : 0;
	return owner;
}

static bool
is_same(const struct owner *a, const struct owner *b)
{
	return a->pid == b->pid && a->started == b->started && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->boot, b->boot) == 0 && strcmp(a->space, b->space) == 0;
}

/* The text of an owner is as long with any counter: it is rewritten in place, so that it is never
 * seen empty, nor left so by a full disk or a power failure. With O_CREAT in HOW it is synced. */
static int
write_owner(const char *path, const struct owner *owner, int how)
{
	struct buf text = {0};
	buf_printf(&text,
		"host=%s\nboot=%s\nspace=%s\npid=%ld\nstarted=%llu\njob=%s\nrestarts=%ld\n"
		"beat=%020llu\n",
		owner->host, owner->boot, owner->space, owner->pid, owner->started, owner->job,
		owner->restarts, owner->beat);
	int fd = within_open(path, O_WRONLY | how);
	ssize_t put = fd < 0 ? -1 : write(fd, text.data, text.len);
	int error = put < 0 ? errno : put < (ssize_t)text.len ? ENOSPC : 0;
	if (!error && how & O_CREAT && fdatasync(fd) < 0 && errno != EINVAL)
		error = errno;
	if (fd >= 0)
		close(fd);
	buf_clear(&text);
	errno = error;
	return error ? -1 : 0;
}

static void
take_line(struct owner *owner, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *room;
	} texts[] = {{"host", owner->host}, {"boot", owner->boot}, {"space", owner->space},
		{"job", owner->job}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(name, texts[i].name) == 0)
			snprintf(texts[i].room, TEXT, "%s", value);
	if (strcmp(name, "pid") == 0)
		owner->pid = atol(value);
	if (strcmp(name, "started") == 0)
		owner->started = strtoull(value, NULL, 10);
	if (strcmp(name, "restarts") == 0)
		owner->restarts = atol(value);
	if (strcmp(name, "beat") == 0)
		owner->beat = strtoull(value, NULL, 10);
}

/* -1 with errno: there is no lock. One that says nothing is its owner's in the making, or a torn
 * one: it is judged by its counter. */
static int
read_owner(const char *path, struct owner *owner)
{
	int fd = within_open(path, O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[2 * TEXT];
	if (!file)
		return -1;
	*owner = (struct owner){.pid = 0};
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		char *equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		take_line(owner, line, equals + 1);
	}
	fclose(file);
	return 0;
}

/* --- is it stale? --- */

/* On this host, and among the processes that we see. */
static bool
is_here(const struct owner *owner)
{
	struct owner ours = ourselves();
	return *owner->host && strcmp(owner->host, ours.host) == 0 &&
	       strcmp(owner->boot, ours.boot) == 0 && strcmp(owner->space, ours.space) == 0;
}

static enum lock_state
judge(const struct owner *owner)
{
	struct owner ours = ourselves();
	bool host = *owner->host && strcmp(owner->host, ours.host) == 0;
	bool boot = strcmp(owner->boot, ours.boot) == 0;
	if (host && !boot)
		return LOCK_DEAD;
	if (is_here(owner))
		return start_of(owner->pid) == owner->started ? LOCK_ALIVE : LOCK_DEAD;
	if (*owner->job && strcmp(owner->job, ours.job) == 0 && owner->restarts < ours.restarts)
		return LOCK_DEAD;
	bool other_job = *owner->job && strcmp(owner->job, ours.job) != 0;
	static const enum lock_state by_answer[] = {LOCK_DEAD, LOCK_JOB_RUNS, LOCK_ALIVE};
	int answer = other_job && lock_ask_scheduler ? lock_ask_scheduler(owner->job) : -1;
	return answer < 0 ? LOCK_SILENT : by_answer[answer];
}

/* Somebody does not want to wait any longer. */
static bool
is_interrupted(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

/* Does its counter move within SECONDS? */
static enum lock_state
watch(const char *path, const struct owner *owner, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		struct owner now;
		loop_poll(NULL, 0, CLOCK_NS_PER_S);
		if (read_owner(path, &now) < 0)
			return LOCK_FREE;
		if (!is_same(&now, owner) || now.beat != owner->beat || is_interrupted())
			return LOCK_ALIVE;
	}
	return LOCK_DEAD;
}

enum lock_state
lock_look(const char *run_dir)
{
	struct buf path = {0};
	struct owner owner;
	buf_printf(&path, "%s/lock%c", run_dir, 0);
	int got = read_owner(path.data, &owner);
	buf_clear(&path);
	return got < 0 ? LOCK_FREE : judge(&owner);
}

/* --- taking it --- */

/* 0: it is ours. -1: it is there already; else errno is other than EEXIST. */
static int
make(const char *path, const struct owner *owner)
{
	struct buf temporary = {0};
	struct stat status;
	buf_printf(&temporary, "%s.%s.%ld%c", path, owner->host, owner->pid, 0);
	int got = write_owner(temporary.data, owner, O_CREAT | O_TRUNC);
	int error = errno;
	if (got == 0) {
		got = link(temporary.data, path);
		error = errno;
		/* NFS may have lost the answer: two names tell. Without hard links, O_EXCL. */
		if (got < 0 && stat(temporary.data, &status) == 0 && status.st_nlink == 2)
			got = 0;
		if (got < 0 && (error == EPERM || error == EOPNOTSUPP || error == ENOSYS)) {
			got = write_owner(path, owner, O_CREAT | O_EXCL);
			error = errno;
		}
	}
	unlink(temporary.data);
	buf_clear(&temporary);
	errno = error;
	return got;
}

/* Puts OURS in place of the stale lock OLD. 0: done; -1: it is not there any more, or another does
 * the same: look again. */
static int
take_over(const char *path, const struct owner *old, const struct owner *ours)
{
	struct buf guard = {0};
	struct owner now, other;
	buf_printf(&guard, "%s.takeover%c", path, 0);
	int got = make(guard.data, ours);
	if (got < 0 && errno == EEXIST && read_owner(guard.data, &other) == 0 &&
		(judge(&other) == LOCK_DEAD || watch(guard.data, &other, TAKEOVER_S) == LOCK_DEAD))
		unlink(guard.data); /* it died just then */
	if (got == 0) {
		bool still =
			read_owner(path, &now) == 0 && is_same(&now, old) && now.beat == old->beat;
		if (still)
			unlink(path);
		got = still ? make(path, ours) : -1;
		unlink(guard.data);
	}
	buf_clear(&guard);
	return got;
}

static int
refuse(const char *run_dir, const struct owner *owner, struct err *err)
{
	return err_set(err, "%s is in use by process %ld on %s%s%s", run_dir, owner->pid,
		*owner->host ? owner->host : "an unknown host", *owner->job ? ", job " : "",
		owner->job);
}

/* One that is about to end, after an interrupt say, is given a moment. */
static enum lock_state
wait_for_end(const struct owner *owner)
{
	enum lock_state state = LOCK_ALIVE;
	int tries = lock_dead_s * 2 / 3; /* 2 s in all */
	for (int i = 0; i < tries && state == LOCK_ALIVE && is_here(owner); i++) {
		loop_poll(NULL, 0, ENDING_NS);
		state = judge(owner);
	}
	return state;
}

/* One try: 0 taken, 1 try again, -1 ERR. */
static int
try(struct lock *lock, const char *run_dir, void (**waiting)(const char *), struct err *err)
{
	struct owner other;
	if (make(lock->path, &lock->owner) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set_errno(err, "%s: cannot make the lock", lock->path);
	if (read_owner(lock->path, &other) < 0)
		return errno == ENOENT || errno == ESTALE
			       ? 1
			       : err_set_errno(err, "%s: cannot read the lock", lock->path);
	enum lock_state state = judge(&other);
	bool doubtful = state == LOCK_SILENT || state == LOCK_JOB_RUNS;
	if (doubtful && *waiting) {
		struct err owner, text;
		refuse(run_dir, &other, &owner);
		err_set(&text, "%s: is it alive? waiting for a sign of life, %d s at most",
			owner.text, lock_dead_s);
		(*waiting)(text.text);
		*waiting = NULL;
	}
	if (doubtful)
		state = watch(lock->path, &other, lock_dead_s);
	if (state == LOCK_ALIVE)
		state = wait_for_end(&other);
	if (state == LOCK_ALIVE)
		return refuse(run_dir, &other, err);
	return state == LOCK_DEAD && take_over(lock->path, &other, &lock->owner) == 0 ? 0 : 1;
}

struct lock *
lock_take(const char *run_dir, void (*waiting)(const char *text), struct err *err)
{
	struct lock *lock = xcalloc(1, sizeof(*lock));
	lock->owner = ourselves();
	lock->path = xasprintf("%s/lock", run_dir);
	lock->beat_ns = clock_now_ns();
	int got = 1;
	for (int i = 0; i < TRIES && got == 1; i++)
		got = try(lock, run_dir, &waiting, err);
	if (got == 0)
		return lock;
	if (got == 1)
		err_set(err, "%s: others take it all the time", lock->path);
	free(lock->path);
	free(lock);
	return NULL;
}

void
lock_moved(struct lock *lock, const char *run_dir)
{
	free(lock->path);
	lock->path = xasprintf("%s/lock", run_dir);
}

/* --- holding it --- */

bool
lock_is_ours(const struct lock *lock)
{
	struct owner now;
	return read_owner(lock->path, &now) == 0 && is_same(&now, &lock->owner);
}

int
lock_beat(struct lock *lock, struct err *err)
{
	int64_t now_ns = clock_now_ns();
	if (now_ns - lock->beat_ns < LOCK_BEAT_S * CLOCK_NS_PER_S)
		return 0;
	lock->beat_ns = now_ns;
	if (!lock_is_ours(lock))
		return err_set(err,
			"%s is not ours any more: it was removed, or another run has taken it over",
			lock->path);
	lock->owner.beat++;
	write_owner(
		lock->path, &lock->owner, 0); /* a disk that is full is the journal's business */
	return 0;
}

void
lock_release(struct lock *lock)
{
	if (!lock)
		return;
	if (lock_is_ours(lock))
		unlink(lock->path);
	free(lock->path);
	free(lock);
}
