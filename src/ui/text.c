/* Numbers as people read them, and on what. */
#include "ui/text.h"

#include "base/buf.h"
#include "ui/color.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 40 };

const char *
text_duration(double seconds, char room[TEXT_MAX])
{
	if (seconds < 0 || seconds > 1e9) {
		snprintf(room, TEXT_MAX, "?");
		return room;
	}
	unsigned whole = (unsigned)(seconds + 0.5);
	unsigned minutes = whole / 60, hours = whole / 3600;
	if (seconds < 0.9995e-3)
		snprintf(room, TEXT_MAX, "%.0f us", seconds * 1e6);
	else if (seconds < 0.9995)
		snprintf(room, TEXT_MAX, "%.3g ms", seconds * 1e3);
	else if (seconds < 9.995)
		snprintf(room, TEXT_MAX, "%.2f s", seconds);
	else if (seconds < 59.95)
		snprintf(room, TEXT_MAX, "%.1f s", seconds);
	else if (whole < 3600)
		snprintf(room, TEXT_MAX, "%um%02us", minutes, whole % 60);
	else if (hours < 24)
		snprintf(room, TEXT_MAX, "%uh%02um", hours, minutes % 60);
	else
		snprintf(room, TEXT_MAX, "%ud%02uh", hours / 24, hours % 24);
	return room;
}

/* VALUE in the largest of the units, each STEP times the one before, in which it is at least 1 as
 * it is written: 999,999 is 1M, not 1000k. */
static const char *
scaled(double value, double step, const char *const *units, int count, char *room)
{
	int i = 0;
	while (i < count - 1 && value >= step - 0.5) {
		value /= step;
		i++;
	}
	int digits = !i || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
	snprintf(room, TEXT_MAX, "%.*f%s", digits, value, units[i]);
	return room;
}

const char *
text_bytes(uint64_t bytes, char room[TEXT_MAX])
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
	return scaled((double)bytes, 1024, units, 6, room);
}

const char *
text_count(uint64_t count, char room[TEXT_MAX])
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	if (count < 10000) {
		snprintf(room, TEXT_MAX, "%u", (unsigned)count);
		return room;
	}
	return scaled((double)count, 1000, units, 5, room);
}

const char *
text_rate(double per_s, char room[TEXT_MAX])
{
	double per_min = per_s * 60, per_h = per_s * 3600;
	double value = per_s >= 0.1 ? per_s : per_min >= 0.1 ? per_min : per_h;
	const char *unit = per_s >= 0.1 ? "s" : per_min >= 0.1 ? "min" : "h";
	snprintf(room, TEXT_MAX, value < 9.95 ? "%.2g/%s" : "%.0f/%s", value, unit);
	return room;
}

const char *
text_percent(uint64_t done, uint64_t all, bool tenths, char room[TEXT_MAX])
{
	unsigned parts = (unsigned)(done < all ? done * 1000 / all : 1000);
	if (tenths)
		snprintf(room, TEXT_MAX, "%u.%u %%", parts / 10, parts % 10);
	else
		snprintf(room, TEXT_MAX, "%u %%", parts / 10);
	return room;
}

const char *
text_task(uint64_t index, const char *element, size_t len, char room[TEXT_TASK_MAX])
{
	bool has = len && len <= 20;
	snprintf(room, TEXT_TASK_MAX, has ? "element %.*s (task %llu)" : "%.*stask %llu",
		has ? (int)len : 0, has ? element : "", (unsigned long long)index);
	return room;
}

bool
text_can_redraw(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

int
text_width(int fd)
{
	struct winsize size;
	if (!isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col ? WIDTH_DEFAULT : size.ws_col;
}

static int
columns_of(const char *text, size_t len)
{
	int columns = 0;
	for (size_t i = 0, code; i < len; i += code ? code : 1) {
		code = color_length(text + i, len - i);
		columns += !code && ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return columns;
}

/* The end of the word at FROM. A number stays with its "%". */
static size_t
word_end(const char *text, size_t from, size_t len)
{
	size_t end = from;
	while (end < len && (text[end] != ' ' || (end + 1 < len && text[end + 1] == '%')))
		end++;
	return end;
}

void
text_wrap(struct buf *buf, const char *text, size_t len, int indent, int width)
{
	int column = 0;
	for (size_t at = 0; at < len;) {
		size_t end = word_end(text, at, len);
		int columns = columns_of(text + at, end - at);
		bool fits = width < WIDTH_LEAST || column + 1 + columns <= width;
		if (at && fits) {
			buf_append_string(buf, " ");
			column++;
		} else if (at) {
			buf_printf(buf, "\n%*s", indent, "");
			column = indent;
		}
		buf_append(buf, text + at, end - at);
		column += columns;
		at = end + 1;
	}
}
