/* Finding and making them. */
#include "run/unnamed.h"

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

static void
consider(const struct unnamed *unnamed, const char *name, struct earlier *best)
{
	struct manifest_last last;
	if (strncmp(name, head, strlen(head)) != 0 || !rundir_is_ours(name, NULL) ||
		manifest_read(name, &last, NULL) < 0 || last.what != unnamed->what ||
		!rundir_is(name))
		return;
	struct earlier found = {.own = is_own(unnamed, name),
		.whole = rundir_is_whole(name),
		.start_us = last.start_us};
	if ((!found.own && found.whole) || !is_better(&found, best))
		return;
	found.path = xstrdup(name);
	free(best->path);
	*best = found;
}

char *
unnamed_find(const struct unnamed *unnamed)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	struct earlier best = {.path = NULL};
	while (dir && (entry = readdir(dir)))
		consider(unnamed, entry->d_name, &best);
	if (dir)
		closedir(dir);
	return best.path;
}

char *
unnamed_make(const struct unnamed *unnamed, struct err *err)
{
	for (unsigned number = 1;; number++) {
		char *path = !unnamed->job ? xasprintf("%s%u", head, number)
			     : number > 1  ? xasprintf("%s%s.%u", head, unnamed->job, number)
					   : xasprintf("%s%s", head, unnamed->job);
		if (mkdir(path, 0777) == 0 && durable_name(path) == 0)
			return path;
		int error = errno;
		if (error != EEXIST)
			err_set_errno(err, RUNDIR_CANNOT_MAKE, path);
		free(path);
		if (error != EEXIST)
			return NULL;
	}
}
