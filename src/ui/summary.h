/* The closing summary of a run. */
#ifndef UI_SUMMARY_H
#define UI_SUMMARY_H

#include "tasks/result.h"
#include "ui/usage.h"

#include <stdint.h>

struct buf;
struct groups;

struct summary {
	uint64_t ended;			    /* in this session */
	uint64_t by_reason[RESULT_REASONS]; /* of them */
	uint64_t tasks;			    /* of the list, 0: not known */
	uint64_t done_before;		    /* of them, in earlier sessions */
	uint64_t left_out;		    /* by --resume=failed or =new */
	uint64_t strays; /* tasks that succeeded and left processes, which were ended */
	int exit_code;
	const char *why_none; /* if there are no tasks; NULL: the list is empty */
	double seconds;
	int slots, hosts;
	int shares[USAGE_PARTS]; /* tenths of a percent */
	struct groups *groups;
	const char *journal; /* NULL: none */
};

/* Appends it, as whole lines. */
void summary_print(struct buf *buf, const struct summary *summary);

#endif
