/* Paths that people give for something that they mean in another program. */
#ifndef BASE_PATHNAME_H
#define BASE_PATHNAME_H

/* Returns what was expected instead of TEXT: "" and "-" (a stream), "none", a shell's $NAME. NULL
 * if it is a path like others. */
const char *pathname_misread(const char *text);

#endif
