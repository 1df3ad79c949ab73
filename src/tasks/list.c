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
	char *path; /* as messages name it */
	int fd;
	bool input;   /* it is standard input, and PATH no path */
	bool regular; /* a file with a size: never waits, can change under us */
	struct stat status;
	uint64_t size; /* of a regular file, from where it stood when it was opened */
	struct buf buf;
	size_t searched;      /* bytes of BUF known to have no newline */
	uint64_t line;	      /* lines taken so far */
	uint64_t lines_here;  /* not a regular file: newlines in BUF */
	uint64_t tasks;	      /* tasks given out */
	uint64_t ahead;	      /* tasks counted in the part that was checked first */
	uint64_t read_bytes;  /* from the descriptor */
	uint64_t taken_bytes; /* of lines taken */
	bool counted;	      /* AHEAD is all there are */
	bool at_end;	      /* of the file */
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

/* The next line in the buffer, without its end; NULL if there is no whole one. drop_line() ends it.
 */
static const char *
find_line(struct list *list, size_t *len)
{
	struct buf *buf = &list->buf;
	const char *end = buf->len > list->searched ? memchr(buf->data + list->searched, '\n',
							      buf->len - list->searched)
						    : NULL;
	if (!end && (!list->at_end || !buf->len)) {
		list->searched = buf->len;
		return NULL;
	}
	*len = end ? (size_t)(end - buf->data) : buf->len;
	list->searched = *len;
	return buf->data;
}

static void
drop_line(struct list *list, size_t len)
{
	size_t whole = len < list->buf.len ? len + 1 : len;
	buf_consume(&list->buf, whole);
	list->taken_bytes += whole;
	list->searched = 0;
	list->line++;
	if (whole > len && !list->regular)
		list->lines_here--;
}

static uint64_t
count_newlines(const char *at, size_t len)
{
	uint64_t count = 0;
	const char *end = at + len;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		count++;
		at++;
	}
	return count;
}

/* --- reading --- */

/* The file that was opened is still as it was, and no other stands in its place. One whose name is
 * gone is whole all the same. */
static int
check_unchanged(const struct list *list, struct err *err)
{
	struct stat now, named;
	bool same = fstat(list->fd, &now) == 0 && now.st_size == list->status.st_size &&
		    now.st_mtim.tv_sec == list->status.st_mtim.tv_sec &&
		    now.st_mtim.tv_nsec == list->status.st_mtim.tv_nsec;
	if (same && !list->input && stat(list->path, &named) == 0)
		same = named.st_ino == list->status.st_ino && named.st_dev == list->status.st_dev;
	return same ? 0 : err_set(err, "%s has changed since the run began", list->path);
}

/* Reads a block. 1: something came, or the end; 0: nothing is here now; -1: ERR. A change is looked
 * for after the read: one that came between the two would pass unseen. */
static int
fill(struct list *list, struct err *err)
{
	struct pollfd fd = {.fd = list->fd, .events = POLLIN};
	if (!list->regular && poll(&fd, 1, 0) <= 0)
		return 0;
	char *room = buf_room(&list->buf, READ_BYTES);
	ssize_t got;
	do
		got = read(list->fd, room, READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN && !list->regular)
		return 0;
	if (got < 0)
		return err_set_errno(err, "%s: cannot read", list->path);
	if (list->regular && check_unchanged(list, err) < 0)
		return -1;
	if (got == 0 && list->read_bytes < list->size)
		return err_set(err, "%s is shorter than it was when it was opened", list->path);
	if (!list->regular)
		list->lines_here += count_newlines(room, (size_t)got);
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
		const char *line = find_line(list, &len);
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
		if (check_nul(list, line, len, list->line + 1, err) < 0)
			return LIST_ERROR;
		bool use = is_task(line, len);
		size_t command = len && line[len - 1] == '\r' ? len - 1 : len;
		if (use)
			*task = task_new(&(struct task){.index = ++list->tasks,
				.line = list->line + 1,
				.attempt = 1,
				.need = need_default,
				.command = line,
				.command_len = command});
		drop_line(list, len);
		if (use)
			return LIST_TASK;
	}
}

/* --- opening --- */

/* Counts and checks the first LIST_AHEAD_BYTES, and goes back to the start. */
static int
look_ahead(struct list *list, struct err *err)
{
	while (list->read_bytes <= LIST_AHEAD_BYTES && !list->at_end)
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
	list->fd = list->input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			       : open(path, O_RDONLY | O_CLOEXEC);
	if (list->fd < 0)
		return err_set_errno(err, "%s: cannot open the task list", list->path);
	if (fstat(list->fd, &list->status) < 0)
		return err_set_errno(err, "%s", list->path);
	if (S_ISDIR(list->status.st_mode))
		return err_set(err, "%s is a directory, expected a task list", list->path);
	list->regular = S_ISREG(list->status.st_mode);
	if (!list->regular)
		return 0;
	off_t at = lseek(list->fd, 0, SEEK_CUR); /* standard input need not be at its start */
	if (at >= 0 && at < list->status.st_size)
		list->size = (uint64_t)(list->status.st_size - at);
	return look_ahead(list, err);
}

struct list *
list_open(const char *path, struct err *err)
{
	struct list *list = xcalloc(1, sizeof(*list));
	list->fd = -1;
	list->input = strcmp(path, "-") == 0;
	list->path = xstrdup(list->input ? "standard input" : path);
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
	if (!list->regular || list->taken_bytes >= list->size)
		return list->lines_here;
	uint64_t mean = list->tasks ? list->taken_bytes / list->tasks + 1 : 64;
	return (list->size - list->taken_bytes) / mean + 1;
}
