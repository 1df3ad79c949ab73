/*
 * Any bytes as a command: what is found lies in it and is not empty. What stands in single quotes,
 * behind what must not matter, is never found.
 */
#include "base/buf.h"
#include "tasks/bashism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static char *exported[] = {"BASH_FUNC_f%%=() { x; }", "RANDOM=1", NULL};

static bool
find(const char *text, size_t len)
{
	static const char env[] = "UID=1\0SECONDS=2";
	struct bashism_known known = {exported, env, sizeof(env)};
	/* A copy of just that size, so that a byte behind it is none. */
	char *copy = malloc(len + 1);
	must(copy);
	memcpy(copy + 1, text, len);
	size_t found_len;
	const char *found = bashism_find(copy + 1, len, &known, &found_len);
	must(!found ||
		(found > copy && found_len && found_len <= (size_t)(copy + 1 + len - found)));
	free(copy);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf quoted = {0};
	find((const char *)data, size);
	buf_append_string(&quoted, "x '");
	for (size_t i = 0; i < size; i++)
		buf_append(&quoted, data[i] == '\'' ? (const void *)"\"" : &data[i], 1);
	buf_append_string(&quoted, "'");
	must(!find(quoted.data, quoted.len));
	buf_clear(&quoted);
	return 0;
}
