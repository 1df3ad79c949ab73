/* What run.json and status.json share, over jansson. */
#ifndef RUN_JSON_H
#define RUN_JSON_H

#include <jansson.h>

struct err;

/* A string as JSON; bytes that are no UTF-8 become '?'. */
json_t *json_text(const char *text);

/* Reads the object in PATH, a file of a run directory; the caller's reference. NULL with ERR. */
json_t *json_read(const char *path, struct err *err);

/* Puts LEN bytes of TEXT in place of PATH: a temporary file beside it, synced, renamed. */
int json_replace(const char *path, const char *text, size_t len, struct err *err);

#endif
