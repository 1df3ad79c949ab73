/*
 * The journal and its thread. FRONT collects what the loop appends; the thread swaps it with BACK
 * and writes that, and syncs at most a second after the first line came. A line is written at once,
 * unless lines were written within the last GATHER_NS: then it waits for the end of that, so that
 * short tasks wake the thread a hundred times a second and not once each.
 */
#include "run/journal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "run/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GATHER_NS (10 * CLOCK_NS_PER_MS)
#define BEHIND_NS CLOCK_NS_PER_S
#define TICK_NS CLOCK_NS_PER_S

struct journal {
	struct journal_options options;
	int fd;
	int event_fd;
	char *path;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t changed;
	struct buf front, back;
	size_t writing;	   /* bytes of BACK not written yet */
	size_t unsynced;   /* bytes written and not synced yet */
	int64_t due_ns;	   /* when the first of FRONT is to be on disk */
	int64_t write_ns;  /* what is in FRONT is not written before this */
	int64_t sync_ns;   /* when the first that is unsynced is to be on disk; CLOCK_NEVER: none */
	struct buf status; /* for the next tick */
	int64_t tick_ns;   /* CLOCK_NEVER: without ticks */
	bool closing, was_full, failed;
	struct err err;
};

static int
write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);
		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			data += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

static int
sync_data(int fd)
{
	int synced;
	do
		synced = fdatasync(fd);
	while (synced < 0 && errno == EINTR);
	return synced < 0 && errno == EINVAL ? 0 : synced; /* a pipe, or a terminal */
}

/* What is written to a file without its name is lost. */
static int
check_name(const struct journal *journal, struct err *err)
{
	const char *gone = durable_gone(journal->fd, journal->path);
	return gone ? err_set(err, "%s %s: %s", journal->path, gone, journal->options.loss) : 0;
}

/* -1 with ERR if what was written is not safe. */
static int
make_safe(const struct journal *journal, struct err *err)
{
	if (sync_data(journal->fd) < 0)
		return err_set_errno(err, "%s: cannot write the journal", journal->path);
	return check_name(journal, err);
}

/* Until something is due, or the loop says that something may be. While nothing may be written the
 * thread wakes by itself, and the loop need not wake it for a line. */
static void
wait_for_work(struct journal *journal, int64_t now)
{
	int64_t due = journal->sync_ns < journal->tick_ns ? journal->sync_ns : journal->tick_ns;
	bool soon = journal->front.len || journal->write_ns > now;
	if (soon && journal->write_ns < due)
		due = journal->write_ns;
	struct timespec until = {.tv_sec = due / CLOCK_NS_PER_S, .tv_nsec = due % CLOCK_NS_PER_S};
	if (due == CLOCK_NEVER)
		pthread_cond_wait(&journal->changed, &journal->mutex);
	else
		pthread_cond_timedwait(&journal->changed, &journal->mutex, &until);
}

static void
wake_loop(const struct journal *journal)
{
	uint64_t one = 1;
	ssize_t ignored = write(journal->event_fd, &one, sizeof(one));
	(void)ignored;
}

static void
fail(struct journal *journal, const struct err *err)
{
	if (!journal->failed)
		journal->err = *err;
	journal->failed = true;
	wake_loop(journal);
}

/* What is in front, to the kernel; the mutex is not held meanwhile. */
static void
write_lines(struct journal *journal, int64_t now)
{
	struct buf lines = journal->front;
	journal->front = journal->back;
	journal->back = lines;
	journal->writing = lines.len;
	journal->write_ns = now + GATHER_NS;
	if (journal->due_ns < journal->sync_ns)
		journal->sync_ns = journal->due_ns;
	bool failed = journal->failed;
	pthread_mutex_unlock(&journal->mutex);
	struct err err;
	int got = failed ? 0 : write_all(journal->fd, lines.data, lines.len);
	if (got < 0)
		err_set_errno(&err, "%s: cannot write the journal", journal->path);
	pthread_mutex_lock(&journal->mutex);
	buf_consume(&journal->back, journal->back.len);
	journal->unsynced += journal->writing;
	journal->writing = 0;
	if (got < 0)
		fail(journal, &err);
}

