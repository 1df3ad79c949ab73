/* The run directory. */
#include "run/rundir.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "run/durable.h"
#include "run/lock.h"
#include "run/reader.h"
#include "run/resume.h"
#include "run/status.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is at a path. */
enum place {
	PLACE_FREE,
	PLACE_EMPTY,  /* a directory with nothing in it but what a run that never began leaves */
	PLACE_RUN,    /* a run directory: it has a journal */
	PLACE_CLOSED, /* what cannot be looked into */
	PLACE_OTHER,
};

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
	if (!list || strcmp(list, "-") == 0 ||
		(stat(list, &status) == 0 && !S_ISREG(status.st_mode)))
		return NULL;
	return xasprintf("%s.mpbatch", list);
}

/* What a run that was killed before it had a journal may leave; temporary files too. */
static bool
is_before_journal(const char *name)
{
	static const char *const names[] = {".", "..", "run.json", "run.json.new", "lock"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "lock.", 5) == 0;
}

static enum place
look(const char *path)
{
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? PLACE_FREE : errno == EACCES ? PLACE_CLOSED : PLACE_OTHER;
	enum place found = PLACE_EMPTY;
	struct dirent *entry;
	while (found == PLACE_EMPTY && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (is_before_journal(name))
			continue;
		found = PLACE_OTHER;
		break;
	}
	closedir(dir);
	return found == PLACE_OTHER && rundir_is(path) ? PLACE_RUN : found;
}

bool
rundir_is(const char *path)
{
	size_t count;
	free(reader_sessions(path, &count));
	return count;
}

/* --- an earlier run --- */

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* Moves PATH to OLD, in place of an earlier run that was moved there, and of nothing else. */
static int
move_aside(const char *path, const char *old, struct err *err)
{
	enum place there = look(old);
	if (there == PLACE_OTHER || there == PLACE_CLOSED)
		return err_set(err, "%s is no run directory: move it away first", old);
	if (there != PLACE_FREE && nftw(old, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		return err_set_errno(err, "cannot remove %s", old);
	if (rename(path, old) < 0)
		return err_set_errno(err, "cannot move %s to %s", path, old);
	return 0;
}

bool
rundir_is_whole(const char *path)
{
	struct status status;
	if (status_read(path, &status, NULL) < 0)
		return false;
	bool fine = status.state == STATUS_FINISHED && status.exit_code == 0;
	status_clear(&status);
	return fine;
}

static int
refuse(const char *path, struct err *err)
{
	struct status status = {0};
	struct resume *resume = resume_load(path, err);
	if (!resume)
		return err_wrap(err,
			"%s holds an earlier run that cannot be read (--restart runs all anew)",
			path);
	struct resume_counts counts = resume_counts(resume);
	resume_free(resume);
	char total[32] = "";
	if (status_read(path, &status, NULL) == 0 && status.tasks)
		snprintf(total, sizeof(total), " of %llu", (unsigned long long)status.tasks);
	status_clear(&status);
	return err_set(err,
		"%s holds a run that is not whole: %llu%s tasks succeeded, %llu failed: --resume "
		"runs the rest, --restart runs all anew, --run-dir names another place",
		path, (unsigned long long)counts.succeeded, total,
		(unsigned long long)counts.failed);
}

/* --- whose it is --- */

static void
say_whose(struct err *err, const char *path, const char *what, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);
	if (user)
		err_set(err, "%s %s user %s", path, what, user->pw_name);
	else
		err_set(err, "%s %s user %lu", path, what, (unsigned long)uid);
}

bool
rundir_is_ours(const char *path, struct err *why)
{
	struct stat status;
	if (lstat(path, &status) < 0)
		return true;
	bool link = S_ISLNK(status.st_mode);
	if (link || status.st_uid != geteuid())
		say_whose(why, path, link ? "is a symbolic link of" : "belongs to", status.st_uid);
	return !link && status.st_uid == geteuid();
}

/* What others have put in the place of our own is not believed. */
static int
check_whose(const struct rundir_options *options, struct err *err)
{
	struct stat status;
	struct err text;
	const char *path = options->path;
	if (!options->named && !rundir_is_ours(path, &text))
		return err_set(err,
			"%s: expected a run directory of one's own; --run-dir names another "
			"place, or this one if it is meant",
			text.text);
	if (!options->named || stat(path, &status) < 0 || status.st_uid == geteuid())
		return 0;
	say_whose(&text, path, "belongs to", status.st_uid);
	options->say(text.text);
	return 0;
}

static int
make(const char *path, struct err *err)
{
	if ((mkdir(path, 0777) == 0 || errno == EEXIST) && durable_name(path) == 0)
		return 0;
	return err_set_errno(err, RUNDIR_CANNOT_MAKE, path);
}

/* Its lock is ours: away with it, and a new one in its place. */
static struct lock *
replace(struct lock *lock, const char *path, struct err *err)
{
	char *old = xasprintf("%s.old", path);
	struct lock *new = NULL;
	if (move_aside(path, old, err) == 0) {
		lock_moved(lock, old);
		if (make(path, err) == 0)
			new = lock_take(path, NULL, err);
	}
	lock_release(lock);
	free(old);
	return new;
}

struct lock *
rundir_open(const struct rundir_options *options, struct err *err)
{
	const char *path = options->path;
	if (check_whose(options, err) < 0)
		return NULL;
	enum place there = look(path);
	if (there == PLACE_CLOSED) {
		err_set_errno(
			err, "cannot read the run directory %s (--run-dir names another)", path);
		return NULL;
	}
	if (there == PLACE_OTHER) {
		err_set(err, "%s is in the way: --run-dir names another run directory", path);
		return NULL;
	}
	if (there == PLACE_FREE && (make(path, err) < 0 || check_whose(options, err) < 0))
		return NULL;
	enum lock_state state = lock_look(path);
	bool busy = state != LOCK_FREE && state != LOCK_DEAD;
	struct lock *lock = lock_take(path, options->say, err);
	if (!lock || !rundir_is(path) || options->how == RUNDIR_RESUME)
		return lock;
	bool successful = rundir_is_whole(path);
	if (options->how == RUNDIR_RESTART || (successful && !busy))
		return replace(lock, path, err);
	if (successful) /* who starts a run twice wants it once */
		err_set(err,
			"%s: a run that was under way has succeeded just now: nothing is left to "
			"do",
			path);
	else
		refuse(path, err);
	lock_release(lock);
	return NULL;
}

void
rundir_discard(const char *path)
{
	if (rundir_is(path))
		return;
	char *manifest = xasprintf("%s/run.json", path);
	unlink(manifest);
	free(manifest);
	rmdir(path);
}
