/* mkdir -p. */
#include "exec/dirs.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
make_one(const char *path)
{
	return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

/* From the end, so that a directory that is there is never asked for: one on an automounter or a
 * file system that cannot be written may answer with anything but EEXIST. */
static int
make(char *path)
{
	if (make_one(path) == 0)
		return 0;
	char *slash = strrchr(path, '/');
	if (errno != ENOENT || !slash || slash == path)
		return -1;
	*slash = '\0';
	int made = make(path);
	*slash = '/';
	return made < 0 ? -1 : make_one(path);
}

int
dirs_make(const char *path)
{
	char *copy = xstrdup(path);
	int made = make(copy);
	int saved = errno;
	free(copy);
	errno = saved;
	return made;
}

int
dirs_make_above(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return 0;
	char *above = xstrdup(path);
	above[slash - path] = '\0';
	int made = dirs_make(above);
	int saved = errno;
	free(above);
	errno = saved;
	return made;
}
