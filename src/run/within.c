/* Files of a run directory. */
#include "run/within.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

int
within_open(const char *path, int how)
{
	/* O_NONBLOCK means nothing to a file, and opens a FIFO at once. */
	int fd = open(path, how | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	struct stat status;
	if (fd < 0)
		return -1;
	bool known = fstat(fd, &status) == 0;
	if (known && S_ISREG(status.st_mode))
		return fd;
	int error = known ? EPERM : errno;
	close(fd);
	errno = error;
	return -1;
}
