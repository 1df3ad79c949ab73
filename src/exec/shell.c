/* The words of a shell and of what it is to run. */
#include "exec/shell.h"

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char blanks[] = " \t";

enum result_via
shell_via(const char *shell)
{
	size_t len = strcspn(shell, blanks);
	const char *slash = memrchr(shell, '/', len);
	const char *name = slash ? slash + 1 : shell;
	len -= (size_t)(name - shell);
	if (len == 2 && memcmp(name, "sh", len) == 0)
		return RESULT_VIA_SH;
	return len == 4 && memcmp(name, "bash", len) == 0 ? RESULT_VIA_BASH : RESULT_VIA_SHELL;
}

char **
shell_argv(const char *shell, const char *line, const char *script, const char **file)
{
	size_t len = strlen(shell), room = len / 2 + 6, count = 0;
	char **argv = xmalloc(room * sizeof(*argv) + len + 1);
	char *text = memcpy(argv + room, shell, len + 1), *rest;
	for (char *word = strtok_r(text, blanks, &rest); word; word = strtok_r(NULL, blanks, &rest))
		argv[count++] = word;
	*file = argv[0];
	char *slash = strrchr(argv[0], '/');
	argv[0] = slash ? slash + 1 : argv[0];
	if (!script)
		argv[count++] = (char *)(uintptr_t) "-c";
	if (!script && (*line == '-' || *line == '+')) /* it would be an option */
		argv[count++] = (char *)(uintptr_t) "--";
	argv[count++] = (char *)(uintptr_t)(script ? script : line);
	argv[count] = NULL;
	return argv;
}
