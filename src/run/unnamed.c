/* Finding and making them. */
#include "run/unnamed.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "run/durable.h"
#include "run/manifest.h"
#include "run/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* For so long who makes one may not have said yet what it is for. */
enum { MAKING_S = 5 };

static const char head[] = "mpbatch.";

/* An earlier run of the same tasks. */
struct earlier {
	char *path; /* NULL: none */
	bool own, whole;
	int64_t start_us;
};

/* mpbatch.JOB, or that and .NUMBER */
static bool
is_own(const struct unnamed *unnamed, const char *name)
{
	size_t len = unnamed->job ? strlen(unnamed->job) : 0;
	const char *rest = name + strlen(head);
	if (!unnamed->job)
		return true;
	if (strncmp(rest, unnamed->job, len) != 0)
		return false;
	rest += len;
	return !*rest || (*rest == '.' && !rest[1 + strspn(rest + 1, "0123456789")]);
}

static bool
is_better(const struct earlier *a, const struct earlier *b)
{
	if (!b->path || a->own != b->own)
		return !b->path || a->own;
	return a->whole != b->whole ? b->whole : a->start_us > b->start_us;
}

static int
consider(const struct unnamed *unnamed, const char *name, struct earlier *best, struct err *err)
{
	struct manifest_last last;
	if (strncmp(name, head, strlen(head)) != 0 || !rundir_is_ours(name, NULL) ||
		!rundir_is(name))
		return 0;
	struct earlier found = {.own = is_own(unnamed, name)};
	if (manifest_read(name, &last, err) < 0)
		return unnamed->job && found.own ? -1 : 0;
	if (last.what != unnamed->what)
		return 0;
	found.whole = rundir_is_whole(name);
	found.start_us = last.start_us;
	if ((!found.own && found.whole) || !is_better(&found, best))
		return 0;
	found.path = xstrdup(name);
	free(best->path);
	*best = found;
	return 0;
}

int
unnamed_find(const struct unnamed *unnamed, char **path, struct err *err)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	struct earlier best = {.path = NULL};
	int got = 0;
	while (got == 0 && dir && (entry = readdir(dir)))
		got = consider(unnamed, entry->d_name, &best, err);
	if (dir)
		closedir(dir);
	if (got < 0)
		free(best.path);
	*path = got == 0 ? best.path : NULL;
	return got;
}

/* What is in PATH may have been made just now, and say only soon what it is. */
static bool
is_same(const struct unnamed *unnamed, const char *path)
{
	struct manifest_last last;
	struct stat status;
	for (int i = 0; i < MAKING_S * 100; i++) {
		if (manifest_read(path, &last, NULL) == 0)
			return last.what == unnamed->what;
		if (stat(path, &status) < 0 || status.st_ctime + MAKING_S < time(NULL))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = CLOCK_NS_PER_S / 100}, NULL);
	}
	return false;
}

char *
unnamed_make(const struct unnamed *unnamed, bool shared, struct err *err)
{
	for (unsigned number = 1;; number++) {
		char *path = !unnamed->job ? xasprintf("%s%u", head, number)
			     : number > 1  ? xasprintf("%s%s.%u", head, unnamed->job, number)
					   : xasprintf("%s%s", head, unnamed->job);
		if (mkdir(path, 0777) == 0 && durable_name(path) == 0)
			return path;
		int error = errno;
		if (error == EEXIST && shared && is_same(unnamed, path))
			return path;
		if (error != EEXIST)
			err_set_errno(err, RUNDIR_CANNOT_MAKE, path);
		free(path);
		if (error != EEXIST)
			return NULL;
	}
}
