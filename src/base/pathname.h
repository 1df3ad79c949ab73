/* Paths: of programs, and those that people give for something that they mean in another program.
 */
#ifndef BASE_PATHNAME_H
#define BASE_PATHNAME_H

#include <stdbool.h>

/* Returns what was expected instead of TEXT: "" and "-" (a stream), "none", a shell's $NAME. NULL
 * if it is a path like others. */
const char *pathname_misread(const char *text);

/* A file that can be executed? */
bool pathname_is_program(const char *file);

/* The program that a shell would find for WORD in PATH ("/bin:/usr/bin"), as a new string. NULL:
 * there is none before PATH's first entry that is not absolute. */
char *pathname_search(const char *word, const char *path);

#endif