/* What was written, to the disk; the mutex is not held meanwhile, nor does anybody else write. */
static void
sync_lines(struct journal *journal)
{
	bool failed = journal->failed;
	journal->sync_ns = CLOCK_NEVER;
	pthread_mutex_unlock(&journal->mutex);
	struct err err;
	int got = failed ? 0 : make_safe(journal, &err);
	pthread_mutex_lock(&journal->mutex);
	journal->unsynced = 0;
	if (!journal->front.len) /* else a flush that came meanwhile is for what is there */
		journal->sync_ns = CLOCK_NEVER;
	if (got < 0)
		fail(journal, &err);
	else if (journal->was_full)
		wake_loop(journal);
	journal->was_full = false;
}

static void
tick(struct journal *journal)
{
	struct buf status = journal->status;
	journal->status = (struct buf){0};
	journal->tick_ns = clock_now_ns() + TICK_NS;
	pthread_mutex_unlock(&journal->mutex);
	struct err err;
	int got = check_name(journal, &err);
	if (got == 0)
		got = journal->options.tick(
			journal->options.arg, status.len ? &status : NULL, &err);
	buf_clear(&status);
	pthread_mutex_lock(&journal->mutex);
	if (got < 0)
		fail(journal, &err);
}

/* Does what is most urgent; false if nothing is due. */
static bool
work(struct journal *journal, int64_t now)
{
	size_t lines = journal->front.len, unsynced = journal->unsynced;
	if (lines && (journal->closing || journal->write_ns <= now || lines >= JOURNAL_BYTES / 2))
		write_lines(journal, now);
	else if (unsynced &&
		 (journal->closing || journal->sync_ns <= now || unsynced >= JOURNAL_BYTES / 2))
		sync_lines(journal);
	else if (journal->tick_ns <= now && !journal->failed)
		tick(journal);
	else
		return false;
	return true;
}

static void *
journal_thread(void *arg)
{
	struct journal *journal = arg;
	pthread_mutex_lock(&journal->mutex);
	for (;;) {
		int64_t now = clock_now_ns();
		if (work(journal, now))
			continue;
		if (journal->closing)
			break;
		if (journal->failed)
			journal->tick_ns = CLOCK_NEVER;
		wait_for_work(journal, now);
	}
	pthread_mutex_unlock(&journal->mutex);
	return NULL;
}

static int
start_thread(struct journal *journal, struct err *err)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&journal->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&journal->mutex, NULL);
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&journal->thread, NULL, journal_thread, journal);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? err_set(err, "cannot start the journal's thread: %s", strerror(error)) : 0;
}

static void
release(struct journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	if (journal->event_fd >= 0)
		close(journal->event_fd);
	buf_clear(&journal->front);
	buf_clear(&journal->back);
	buf_clear(&journal->status);
	free(journal->path);
	free(journal);
}

static int
open_journal(struct journal *journal, struct err *err)
{
	const struct journal_options *options = &journal->options;
	journal->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (journal->event_fd < 0)
		return err_set_errno(err, "cannot make an eventfd");
	int how = options->again ? O_RDWR | O_APPEND : O_WRONLY | O_EXCL;
	journal->fd = open(journal->path, O_CREAT | O_CLOEXEC | how, 0666);
	if (journal->fd < 0)
		return err_set_errno(err, "%s: cannot create the journal", journal->path);
	off_t size = options->again ? lseek(journal->fd, 0, SEEK_END) : 0;
	char last = '\n'; /* a line that a crash has torn is ended, so that the next is whole */
	if (size > 0 && pread(journal->fd, &last, 1, size - 1) == 1 && last != '\n' &&
		write_all(journal->fd, "\n", 1) < 0)
		err_set_errno(err, "%s: cannot write the journal", journal->path);
	else if (size <= 0 && write_all(journal->fd, options->text, options->len) < 0)
		err_set_errno(err, "%s: cannot write the journal", journal->path);
	else if (sync_data(journal->fd) < 0)
		err_set_errno(err, "%s: cannot write the journal", journal->path);
	else if (!options->again && durable_name(journal->path) < 0)
		err_set_errno(err, "%s: cannot sync its directory", journal->path);
	else if (start_thread(journal, err) == 0)
		return 0;
	if (!options->again)
		unlink(journal->path);
	return -1;
}

