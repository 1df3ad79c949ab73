/* Looking at a path before a file is made of it. */
#include "base/pathname.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* $NAME, ${NAME} and $(COMMAND); a $ before anything else is one for a shell, too. */
static bool
has_expansion(const char *text)
{
	for (; (text = strchr(text, '$')); text++)
		if (isalpha((unsigned char)text[1]) || strchr("_{(", text[1] ? text[1] : ' '))
			return true;
	return false;
}

const char *
pathname_misread(const char *text)
{
	if (!*text)
		return "a path";
	if (strcmp(text, "-") == 0)
		return "a path (./- is a file of that name)";
	if (strcmp(text, "none") == 0)
		return "a path (--output none drops outputs; ./none is a file of that name)";
	if (has_expansion(text))
		return "a path without $, which no shell fills in here: expected {NAME} or {#} in "
		       "an option's template, or double quotes for a variable of your shell";
	return NULL;
}
