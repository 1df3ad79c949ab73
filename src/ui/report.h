/* The report of a run: it observes, and shows progress while the run goes on, a summary at its end.
 */
#ifndef UI_REPORT_H
#define UI_REPORT_H

#include "ui/color.h"
#include "ui/progress.h"

#include <stdbool.h>
#include <stdint.h>

struct observer;

struct report_options {
	bool quiet; /* neither progress nor summary */
	bool keep_strays;
	enum color_when color;
	enum progress_bar bar;
	int interval_s;	     /* of plain progress lines; 0: none, -1: the default */
	int64_t start_ns;    /* when mpbatch was started */
	const char *journal; /* its path, for the summary; NULL: none */
};

/* The observer to give to the master; freed by report_free(). */
struct observer *report_new(const struct report_options *options);

/* How the run ended. */
struct report_end {
	int exit_code;
	const char *why_none; /* if it has no tasks; NULL: the list is empty */
	uint64_t tasks;	      /* of the list; 0: not known */
	uint64_t done_before; /* of them, succeeded in earlier sessions */
	int64_t now_ns;
	const char *hint; /* a last line; NULL: none */
};

/* Wipes the progress line and prints the summary on standard error. */
void report_print(struct observer *report, const struct report_end *end);
void report_free(struct observer *report);

#endif