struct journal *
journal_open(const struct journal_options *options, struct err *err)
{
	struct journal *journal = xcalloc(1, sizeof(*journal));
	journal->options = *options;
	journal->path = xstrdup(options->path);
	journal->fd = -1;
	journal->sync_ns = CLOCK_NEVER;
	journal->tick_ns = options->tick ? clock_now_ns() : CLOCK_NEVER;
	if (open_journal(journal, err) == 0)
		return journal;
	release(journal);
	return NULL;
}

void
journal_append(struct journal *journal, const char *lines, size_t len)
{
	pthread_mutex_lock(&journal->mutex);
	int64_t now = clock_now_ns();
	bool first = !journal->front.len;
	if (first)
		journal->due_ns = now + BEHIND_NS;
	if (!journal->failed)
		buf_append(&journal->front, lines, len);
	if ((first && journal->write_ns <= now) || journal->front.len >= JOURNAL_BYTES / 2)
		pthread_cond_signal(&journal->changed);
	pthread_mutex_unlock(&journal->mutex);
}

bool
journal_full(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	size_t held = journal->front.len + journal->writing + journal->unsynced;
	bool full = held >= JOURNAL_BYTES && !journal->failed;
	journal->was_full = journal->was_full || full;
	pthread_mutex_unlock(&journal->mutex);
	return full;
}

int
journal_fd(const struct journal *journal)
{
	return journal->event_fd;
}

void
journal_woken(struct journal *journal)
{
	uint64_t count;
	ssize_t ignored = read(journal->event_fd, &count, sizeof(count));
	(void)ignored;
}

bool
journal_failed(struct journal *journal, struct err *err)
{
	pthread_mutex_lock(&journal->mutex);
	bool failed = journal->failed;
	if (failed)
		*err = journal->err;
	pthread_mutex_unlock(&journal->mutex);
	return failed;
}

void
journal_status(struct journal *journal, struct buf *text)
{
	pthread_mutex_lock(&journal->mutex);
	struct buf before = journal->status;
	journal->status = *text;
	if (journal->tick_ns != CLOCK_NEVER)
		journal->tick_ns = clock_now_ns(); /* it is as old as that already */
	pthread_cond_signal(&journal->changed);
	pthread_mutex_unlock(&journal->mutex);
	buf_clear(&before);
	*text = (struct buf){0};
}

void
journal_flush(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	if (journal->front.len || journal->writing || journal->unsynced)
		journal->write_ns = journal->sync_ns = 0;
	pthread_cond_signal(&journal->changed);
	pthread_mutex_unlock(&journal->mutex);
}

int
journal_close(struct journal *journal, struct err *err)
{
	pthread_mutex_lock(&journal->mutex);
	journal->closing = true;
	pthread_cond_signal(&journal->changed);
	pthread_mutex_unlock(&journal->mutex);
	pthread_join(journal->thread, NULL);
	if (!journal->failed && check_name(journal, &journal->err) < 0)
		journal->failed = true;
	bool failed = journal->failed;
	if (failed)
		*err = journal->err;
	pthread_mutex_destroy(&journal->mutex);
	pthread_cond_destroy(&journal->changed);
	release(journal);
	return failed ? -1 : 0;
}
