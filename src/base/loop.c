/* The event loop. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct watch {
	loop_handler *handler;
	void *arg;
};

struct loop {
	struct pollfd *fds; /* fd -1: removed, compacted after the turn */
	struct watch *watches;
	int count;
	int capacity;
	int removed;
};

struct loop *
loop_new(void)
{
	return xcalloc(1, sizeof(struct loop));
}

void
loop_free(struct loop *loop)
{
	if (!loop)
		return;
	free(loop->fds);
	free(loop->watches);
	free(loop);
}

static int
find(const struct loop *loop, int fd)
{
	for (int i = 0; i < loop->count; i++)
		if (loop->fds[i].fd == fd)
			return i;
	return -1;
}

void
loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *arg)
{
	if (loop->count == loop->capacity) {
		loop->capacity = loop->capacity ? 2 * loop->capacity : 16;
		size_t room = (size_t)loop->capacity;
		loop->fds = xrealloc(loop->fds, room * sizeof(*loop->fds));
		loop->watches = xrealloc(loop->watches, room * sizeof(*loop->watches));
	}
	loop->fds[loop->count] = (struct pollfd){.fd = fd, .events = events};
	loop->watches[loop->count++] = (struct watch){.handler = handler, .arg = arg};
}

void
loop_events(struct loop *loop, int fd, short events)
{
	int i = find(loop, fd);
	if (i >= 0)
		loop->fds[i].events = events;
}

void
loop_remove(struct loop *loop, int fd)
{
	int i = find(loop, fd);
	if (i < 0)
		return;
	loop->fds[i] = (struct pollfd){.fd = -1};
	loop->removed++;
}

static void
compact(struct loop *loop)
{
	int kept = 0;
	for (int i = 0; i < loop->count; i++) {
		if (loop->fds[i].fd < 0)
			continue;
		loop->fds[kept] = loop->fds[i];
		loop->watches[kept++] = loop->watches[i];
	}
	loop->count = kept;
	loop->removed = 0;
}

int
loop_poll(struct pollfd *fds, unsigned long count, int64_t timeout_ns)
{
	struct timespec timeout;
	if (timeout_ns != CLOCK_NEVER)
		timeout = (struct timespec){.tv_sec = timeout_ns / CLOCK_NS_PER_S,
			.tv_nsec = timeout_ns % CLOCK_NS_PER_S};
	int ready = ppoll(fds, count, timeout_ns == CLOCK_NEVER ? NULL : &timeout, NULL);
	if (ready < 0 && errno != EINTR)
		die(4, "ppoll failed (errno %d)", errno);
	return ready < 0 ? 0 : ready;
}

int
loop_turn(struct loop *loop, int64_t timeout_ns)
{
	int ready = loop_poll(loop->fds, (unsigned long)loop->count, timeout_ns);
	int before = loop->count; /* what handlers add has no events yet */
	for (int i = 0, left = ready; left > 0 && i < before; i++) {
		short revents = loop->fds[i].revents;
		if (!revents || loop->fds[i].fd < 0)
			continue;
		left--;
		loop->watches[i].handler(loop->watches[i].arg, loop->fds[i].fd, revents);
	}
	if (loop->removed)
		compact(loop);
	return ready;
}
