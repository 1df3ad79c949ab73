/*
 * What rank 0 opens before a run and closes after it: where the tasks come from, the run directory
 * with its lock, what earlier sessions have done, the journal, and where outputs go.
 */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "cli/options.h"
#include "master/ledger.h"
#include "tasks/result.h"
#include "tasks/source.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct journal;
struct lock;
struct options;
struct order;
struct resume;
struct status;

struct plan {
	const struct options *options;
	struct source_options source_options;
	struct source *source;
	enum output_mode output;
	char *directory; /* where mpbatch was started */
	bool keeps;	 /* a run directory */
	uint64_t what;	 /* keep_what() */
	char *run_dir;	 /* absolute; NULL: none is kept */
	struct lock *lock;
	struct resume *resume; /* NULL: nothing was done before */
	uint64_t moved;	       /* tasks that were done at another place, as far as that is known */
	bool gone_is_said;     /* what of that the list has not any more, before anything runs */
	int session;	       /* of the run directory, from 1 */
	char *journal_path;
	struct journal *journal;
	struct journal *joblog;
	struct ledger ledger;
	struct order *order; /* the master takes it over */
	int output_fd;	     /* where tasks' standard output goes */
	int64_t start_us;
};

/* How mpbatch was started. */
struct plan_start {
	struct command_line line;
	int ranks;
	bool launched;	 /* by a launcher */
	const char *job; /* the batch job's number, fit for a file's name; NULL: it is in none */
};

/* Opens all of it. Returns 0, or -1 with ERR; then nothing is left behind. */
int plan_open(struct plan *plan, const struct options *options, const struct plan_start *start,
	struct err *err);

/* The source alone, for --dry-run, --count and --check. */
int plan_open_source(struct plan *plan, const struct options *options, struct err *err);

/* The next task of the source; waits for it. */
enum next plan_next(struct source *source, struct task **task, struct err *err);

/* -1 with ERR once the file of --output-file is not found at its path any more. */
int plan_check_output(const struct plan *plan, struct err *err);

/* The run has ended as CODE says: closes journal and output, and writes what stays in the run
 * directory (status.json, failed.txt, remaining.txt). Returns the exit code, 4 if something could
 * not be written. */
int plan_finish(struct plan *plan, int code, struct status *status);

void plan_clear(struct plan *plan);

#endif
