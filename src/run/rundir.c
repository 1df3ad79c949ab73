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

char *
rundir_path(const char *list, const char *run_dir)
{
	if (run_dir)
		return xstrdup(run_dir);
	if (strcmp(list, "-") == 0)
		return NULL;
	size_t room = strlen(list) + sizeof(".mpbatch");
	char *path = xmalloc(room);
	snprintf(path, room, "%s.mpbatch", list);
	return path;
}

/* How it looks: -1 not there, 0 something else (ENTRIES: not even empty), 1 a run directory. */
static int
look(const char *path, bool *entries)
{
	DIR *dir = opendir(path);
	*entries = false;
	if (!dir)
		return errno == ENOENT ? -1 : 0;
	int found = 0;
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		*entries = true;
		if (fnmatch("journal.*.tsv", entry->d_name, 0) == 0)
			found = 1;
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

/* Moves PATH to PATH.old, in place of what an earlier --restart has left there, and nothing else. */
static int
move_aside(const char *path, struct err *err)
{
	size_t room = strlen(path) + sizeof(".old");
	char *old = xmalloc(room);
	bool entries;
	snprintf(old, room, "%s.old", path);
	int result = 0, is_run = look(old, &entries);
	if (is_run == 0 && entries)
		result = err_set(err, "%s is no run directory: move it away, then --restart", old);
	else if (is_run >= 0 && nftw(old, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		result = err_set_errno(err, "cannot remove %s", old);
	else if (rename(path, old) < 0)
		result = err_set_errno(err, "cannot move %s to %s", path, old);
	free(old);
	return result;
}

int
rundir_create(const char *path, bool restart, struct err *err)
{
	bool entries;
	int is_run = look(path, &entries);
	if (is_run == 1 && !restart)
		return err_set(err,
			"%s holds an earlier run: --restart moves it to %s.old and runs all tasks anew, --run-dir names another place",
			path, path);
	if (is_run == 0 && entries)
		return err_set(err, "%s is there and no run directory: --run-dir names another place", path);
	if (is_run == 1 && move_aside(path, err) < 0)
		return -1;
	if (mkdir(path, 0777) == 0 || (is_run == 0 && errno == EEXIST))
		return 0;
	return err_set_errno(err, "cannot make the run directory %s (--run-dir names another place)", path);
}
