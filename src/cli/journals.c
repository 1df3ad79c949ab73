/* Journals, one after the other. */
#include "cli/journals.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "run/rundir.h"
#include "tasks/quote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct journals {
	char *dir;
	int *sessions;
	size_t count, next;
	struct reader *reader; /* of the session before NEXT; NULL: none is open */
	uint64_t damaged;      /* in those that are through */
	uint64_t damaged_last; /* in the last of these */
	char where[64];
};

/* False with errno. */
static bool
is_directory(const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(status.st_mode);
}

/* DIR if it can be read, else NULL; frees it then. */
static char *
if_readable(char *dir, struct err *err)
{
	if (access(dir, R_OK | X_OK) == 0)
		return dir;
	err_set_errno(err, "%.300s", dir);
	free(dir);
	return NULL;
}

char *
journals_dir(const char *run, struct err *err)
{
	size_t len = strlen(run);
	while (len > 1 && run[len - 1] == '/')
		len--;
	char *dir = xstrdup(run);
	dir[len] = '\0';
	if (is_directory(dir) || errno == EACCES)
		return if_readable(dir, err);
	char *beside = xasprintf("%s.mpbatch", dir);
	free(dir);
	struct err whose;
	if (is_directory(beside) && !rundir_is_ours(beside, &whose))
		log_info("%s", whose.text);
	if (is_directory(beside) || errno == EACCES)
		return if_readable(beside, err);
	free(beside);
	err_set(err, "'%.200s': expected a run directory, or a list that has a LIST.mpbatch", run);
	errno = ENOENT;
	return NULL;
}

void
journals_resume_command(struct buf *buf, const char *dir)
{
	buf_append_string(buf, *dir == '-' ? "mpbatch resume ./" : "mpbatch resume ");
	quote_word(buf, dir, strlen(dir));
}

struct journals *
journals_open(const char *dir, int session, struct err *err)
{
	struct journals *journals = xcalloc(1, sizeof(*journals));
	size_t kept = 0;
	journals->dir = xstrdup(dir);
	journals->sessions = reader_sessions(dir, &journals->count);
	for (size_t i = 0; i < journals->count; i++)
		if (!session || journals->sessions[i] == session)
			journals->sessions[kept++] = journals->sessions[i];
	journals->count = kept;
	if (kept)
		return journals;
	if (session)
		err_set(err, "%.300s has no journal of session %d", dir, session);
	else
		err_set(err, "%.300s is no run directory: it has no journal", dir);
	journals_free(journals);
	return NULL;
}

void
journals_free(struct journals *journals)
{
	if (!journals)
		return;
	reader_free(journals->reader);
	free(journals->sessions);
	free(journals->dir);
	free(journals);
}

static int
open_next(struct journals *journals, struct err *err)
{
	char *path =
		xasprintf("%s/journal.%d.tsv", journals->dir, journals->sessions[journals->next++]);
	journals->reader = reader_open(path, err);
	free(path);
	return journals->reader ? 0 : -1;
}

static void
close_reader(struct journals *journals)
{
	uint64_t line, damaged = reader_damaged(journals->reader, &line);
	if (damaged && !journals->damaged)
		snprintf(journals->where, sizeof(journals->where), "journal.%d.tsv line %llu",
			journals->sessions[journals->next - 1], (unsigned long long)line);
	journals->damaged += damaged;
	journals->damaged_last = damaged;
	reader_free(journals->reader);
	journals->reader = NULL;
}

int
journals_next(struct journals *journals, struct reader_record *record, struct err *err)
{
	for (;;) {
		if (!journals->reader && journals->next == journals->count)
			return 0;
		if (!journals->reader && open_next(journals, err) < 0)
			return -1;
		int got = reader_next(journals->reader, record, err);
		if (got != 0)
			return got;
		close_reader(journals);
	}
}

void
journals_warn(const struct journals *journals)
{
	if (journals->damaged == 1)
		log_warning("%s is damaged, and was passed over", journals->where);
	else if (journals->damaged)
		log_warning("%llu damaged lines of journals were passed over, the first is %s",
			(unsigned long long)journals->damaged, journals->where);
}

bool
journals_end_damaged(const struct journals *journals)
{
	return journals->damaged_last;
}

size_t
journals_count(const struct journals *journals)
{
	return journals->count;
}
