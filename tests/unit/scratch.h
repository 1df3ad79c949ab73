/* A directory of a test program's own, its working directory while it runs, removed afterwards. */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_path[4096];

static inline int
scratch_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* A CMocka group setup: makes it and goes there. */
static inline int
scratch_make(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(scratch_path, sizeof(scratch_path), "%s/mpbatch-test-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(scratch_path) && chdir(scratch_path) == 0 ? 0 : -1;
}

/* A CMocka group teardown. */
static inline int
scratch_leave(void **state)
{
	(void)state;
	return chdir("/") == 0 ? nftw(scratch_path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS) : -1;
}

#endif
