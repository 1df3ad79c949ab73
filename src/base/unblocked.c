/* Writing without waiting for a reader. */
#include "base/unblocked.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
unblocked_open(int fd)
{
	struct stat status;
	char path[32];
	if (fstat(fd, &status) < 0 || (!S_ISFIFO(status.st_mode) && !isatty(fd)))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? fd : own;
}

void
unblocked_close(int own, int fd)
{
	if (own != fd)
		close(own);
}
