/* Descriptors for slots. */
#include "cli/descriptors.h"

#include "base/err.h"

#include <dirent.h>
#include <sys/resource.h>

/* Beside those of slots and those open already: journal, lock, lists, spools, sockets of an MPI.
 * The most that is asked for: some libraries walk over all that there could be. */
enum { SPARE = 32, RAISED_MAX = 1 << 20 };

void
descriptors_raise(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	rlim_t most = limit.rlim_max < RAISED_MAX ? limit.rlim_max : RAISED_MAX;
	if (limit.rlim_cur >= most)
		return;
	limit.rlim_cur = most;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int
count_open(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

int
descriptors_check(int slots, struct err *err)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	long long carried = (long long)limit.rlim_cur - count_open() - SPARE;
	if (slots <= carried)
		return 0;
	return err_set(err,
		"%d slots on one rank need more open files than the limit of %lld (ulimit -Hn) "
		"allows: "
		"it carries %lld slots",
		slots, (long long)limit.rlim_cur, carried > 0 ? carried : 0);
}
