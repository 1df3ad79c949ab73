/* What is said at the end. */
#include "ui/summary.h"

#include "base/buf.h"
#include "ui/color.h"
#include "ui/groups.h"
#include "ui/outcomes.h"
#include "ui/text.h"

/* Shorter runs are mostly start and end: what became of their slots says nothing. */
static const double shares_from_s = 10;

static void
print_earlier(struct buf *buf, const struct summary *summary)
{
	if (summary->done_before)
		buf_printf(buf, "; %llu succeeded in earlier sessions",
			(unsigned long long)summary->done_before);
	if (summary->left_out)
		buf_printf(buf, "; %llu not asked for", (unsigned long long)summary->left_out);
}

static void
print_counts(struct buf *buf, const struct summary *summary)
{
	buf_printf(buf, "%llu task%s: ", (unsigned long long)summary->ended,
		summary->ended == 1 ? "" : "s");
	outcomes_print(buf, summary->by_reason);
	print_earlier(buf, summary);
}

/* Nothing was left to do. */
static void
print_nothing_to_run(struct buf *buf, const struct summary *summary)
{
	uint64_t done = summary->done_before, all = done + summary->left_out;
	buf_append_string(buf, "nothing to run: ");
	if (!all)
		buf_append_string(
			buf, summary->why_none ? summary->why_none : "the task list is empty");
	else if (!done)
		buf_append_string(buf, "no task is asked for");
	else if (all == 1)
		buf_append_string(buf, "the task succeeded in an earlier session");
	else if (done == all)
		buf_printf(buf, "all %llu tasks succeeded in earlier sessions",
			(unsigned long long)all);
	else
		buf_printf(buf,
			"%llu of %llu tasks succeeded in earlier sessions, the other%s not asked "
			"for",
			(unsigned long long)done, (unsigned long long)all,
			summary->left_out == 1 ? " is" : "s are");
}

/* The verdict, in its colour. */
static void
print_ended(struct buf *buf, const struct summary *summary)
{
	uint64_t known = summary->done_before + summary->left_out;
	int code = summary->exit_code;
	buf_append_string(buf, "mpbatch: ");
	color_append(buf, code == 0 ? COLOR_GREEN : code == 3 ? COLOR_YELLOW : COLOR_RED);
	if (summary->ended) {
		print_counts(buf, summary);
	} else if (code == 0 || (summary->tasks && summary->tasks == known)) {
		print_nothing_to_run(buf, summary);
	} else {
		buf_append_string(buf, "no task has ended");
		print_earlier(buf, summary);
	}
	color_append(buf, COLOR_OFF);
	buf_append_string(buf, "\n");
}

static void
print_share(struct buf *buf, const char *name, int share, const char *after)
{
	buf_printf(buf, "%s%d.%d %%%s", name, share / 10, share % 10, after);
}

static void
print_time(struct buf *buf, const struct summary *summary)
{
	const int *shares = summary->shares;
	char room[TEXT_MAX];
	buf_printf(buf, "mpbatch: %s on %d slot%s of %d host%s",
		text_duration(summary->seconds, room), summary->slots,
		summary->slots == 1 ? "" : "s", summary->hosts, summary->hosts == 1 ? "" : "s");
	if (summary->seconds >= shares_from_s) {
		print_share(buf, ", which ran tasks ", shares[USAGE_RUNNING], " of that time");
		print_share(buf, " (start-up ", shares[USAGE_START], "");
		print_share(buf, ", waiting for work ", shares[USAGE_WAITING], "");
		print_share(buf, ", idle at the end ", shares[USAGE_TAIL], ")");
	}
	buf_append_string(buf, "\n");
}

/* Of all the list, as status counts: also what --resume=failed or =new has left out. */
static void
print_remaining(struct buf *buf, const struct summary *summary)
{
	uint64_t succeeded = summary->by_reason[RESULT_OK] + summary->done_before;
	uint64_t remain = summary->tasks > succeeded ? summary->tasks - succeeded : 0;
	if (remain)
		buf_printf(buf, "mpbatch: work remains: %llu of %llu task%s ha%s not succeeded\n",
			(unsigned long long)remain, (unsigned long long)summary->tasks,
			summary->tasks == 1 ? "" : "s", remain == 1 ? "s" : "ve");
	else if (summary->exit_code == 3)
		buf_append_string(buf, "mpbatch: work remains\n");
}

void
summary_print(struct buf *buf, const struct summary *summary)
{
	print_ended(buf, summary);
	if (summary->strays)
		buf_printf(buf,
			"mpbatch: %llu task%s that succeeded left processes behind, which were "
			"ended (--stray keep lets them go on)\n",
			(unsigned long long)summary->strays, summary->strays == 1 ? "" : "s");
	if (summary->ended)
		print_time(buf, summary);
	if (summary->exit_code >= 3)
		print_remaining(buf, summary);
	if (!groups_count(summary->groups))
		return;
	buf_printf(buf, "mpbatch: the failed tasks%s%s:\n",
		summary->journal ? ", all of them in " : "",
		summary->journal ? summary->journal : "");
	groups_print(summary->groups, "tasks", buf);
}
