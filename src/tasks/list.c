/* Reading a task list, a block at a time. */
#include "tasks/list.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "tasks/task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024 };

struct list {
	char *path;   /* as messages name it */
	int fd;
	bool regular; /* a file with a size: never waits, can change under us */
	struct stat status;
	struct buf buf;
	size_t searched; /* bytes of BUF known to have no newline */
	uint64_t line;	 /* lines taken so far */
	uint64_t tasks;	 /* tasks given out */
	uint64_t ahead;	 /* tasks counted in the part that was checked first */
	uint64_t read_bytes;  /* from the descriptor */
	uint64_t taken_bytes; /* of lines taken */
	bool counted;	 /* AHEAD is all there are */
	bool at_end;	 /* of the file */
};

/* --- lines --- */

static bool
is_task(const char *line, size_t len)
{
	size_t i = 0;
	while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
		i++;
	return i < len && line[i] != '#';
}

static int
check_nul(const struct list *list, const char *line, size_t len, uint64_t number, struct err *err)
{
	const char *nul = memchr(line, '\0', len);
	if (!nul)
		return 0;
	return err_set(err, "%s:%llu:%zu: a NUL byte, expected a shell command", list->path,
		(unsigned long long)number, (size_t)(nul - line) + 1);
}

/* The next line in the buffer, without its end; NULL if there is no whole one. */
static const char *
take_line(struct list *list, size_t *len)
{
	struct buf *buf = &list->buf;
	const char *end = buf->len > list->searched
				  ? memchr(buf->data + list->searched, '\n', buf->len - list->searched)
				  : NULL;
	if (!end && (!list->at_end || !buf->len)) {
		list->searched = buf->len;
		return NULL;
	}
	*len = end ? (size_t)(end - buf->data) : buf->len;
	list->searched = 0;
	list->line++;
	return buf->data;
}

/* --- reading --- */

/* The file that was opened is still the one that is there, as it was. */
static int
check_unchanged(const struct list *list, struct err *err)
{
	struct stat now, named;
	if (!list->regular)
		return 0;
	bool same = fstat(list->fd, &now) == 0 && now.st_size == list->status.st_size &&
		    now.st_mtim.tv_sec == list->status.st_mtim.tv_sec &&
		    now.st_mtim.tv_nsec == list->status.st_mtim.tv_nsec;
	if (same && stat(list->path, &named) == 0)
		same = named.st_ino == list->status.st_ino && named.st_dev == list->status.st_dev;
	return same ? 0 : err_set(err, "%s has changed since the run began", list->path);
}

/* Reads a block. 1: something came, or the end; 0: nothing is here now; -1: ERR. */
static int
fill(struct list *list, struct err *err)
{
	if (check_unchanged(list, err) < 0)
		return -1;
	struct pollfd fd = {.fd = list->fd, .events = POLLIN};
	if (!list->regular && poll(&fd, 1, 0) == 0)
		return 0;
	ssize_t got = read(list->fd, buf_room(&list->buf, READ_BYTES), READ_BYTES);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got < 0)
		return err_set_errno(err, "%s: cannot read", list->path);
	buf_added(&list->buf, (size_t)got);
	list->read_bytes += (uint64_t)got;
	list->at_end = got == 0;
	return 1;
}

enum list_status
list_next(struct list *list, struct task **task, struct err *err)
{
	for (;;) {
		size_t len;
		const char *line = take_line(list, &len);
		if (!line) {
			int got = list->at_end ? 0 : fill(list, err);
			if (got < 0)
				return LIST_ERROR;
			if (got == 0 && list->at_end)
				return LIST_END;
			if (got == 0)
				return LIST_WAIT;
			continue;
		}
		if (check_nul(list, line, len, list->line, err) < 0)
			return LIST_ERROR;
		bool use = is_task(line, len);
		size_t command = len && line[len - 1] == '\r' ? len - 1 : len;
		if (use)
			*task = task_new(&(struct task){.index = ++list->tasks,
				.line = list->line,
				.attempt = 1,
				.need = need_default,
				.command = line,
				.command_len = command});
		buf_consume(&list->buf, len + 1);
		list->taken_bytes += len + 1;
		if (use)
			return LIST_TASK;
	}
}

/* --- opening --- */

/* Counts and checks the first LIST_AHEAD_BYTES, and goes back to the start. */
static int
look_ahead(struct list *list, struct err *err)
{
	while (list->read_bytes < LIST_AHEAD_BYTES && !list->at_end)
		if (fill(list, err) < 0)
			return -1;
	const char *at = list->buf.data;
	for (size_t left = list->buf.len; left;) {
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : left;
		if (check_nul(list, at, len, ++list->line, err) < 0)
			return -1;
		if ((end || list->at_end) && is_task(at, len))
			list->ahead++;
		len += end ? 1 : 0;
		at += len;
		left -= len;
	}
	list->line = 0;
	list->counted = list->at_end;
	return 0;
}

static int
open_list(struct list *list, const char *path, struct err *err)
{
	list->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (list->fd < 0)
		return err_set_errno(err, "%s: cannot open the task list", list->path);
	fcntl(list->fd, F_SETFD, FD_CLOEXEC);
	if (fstat(list->fd, &list->status) < 0)
		return err_set_errno(err, "%s", list->path);
	if (S_ISDIR(list->status.st_mode))
		return err_set(err, "%s is a directory, expected a task list", list->path);
	list->regular = S_ISREG(list->status.st_mode);
	return list->regular ? look_ahead(list, err) : 0;
}

struct list *
list_open(const char *path, struct err *err)
{
	struct list *list = xcalloc(1, sizeof(*list));
	list->fd = -1;
	list->path = xstrdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (open_list(list, path, err) == 0)
		return list;
	list_free(list);
	return NULL;
}

void
list_free(struct list *list)
{
	if (!list)
		return;
	if (list->fd >= 0)
		close(list->fd);
	buf_clear(&list->buf);
	free(list->path);
	free(list);
}

/* --- what is known of it --- */

int
list_fd(const struct list *list)
{
	return list->regular ? -1 : list->fd;
}

uint64_t
list_count(const struct list *list)
{
	if (list->counted)
		return list->ahead;
	return list->at_end && !list->buf.len ? list->tasks : 0;
}

uint64_t
list_remaining(const struct list *list)
{
	if (list->counted)
		return list->ahead - list->tasks;
	uint64_t mean = list->tasks ? list->taken_bytes / list->tasks + 1 : 64;
	if (list->regular)
		return ((uint64_t)list->status.st_size - list->taken_bytes) / mean + 1;
	uint64_t lines = 0;
	for (size_t i = 0; i < list->buf.len && lines < 4096; i++)
		lines += list->buf.data[i] == '\n';
	return lines;
}
