/* The progress line. */
#include "ui/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/streams.h"
#include "ui/color.h"
#include "ui/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS (100 * CLOCK_NS_PER_MS)
enum { WIDTH_DEFAULT = 80, INTERVAL_DEFAULT_S = 60, BAR_MIN = 10, BAR_MAX = 40, PART_MAX = 96 };

struct progress {
	bool drawn;	     /* the line in place, else plain lines */
	int64_t interval_ns; /* of plain ones; 0: none */
	int64_t shown_ns;
	uint64_t shown;
};

/* What stands on the terminal, for progress_wipe(), which log.c calls without an argument. */
static struct {
	bool there;
	int width; /* of the terminal when it was drawn */
} line;

/* --- the text --- */

/* In the order in which they are shown; the least important has the highest rank. */
enum part { PART_COUNT, PART_PERCENT, PART_FAILED, PART_RATE, PART_BUSY, PART_LEFT, PARTS };
static const int part_ranks[PARTS] = {
	[PART_COUNT] = 0,
	[PART_FAILED] = 1,
	[PART_PERCENT] = 2,
	[PART_LEFT] = 3,
	[PART_RATE] = 4,
	[PART_BUSY] = 5,
};

/* An estimate that the run has reached was too low. */
static const char *
percent_of(const struct progress_view *view, char room[TEXT_MAX])
{
	uint64_t least = view->about ? view->ended + 1 : view->ended;
	return text_percent(view->ended, view->total > least ? view->total : least, false, room);
}

static void
make_count(char text[PART_MAX], const struct progress_view *view, const char *words)
{
	char room[TEXT_MAX];
	int len = snprintf(text, PART_MAX, "%llu", (unsigned long long)view->ended);
	if (view->total && view->about)
		len += snprintf(
			text + len, PART_MAX - (size_t)len, "/~%s", text_count(view->total, room));
	else if (view->total)
		len += snprintf(text + len, PART_MAX - (size_t)len, "/%llu",
			(unsigned long long)view->total);
	snprintf(text + len, PART_MAX - (size_t)len, "%s", words);
}

static void
make_parts(char parts[PARTS][PART_MAX], const struct progress_view *view)
{
	char room[TEXT_MAX];
	memset(parts, 0, PARTS * PART_MAX);
	make_count(parts[PART_COUNT], view, " tasks ended");
	if (view->total)
		snprintf(parts[PART_PERCENT], PART_MAX, " (%s)", percent_of(view, room));
	if (view->failed)
		snprintf(parts[PART_FAILED], PART_MAX, "%llu failed",
			(unsigned long long)view->failed);
	if (view->rate > 0)
		snprintf(parts[PART_RATE], PART_MAX, "%s", text_rate(view->rate, room));
	snprintf(parts[PART_BUSY], PART_MAX, "%d of %d slots busy", view->busy, view->slots);
	if (view->eta_s >= 0)
		snprintf(parts[PART_LEFT], PART_MAX, "%s left", text_duration(view->eta_s, room));
}

/* What stands before PART, the first of a line or not. */
static const char *
comma_before(const char *part, bool first)
{
	return first || *part == ' ' ? "" : ", ";
}

static int
width_of(char parts[PARTS][PART_MAX])
{
	int width = 0;
	for (int i = 0; i < PARTS; i++)
		if (*parts[i])
			width += (int)(strlen(comma_before(parts[i], !width)) + strlen(parts[i]));
	return width;
}

static void
append_parts(struct buf *buf, char parts[PARTS][PART_MAX], bool colors)
{
	bool first = true;
	for (int i = 0; i < PARTS; i++) {
		if (!*parts[i])
			continue;
		buf_append_string(buf, comma_before(parts[i], first));
		if (colors && i == PART_FAILED)
			color_append(buf, COLOR_RED);
		buf_append_string(buf, parts[i]);
		if (colors && i == PART_FAILED)
			color_append(buf, COLOR_OFF);
		first = false;
	}
}

static void
append_bar(struct buf *buf, const struct progress_view *view, int room)
{
	int cells = (room < BAR_MAX ? room : BAR_MAX) - 3; /* brackets and a blank */
	if (!view->total || cells + 3 < BAR_MIN)
		return;
	double share = (double)view->ended / (double)view->total;
	int full = share < 1 ? (int)(share * cells) : cells;
	buf_append_string(buf, "[");
	color_append(buf, COLOR_GREEN);
	for (int i = 0; i < full; i++)
		buf_append_string(buf, "#");
	color_append(buf, COLOR_OFF);
	for (int i = full; i < cells; i++)
		buf_append_string(buf, ".");
	buf_append_string(buf, "] ");
}

