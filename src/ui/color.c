/* Colours, as SGR codes of ECMA-48. */
#include "ui/color.h"

#include "base/buf.h"
#include "ui/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const codes[] = {
	[COLOR_OFF] = "\033[0m",
	[COLOR_RED] = "\033[31m",
	[COLOR_GREEN] = "\033[32m",
	[COLOR_YELLOW] = "\033[33m",
};

static bool on;

void
color_init(enum color_when when)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set, and not empty */
	bool wanted = text_can_redraw(STDERR_FILENO) && !(no_color && *no_color);
	on = when == COLOR_ALWAYS || (when == COLOR_AUTO && wanted);
}

void
color_append(struct buf *buf, enum color color)
{
	if (on)
		buf_append_string(buf, codes[color]);
}

size_t
color_length(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		size_t code = strlen(codes[i]);
		if (code <= len && memcmp(text, codes[i], code) == 0)
			return code;
	}
	return 0;
}
