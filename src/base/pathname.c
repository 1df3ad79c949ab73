/* Looking at paths before they are used. */
#include "base/pathname.h"

#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool
pathname_is_program(const char *file)
{
	struct stat status;
	return stat(file, &status) == 0 && S_ISREG(status.st_mode) && access(file, X_OK) == 0;
}

char *
pathname_search(const char *word, const char *path)
{
	while (path && *path == '/') {
		size_t dir = strcspn(path, ":");
		size_t room = dir + strlen(word) + 2;
		char *file = xmalloc(room);
		snprintf(file, room, "%.*s/%s", (int)dir, path, word);
		if (pathname_is_program(file))
			return file;
		free(file);
		path = path[dir] ? path + dir + 1 : NULL;
	}
	return NULL;
}
