/* The names of a process's own streams. */
#include "base/ownfd.h"

#include <stddef.h>
#include <string.h>

/* What follows in PATH after the component NAME, NULL if PATH begins with another. */
static const char *
after(const char *path, const char *name)
{
	while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	size_t len = strcspn(path, "/");
	return len == strlen(name) && memcmp(path, name, len) == 0 ? path + len : NULL;
}

bool
ownfd_named(const char *path)
{
	static const char *const names[][2] = {{"dev", "stdin"}, {"dev", "stdout"},
		{"dev", "stderr"}, {"dev", "tty"}, {"dev", "fd"}, {"proc", "self"},
		{"proc", "thread-self"}};
	if (path[0] != '/')
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *rest = after(path, names[i][0]);
		if (rest && after(rest, names[i][1]))
			return true;
	}
	return false;
}
