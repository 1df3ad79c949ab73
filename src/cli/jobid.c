/* Words with SLURM_JOB_ID in them that look like a file's name. */
#include "cli/jobid.h"

#include "tasks/quote.h"

#include <stdbool.h>
#include <string.h>

static bool
has(const char *word, size_t len, const char *part)
{
	return memmem(word, len, part, strlen(part));
}

/* How long the variable is that TEXT begins with; 0: it does not. */
static size_t
variable_length(const char *text, size_t len)
{
	static const char bare[] = "$SLURM_JOB_ID", braced[] = "${SLURM_JOB_ID}";
	const size_t bare_len = sizeof(bare) - 1, braced_len = sizeof(braced) - 1;
	if (len >= braced_len && memcmp(text, braced, braced_len) == 0)
		return braced_len;
	bool begins = len >= bare_len && memcmp(text, bare, bare_len) == 0;
	return begins && (len == bare_len || !quote_is_name_byte(text[bare_len])) ? bare_len : 0;
}

static bool
joins(char c)
{
	return c && strchr("/._-", c);
}

/* "out.$SLURM_JOB_ID", "${SLURM_JOB_ID}_log", "/scratch/$SLURM_JOB_ID"; and mktemp's XXX makes
 * names that differ. */
static bool
is_name(const char *word, size_t len)
{
	if (has(word, len, "SLURM_ARRAY_TASK_ID") || has(word, len, "XXX"))
		return false;
	for (size_t i = 0, variable; i < len; i++) {
		variable = variable_length(word + i, len - i);
		if (!variable)
			continue;
		size_t before = i, behind = i + variable;
		before -= before && word[before - 1] == '"';
		behind += behind < len && word[behind] == '"';
		if ((before && joins(word[before - 1])) ||
			(behind + 1 < len && joins(word[behind]) && word[behind + 1] != '"'))
			return true;
	}
	return false;
}

size_t
jobid_next(const char *line, size_t len, size_t *at)
{
	static const char ends[] = " \t\r\n;&|<>()`";
	size_t from = *at;
	if (from == 0 && line[strspn(line, " \t")] == '#')
		return 0;
	while (from < len) {
		size_t end = from;
		while (end < len && !strchr(ends, line[end]))
			end++;
		if (is_name(line + from, end - from)) {
			*at = from;
			return end - from;
		}
		from = end + 1;
	}
	return 0;
}
