/* Turns of standard output and error. */
#include "base/streams.h"

#include "base/buf.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a launcher that sleeps has had time to read; how often one that does not is looked at, and
 * for how long a message waits for it; how long one stream is written to while the other one waits.
 */
#define QUIET_NS (5 * CLOCK_NS_PER_MS)
#define LOOK_NS CLOCK_NS_PER_MS
#define MESSAGE_NS (200 * CLOCK_NS_PER_MS)
#define TURN_NS (50 * CLOCK_NS_PER_MS)

static struct {
	bool on;
	int last;     /* written to: 0 standard output, 1 standard error */
	bool in_line; /* and not to the end of a line */
	int64_t began_ns;
	int64_t next_ns; /* when the other one's turn may come */
	bool waits[2];
	struct buf kept[2];
} streams;

static void
write_all(int fd, struct buf *buf)
{
	streams_wait(fd);
	while (buf->len) {
		ssize_t put = write(fd, buf->data, buf->len);
		if (put < 0)
			return;
		buf_consume(buf, (size_t)put);
	}
	streams_wrote(fd, false);
}

/* Nothing is written after the beginning of a line but what completes it. */
static void
write_kept(void)
{
	struct buf *kept = streams.kept;
	if (kept[0].len && kept[1].len)
		buf_append(&kept[1], "\n", 1);
	if (kept[1].len)
		write_all(STDERR_FILENO, &kept[1]);
	if (kept[0].len)
		write_all(STDOUT_FILENO, &kept[0]);
}

/* What /proc says of our parent, which reads our streams; words that end with NUL end with a blank.
 */
static void
read_parent(const char *name, char *text, size_t room)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, room - 1);
	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (ssize_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
}

/* It reads in its main thread. A shell between us waits, that is, sleeps. */
static bool
launcher_sleeps(void)
{
	char text[256];
	read_parent("stat", text, sizeof(text));
	const char *name_end = strrchr(text, ')');
	return !name_end || strncmp(name_end, ") S", 3) == 0;
}

/* `mpirun --output :raw` mixes nothing. */
static bool
launcher_is_raw(void)
{
	char text[4096];
	read_parent("cmdline", text, sizeof(text));
	const char *output = strstr(text, " --output ");
	const char *value = output ? output + strlen(" --output ") : "";
	return memmem(value, strcspn(value, " "), "raw", strlen("raw")) != NULL;
}

/* Has all been read that the one stream has got, so that it is the other one's turn? */
static bool
was_read(int64_t now_ns)
{
	if (streams.in_line || now_ns < streams.next_ns)
		return false;
	bool read = launcher_sleeps();
	if (!read)
		streams.next_ns = now_ns + LOOK_NS;
	return read;
}

void
streams_alternate(void)
{
	if (launcher_is_raw())
		return;
	streams.on = true;
	atexit(write_kept);
}

bool
streams_is_one(int fd)
{
	return streams.on && (fd == STDOUT_FILENO || fd == STDERR_FILENO);
}

bool
streams_may_write(int fd)
{
	if (!streams_is_one(fd))
		return true;
	int i = fd == STDERR_FILENO;
	int64_t now = clock_now_ns();
	bool may = i == streams.last ? streams.in_line || !streams.waits[!i] ||
					       now < streams.began_ns + TURN_NS
				     : was_read(now);
	if (!may)
		streams.waits[i] = true;
	return may;
}

void
streams_wrote(int fd, bool in_line)
{
	if (!streams_is_one(fd))
		return;
	int i = fd == STDERR_FILENO;
	int64_t now = clock_now_ns();
	streams.next_ns = now + QUIET_NS;
	if (i != streams.last)
		streams.began_ns = now;
	streams.last = i;
	streams.in_line = in_line;
	streams.waits[i] = false;
}

void
streams_wait(int fd)
{
	if (!streams_is_one(fd) || streams.last == (fd == STDERR_FILENO))
		return;
	int64_t now = clock_now_ns();
	for (int64_t end = now + MESSAGE_NS; now < end && !was_read(now); now = clock_now_ns())
		nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

int64_t
streams_due_ns(void)
{
	bool waits = streams.waits[!streams.last];
	return waits && !streams.in_line ? streams.next_ns : CLOCK_NEVER;
}

void
streams_keep(int fd, const char *data, size_t len)
{
	buf_append(&streams.kept[fd == STDERR_FILENO], data, len);
}
