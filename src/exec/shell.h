/* How a shell is given a command. */
#ifndef EXEC_SHELL_H
#define EXEC_SHELL_H

#include "tasks/result.h"

/* What the name of SHELL, "PATH OPTION...", says. */
enum result_via shell_via(const char *shell);

/* The words of SHELL with "-c LINE", or with the path SCRIPT where that is not NULL; *FILE is what
 * to exec. A new block, for free(), with what is of SHELL in it. */
char **shell_argv(const char *shell, const char *line, const char *script, const char **file);

#endif
