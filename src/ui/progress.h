/*
 * Progress on standard error: on a terminal one line, redrawn in place; elsewhere a plain line now
 * and then. On a terminal only that line is ever changed. The cursor rests at its beginning, so
 * that a terminal that breaks lines anew when it gets narrower can be cleaned from there. While we
 * are in the background nothing is drawn.
 */
#ifndef UI_PROGRESS_H
#define UI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct progress;

enum progress_bar {
	PROGRESS_AUTO,	 /* the drawn line on a terminal, plain ones elsewhere */
	PROGRESS_ALWAYS, /* the drawn line */
	PROGRESS_NEVER,	 /* plain ones */
};

struct progress_options {
	enum progress_bar bar;
	int interval_s; /* of plain lines; 0: none, -1: the default, none on a terminal */
	int64_t start_ns;
};

/* What is to be shown. */
struct progress_view {
	uint64_t ended;
	uint64_t total; /* 0: not known */
	bool about;	/* it is an estimate */
	uint64_t failed;
	double rate;
	double eta_s; /* negative: not known */
	int busy, slots;
};

/* There is one at a time. */
struct progress *progress_new(const struct progress_options *options);

/* Wipes the line. NULL is fine. */
void progress_free(struct progress *progress);

/* True when it is time for progress_show(): at once after CHANGED, but 10 times a second at most.
 */
bool progress_wants(const struct progress *progress, uint64_t changed, int64_t now_ns);

/* When that will be at the latest; CLOCK_NEVER: nothing is ever shown. */
int64_t progress_due_ns(const struct progress *progress);

/* CHANGED is any number that is another when something has happened. */
void progress_show(struct progress *progress, const struct progress_view *view, uint64_t changed,
	int64_t now_ns);

/* Takes the line away, since something else is about to be written. */
void progress_wipe(void);

/* The text of the drawn line, at most WIDTH columns: what matters least is left out first. */
void progress_line(struct buf *buf, const struct progress_view *view, int width);

/* The text of a plain line. */
void progress_plain(struct buf *buf, const struct progress_view *view);

#endif