void
progress_line(struct buf *buf, const struct progress_view *view, int width)
{
	char parts[PARTS][PART_MAX];
	make_parts(parts, view);
	for (int rank = PARTS - 1; rank > 0 && width_of(parts) > width; rank--)
		for (int i = 0; i < PARTS; i++)
			if (part_ranks[i] == rank)
				*parts[i] = '\0';
	if (width_of(parts) > width)
		make_count(parts[PART_COUNT], view, "");
	if (width_of(parts) > width)
		return;
	append_bar(buf, view, width - width_of(parts));
	append_parts(buf, parts, true);
}

void
progress_plain(struct buf *buf, const struct progress_view *view)
{
	char parts[PARTS][PART_MAX];
	make_parts(parts, view);
	append_parts(buf, parts, false); /* a message has no control characters */
}

/* --- the terminal --- */

static int
terminal_width(void)
{
	int width = text_width(STDERR_FILENO);
	return width ? width : WIDTH_DEFAULT;
}

static bool
in_background(void)
{
	pid_t foreground = tcgetpgrp(STDERR_FILENO);
	return foreground > 0 && foreground != getpgrp();
}

void
progress_wipe(void)
{
	if (!line.there)
		return;
	line.there = false;
	/* A line that was broken anew goes on below; else nothing below is ours. */
	const char *wipe = terminal_width() < line.width ? "\r\033[J" : "\r\033[K";
	if (!in_background())
		log_text(wipe, 4);
}

static void
draw(const struct progress_view *view)
{
	struct buf buf = {0};
	int width = terminal_width();
	if (in_background()) {
		line.there = false; /* the shell has written behind it */
		return;
	}
	if (!log_flush()) /* a later one says more */
		return;
	/* A terminal can be narrower than it says yet: then the line is cut, not broken. */
	buf_append_string(
		&buf, line.there && width < line.width ? "\r\033[J\033[?7l" : "\r\033[?7l");
	progress_line(&buf, view, width - 1);
	buf_append_string(&buf, "\033[?7h\033[K\r");
	log_text(buf.data, buf.len);
	buf_clear(&buf);
	line.there = true;
	line.width = width;
}

struct progress *
progress_new(const struct progress_options *options)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));
	bool terminal = text_can_redraw(STDERR_FILENO);
	int interval_s = options->interval_s;
	bool asked = options->bar == PROGRESS_ALWAYS, lines = streams_is_one(STDERR_FILENO);
	if (interval_s < 0)
		interval_s = terminal ? 0 : lines && asked ? 1 : INTERVAL_DEFAULT_S;
	progress->drawn = !lines && (asked || (options->bar == PROGRESS_AUTO && terminal));
	progress->interval_ns = interval_s * CLOCK_NS_PER_S;
	progress->shown_ns = options->start_ns;
	progress->shown = UINT64_MAX;
	log_before_line(progress_wipe);
	return progress;
}

void
progress_free(struct progress *progress)
{
	if (!progress)
		return;
	progress_wipe();
	log_before_line(NULL);
	free(progress);
}

/* --- when --- */

bool
progress_wants(const struct progress *progress, uint64_t changed, int64_t now_ns)
{
	if (progress->drawn && changed != progress->shown)
		return now_ns >= progress->shown_ns + REDRAW_NS;
	return now_ns >= progress_due_ns(progress);
}

int64_t
progress_due_ns(const struct progress *progress)
{
	int64_t every_ns = progress->drawn ? CLOCK_NS_PER_S : progress->interval_ns;
	return every_ns ? progress->shown_ns + every_ns : CLOCK_NEVER;
}

void
progress_show(struct progress *progress, const struct progress_view *view, uint64_t changed,
	int64_t now_ns)
{
	progress->shown_ns = now_ns;
	progress->shown = changed;
	if (progress->drawn) {
		draw(view);
		return;
	}
	struct buf buf = {0};
	progress_plain(&buf, view);
	buf_append(&buf, "", 1);
	log_info("%s", buf.data);
	buf_clear(&buf);
}
