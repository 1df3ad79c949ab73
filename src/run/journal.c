/*
 * The journal and its thread. FRONT collects what the loop appends; the thread swaps it with BACK,
 * writes and syncs that, at most a second after the first line came.
 */
#include "run/journal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BEHIND_NS CLOCK_NS_PER_S

struct journal {
	int fd;
	int event_fd;
	char *path;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t changed;
	struct buf front, back;
	size_t writing; /* bytes of BACK not written yet */
	int64_t due_ns; /* when the first of FRONT is to be on disk */
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
	return synced;
}

/* Waits until lines are there and it is time for them; false: closing, and nothing is left. */
static bool
wait_for_lines(struct journal *journal)
{
	while (!journal->front.len && !journal->closing)
		pthread_cond_wait(&journal->changed, &journal->mutex);
	struct timespec until = {.tv_sec = journal->due_ns / CLOCK_NS_PER_S,
		.tv_nsec = journal->due_ns % CLOCK_NS_PER_S};
	int waited = 0;
	while (!journal->closing && !journal->flush && waited != ETIMEDOUT &&
		journal->front.len < JOURNAL_BYTES / 2)
		waited = pthread_cond_timedwait(&journal->changed, &journal->mutex, &until);
	return journal->front.len;
}

static void
wake_loop(const struct journal *journal)
{
	uint64_t one = 1;
	ssize_t ignored = write(journal->event_fd, &one, sizeof(one));
	(void)ignored;
}

static void *
journal_thread(void *arg)
{
	struct journal *journal = arg;
	pthread_mutex_lock(&journal->mutex);
	while (wait_for_lines(journal)) {
		struct buf lines = journal->front;
		journal->front = journal->back;
		journal->back = lines;
		journal->writing = lines.len;
		journal->flush = false;
		bool failed = journal->failed;
		pthread_mutex_unlock(&journal->mutex);
		int got = failed ? 0 : write_all(journal->fd, lines.data, lines.len);
		int error = errno;
		pthread_mutex_lock(&journal->mutex);
		buf_consume(&journal->back, journal->back.len);
		journal->writing = 0;
		if (got < 0) {
			errno = error;
			err_set_errno(&journal->err, "%s: cannot write the journal", journal->path);
			journal->failed = true;
		}
		if (got < 0 || journal->was_full)
			wake_loop(journal);
		journal->was_full = false;
	}
	pthread_mutex_unlock(&journal->mutex);
	return NULL;
}

/* The new name must survive a power failure too. */
static void
sync_directory(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd); /* some file systems cannot: then there is nothing better */
		close(fd);
	}
	free(copy);
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
	free(journal->path);
	free(journal);
}

static int
open_journal(struct journal *journal, const char *text, size_t len, struct err *err)
{
	journal->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (journal->event_fd < 0)
		return err_set_errno(err, "cannot make an eventfd");
	journal->fd = open(journal->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (journal->fd < 0)
		return err_set_errno(err, "%s: cannot create the journal", journal->path);
	if (write_all(journal->fd, text, len) < 0)
		err_set_errno(err, "%s: cannot write the journal", journal->path);
	else if (start_thread(journal, err) == 0)
		return 0;
	unlink(journal->path);
	return -1;
}

struct journal *
journal_open(const char *path, const char *text, size_t len, struct err *err)
{
	struct journal *journal = xcalloc(1, sizeof(*journal));
	journal->path = xstrdup(path);
	journal->fd = -1;
	if (open_journal(journal, text, len, err) == 0) {
		sync_directory(path);
		return journal;
	}
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
