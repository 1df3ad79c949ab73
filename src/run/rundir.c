/* The run directory. */
#include "run/rundir.h"

#include "base/err.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is at a path. */
enum place {
	PLACE_FREE,
	PLACE_EMPTY, /* an empty directory */
	PLACE_RUN,   /* a run directory: it has a journal */
	PLACE_OTHER,
};

static char *
join(const char *path, const char *suffix)
{
	size_t room = strlen(path) + strlen(suffix) + 1;
	char *joined = xmalloc(room);
	snprintf(joined, room, "%s%s", path, suffix);
	return joined;
}

char *
rundir_path(const char *list, const char *run_dir)
{
	struct stat status;
	if (run_dir) {
		char *path = xstrdup(run_dir);
		for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
			path[len - 1] = '\0';
		return path;
	}
	if (strcmp(list, "-") == 0 || (stat(list, &status) == 0 && !S_ISREG(status.st_mode)))
		return NULL;
	return join(list, ".mpbatch");
}

static enum place
look(const char *path)
{
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? PLACE_FREE : PLACE_OTHER;
	enum place found = PLACE_EMPTY;
	struct dirent *entry;
	while (found != PLACE_RUN && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		found = fnmatch("journal.*.tsv", entry->d_name, 0) == 0 ? PLACE_RUN : PLACE_OTHER;
	}
	closedir(dir);
	return found;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* Moves PATH to OLD, in place of what an earlier --restart has left there, and of nothing else. */
static int
move_aside(const char *path, const char *old, struct err *err)
{
	enum place there = look(old);
	if (there == PLACE_OTHER)
		return err_set(err, "%s is no run directory: move it away, then --restart", old);
	if (there == PLACE_RUN && nftw(old, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		return err_set_errno(err, "cannot remove %s", old);
	if (rename(path, old) < 0)
		return err_set_errno(err, "cannot move %s to %s", path, old);
	return 0;
}

int
rundir_create(const char *path, bool restart, struct err *err)
{
	enum place there = look(path);
	if (there == PLACE_EMPTY)
		return 0;
	if (there == PLACE_OTHER)
		return err_set(
			err, "%s is in the way: --run-dir names another run directory", path);
	if (there == PLACE_RUN && !restart)
		return err_set(err,
			"%s holds an earlier run: --restart moves it to %s.old and runs all tasks "
			"anew, --run-dir names another place",
			path, path);
	if (there == PLACE_RUN) {
		char *old = join(path, ".old");
		int moved = move_aside(path, old, err);
		free(old);
		if (moved < 0)
			return -1;
	}
	if (mkdir(path, 0777) < 0)
		return err_set_errno(err,
			"cannot make the run directory %s (--run-dir names another place)", path);
	return 0;
}
