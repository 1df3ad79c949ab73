/*
 * The journal and its thread. FRONT collects what the loop appends; the thread swaps it with BACK,
 * writes and syncs that, at most a second after the first line came.
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
	int64_t due_ns;	   /* when the first of FRONT is to be on disk */
	struct buf status; /* for the next tick */
	int64_t tick_ns;   /* CLOCK_NEVER: without ticks */
	bool flush, closing, was_full, failed;
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
	int synced;
	do
		synced = fdatasync(fd);
	while (synced < 0 && errno == EINTR);
	return synced < 0 && errno == EINVAL ? 0 : synced; /* a pipe, or a terminal */
}

/* Waits until lines are due, or a tick is, or it is closing. */
static void
wait_for_work(struct journal *journal)
{
	int waited = 0;
	while (waited != ETIMEDOUT && !journal->closing) {
		bool lines = journal->front.len;
		if (lines && (journal->flush || journal->front.len >= JOURNAL_BYTES / 2))
			return;
		int64_t due = lines && journal->due_ns < journal->tick_ns ? journal->due_ns
									  : journal->tick_ns;
		struct timespec until = {
			.tv_sec = due / CLOCK_NS_PER_S, .tv_nsec = due % CLOCK_NS_PER_S};
		waited = due == CLOCK_NEVER ? pthread_cond_wait(&journal->changed, &journal->mutex)
					    : pthread_cond_timedwait(
						      &journal->changed, &journal->mutex, &until);
	}
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

/* What is in front, to the disk; the mutex is not held meanwhile. */
static void
write_lines(struct journal *journal)
{
	struct buf lines = journal->front;
	journal->front = journal->back;
	journal->back = lines;
	journal->writing = lines.len;
	journal->flush = false;
	bool failed = journal->failed;
	pthread_mutex_unlock(&journal->mutex);
	struct err err;
	int got = failed ? 0 : write_all(journal->fd, lines.data, lines.len);
	if (got < 0)
		err_set_errno(&err, "%s: cannot write the journal", journal->path);
	pthread_mutex_lock(&journal->mutex);
	buf_consume(&journal->back, journal->back.len);
	journal->writing = 0;
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
	int got = journal->options.tick(journal->options.arg, status.len ? &status : NULL, &err);
	buf_clear(&status);
	pthread_mutex_lock(&journal->mutex);
	if (got < 0)
		fail(journal, &err);
}

static void *
journal_thread(void *arg)
{
	struct journal *journal = arg;
	pthread_mutex_lock(&journal->mutex);
	while (!journal->closing || journal->front.len) {
		wait_for_work(journal);
		int64_t now = clock_now_ns();
		bool due = journal->closing || journal->flush || journal->due_ns <= now ||
			   journal->front.len >= JOURNAL_BYTES / 2;
		if (journal->front.len && due)
			write_lines(journal);
		if (journal->tick_ns <= now && !journal->failed)
			tick(journal);
		else if (journal->failed)
			journal->tick_ns = CLOCK_NEVER;
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
	bool first = !journal->front.len;
	if (first)
		journal->due_ns = clock_now_ns() + BEHIND_NS;
	if (!journal->failed)
		buf_append(&journal->front, lines, len);
	if (first || journal->front.len >= JOURNAL_BYTES / 2)
		pthread_cond_signal(&journal->changed);
	pthread_mutex_unlock(&journal->mutex);
}

bool
journal_full(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	bool full = journal->front.len + journal->writing >= JOURNAL_BYTES && !journal->failed;
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
	journal->flush = journal->front.len > 0;
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
	bool failed = journal->failed;
	if (failed)
		*err = journal->err;
	pthread_mutex_destroy(&journal->mutex);
	pthread_cond_destroy(&journal->changed);
	release(journal);
	return failed ? -1 : 0;
}
