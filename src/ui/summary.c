/* What is said at the end. */
#include "ui/summary.h"

#include "base/buf.h"
#include "ui/groups.h"

static void
print_counts(struct buf *buf, const struct summary *summary)
{
	const uint64_t *by_reason = summary->by_reason;
	uint64_t failed = groups_count(summary->groups);
	buf_printf(buf, "mpbatch: %llu task%s: %llu succeeded", (unsigned long long)summary->ended,
		summary->ended == 1 ? "" : "s", (unsigned long long)by_reason[RESULT_OK]);
	if (failed)
		buf_printf(buf, ", %llu failed (", (unsigned long long)failed);
	const char *comma = "";
	for (int i = 0; i < RESULT_REASONS; i++) {
		if (i == RESULT_OK || i == RESULT_CANCELLED || !by_reason[i])
			continue;
		buf_printf(buf, "%s%llu %s", comma, (unsigned long long)by_reason[i],
			result_reason_names[i]);
		comma = ", ";
	}
	if (failed)
		buf_append_string(buf, ")");
	if (by_reason[RESULT_CANCELLED])
		buf_printf(
			buf, ", %llu cancelled", (unsigned long long)by_reason[RESULT_CANCELLED]);
	if (summary->done_before)
		buf_printf(buf, "; %llu done before", (unsigned long long)summary->done_before);
	if (summary->left_out)
		buf_printf(buf, "; %llu left out", (unsigned long long)summary->left_out);
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
	buf_printf(buf, "mpbatch: %.2f s wall time, ", summary->seconds);
	print_share(buf, "", shares[USAGE_RUNNING], " of slot time ran tasks");
	print_share(buf, " (start-up ", shares[USAGE_START], "");
	print_share(buf, ", waiting for work ", shares[USAGE_WAITING], "");
	print_share(buf, ", tail ", shares[USAGE_TAIL], "), ");
	buf_printf(buf, "%d slot%s on %d host%s\n", summary->slots, summary->slots == 1 ? "" : "s",
		summary->hosts, summary->hosts == 1 ? "" : "s");
}

/* Of all the list, as status counts: also what --resume=failed or =new has left out. */
static void
print_remaining(struct buf *buf, const struct summary *summary)
{
	uint64_t succeeded = summary->by_reason[RESULT_OK] + summary->done_before;
	if (summary->tasks > succeeded)
		buf_printf(buf, "mpbatch: work remains: %llu of %llu task%s ha%s not succeeded\n",
			(unsigned long long)(summary->tasks - succeeded),
			(unsigned long long)summary->tasks, summary->tasks == 1 ? "" : "s",
			summary->tasks == 1 ? "s" : "ve");
	else
		buf_append_string(buf, "mpbatch: work remains\n");
}

void
summary_print(struct buf *buf, const struct summary *summary)
{
	if (summary->exit_code == 0 && !summary->ended && !summary->done_before)
		buf_append_string(buf, "mpbatch: the task list is empty: nothing to run\n");
	else
		print_counts(buf, summary);
	if (summary->strays)
		buf_printf(buf,
			"mpbatch: %llu task%s that succeeded left processes behind, which were "
			"ended (--stray keep lets them go on)\n",
			(unsigned long long)summary->strays, summary->strays == 1 ? "" : "s");
	if (summary->ended)
		print_time(buf, summary);
	if (summary->exit_code == 3)
		print_remaining(buf, summary);
	if (!groups_count(summary->groups))
		return;
	buf_printf(buf, "mpbatch: the failed tasks%s%s:\n",
		summary->journal ? ", all of them in " : "",
		summary->journal ? summary->journal : "");
	groups_print(summary->groups, "tasks", buf);
}
