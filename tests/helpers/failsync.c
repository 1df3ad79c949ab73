/*
 * Preloaded: fdatasync(2) of a file of the store fails while a file "failsync" is there, as on a
 * disk that takes no more, but says so late.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
fdatasync(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	if (!strstr(path, "/output.") || access("failsync", F_OK) < 0)
		return (int)syscall(SYS_fdatasync, fd);
	errno = EDQUOT;
	return -1;
}
