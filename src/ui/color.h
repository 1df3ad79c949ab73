/*
 * Colours on standard error: codes in the text of progress and summary, which take no column. None
 * before color_init(), so that the subcommands have none.
 */
#ifndef UI_COLOR_H
#define UI_COLOR_H

#include <stddef.h>

struct buf;

enum color_when {
	COLOR_AUTO, /* on a terminal, unless TERM is "dumb" or NO_COLOR is set */
	COLOR_ALWAYS,
	COLOR_NEVER,
};

enum color { COLOR_OFF, COLOR_RED, COLOR_GREEN, COLOR_YELLOW };

void color_init(enum color_when when);

/* Appends the code that begins COLOR, or, COLOR_OFF, ends it; nothing where there are no colours.
 */
void color_append(struct buf *buf, enum color color);

/* How long the code is that TEXT begins with; 0: none. */
size_t color_length(const char *text, size_t len);

#endif
