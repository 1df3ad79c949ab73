/* Syncing directories. */
#include "run/durable.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
durable_names(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) /* one that may be written to but not read cannot be synced either */
		return errno == EACCES ? 0 : -1;
	int synced = fsync(fd);
	int saved = errno;
	close(fd);
	errno = saved;
	return synced < 0 && saved != EINVAL ? -1 : 0;
}

int
durable_name(const char *path)
{
	char *copy = xstrdup(path);
	int synced = durable_names(dirname(copy));
	int saved = errno;
	free(copy);
	errno = saved;
	return synced;
}

const char *
durable_gone(int fd, const char *path)
{
	struct stat file, named;
	if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
		return NULL;
	if (stat(path, &named) == 0)
		return named.st_dev == file.st_dev && named.st_ino == file.st_ino ? NULL
										  : "was replaced";
	if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE)
		return NULL;
	return file.st_nlink ? "was moved away" : "was removed";
}
