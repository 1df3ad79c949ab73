/* What strays still print. */
#include "exec/leftover.h"

#include "exec/capture.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PIPES_MAX = 256, DROP_BYTES = 64 * 1024 };

static void
add_one(struct leftover *leftover, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (leftover->count < PIPES_MAX && leftover->epoll_fd > 0 &&
		epoll_ctl(leftover->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		leftover->count++;
	else
		close(fd);
}

void
leftover_add(struct leftover *leftover, const struct capture_pipes *pipes)
{
	if (leftover->epoll_fd <= 0)
		leftover->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < 2; i++)
		add_one(leftover, pipes->fds[i]);
}

void
leftover_read(struct leftover *leftover)
{
	static char bytes[DROP_BYTES];
	struct epoll_event events[16];
	int count = epoll_wait(leftover->epoll_fd, events, 16, 0);
	for (int i = 0; i < count; i++) {
		ssize_t got = read(events[i].data.fd, bytes, sizeof(bytes));
		if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
			continue;
		close(events[i].data.fd);
		leftover->count--;
	}
}
