/* Marks of scripts, of other programs' lists, and of misspelt directives. */
#include "tasks/foreign.h"

#include "base/err.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 40 };

/* A line as it is looked at, from its first byte that is no blank. */
struct look {
	const char *path, *name;
	unsigned long long number;
	const char *line, *at;
	size_t len; /* from AT */
	struct err *err;
};

/* First words of lines that batch systems and other runners of task lists read. */
static const struct {
	const char *mark, *what;
	bool script;
} marks[] = {
	{"#SBATCH", "a batch script of SLURM", true},
	{"#PBS", "a batch script of PBS", true},
	{"#BSUB", "a batch script of LSF", true},
	{"#HQ", "a batch script of HyperQueue", true},
	{"#Launcher", "a batch script for Launcher", true},
	{"#DSQ", "a batch script of dSQ", true},
	{"#DISBATCH",
		"a list of disBatch: expected #MPBATCH prefix=, suffix= or barrier in its place",
		false},
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* WHAT the line is, and how to run it. */
static int
refuse(const struct look *look, const char *what, bool script)
{
	char shown[SHOWN_MAX + 1];
	bool piped = strcmp(look->path, "-") == 0;
	const char *slash = strchr(look->path, '/') ? "" : "./";
	size_t column = (size_t)(look->at - look->line) + 1;
	size_t len = look->len < SHOWN_MAX ? look->len : SHOWN_MAX;
	while (len && is_blank(look->at[len - 1]))
		len--;
	snprintf(shown, sizeof(shown), "%.*s", (int)len, look->at);
	if (!script)
		return err_set(look->err,
			"%.100s:%llu:%zu: '%s': %s (--list %.100s takes it as it is)", look->name,
			look->number, column, shown, what, look->path);
	return err_set(look->err,
		"%.100s:%llu:%zu: '%s': this is %s, each line of which would be a task: expected "
		"mpbatch [--array 1-100] -- %s%.60s to run the script as an array, or mpbatch "
		"--list "
		"%.60s if it is a task list",
		look->name, look->number, column, shown, what, slash, piped ? "SCRIPT" : look->path,
		look->path);
}

static bool
has_word(const struct look *look, const char *word)
{
	size_t len = strlen(word);
	return look->len >= len && memcmp(look->at, word, len) == 0 &&
	       (look->len == len || is_blank(look->at[len]));
}

/* GREASY's "[# 3 #]" or "[#1-2#]" before a command: what it depends on. */
static bool
is_of_greasy(const struct look *look)
{
	return look->len > 2 && memcmp(look->at, "[#", 2) == 0 &&
	       memmem(look->at + 2, look->len - 2, "#]", 2);
}

/* --- misspelt directives --- */

/* One letter too many, too few, another one, or two swapped; whatever their case. */
static bool
is_near(const char *word, size_t len, const char *meant)
{
	size_t other = strlen(meant), same = 0, end = 0;
	while (same < len && same < other && tolower((unsigned char)word[same]) == meant[same])
		same++;
	while (end < len - same && end < other - same &&
		tolower((unsigned char)word[len - 1 - end]) == meant[other - 1 - end])
		end++;
	len -= same + end;
	other -= same + end;
	bool swapped = len == 2 && other == 2 &&
		       tolower((unsigned char)word[same]) == meant[same + 1] &&
		       tolower((unsigned char)word[same + 1]) == meant[same];
	return (len <= 1 && other <= 1) || swapped;
}

/* Does what stands behind the word begin as what stands behind "#MPBATCH"? */
static bool
is_like_settings(const char *at, size_t len)
{
	static const char *const words[] = {"timeout=", "cwd=", "stdin=", "stdout=", "stderr=",
		"prefix=", "suffix=", "shell=", "env:", "-env:", "reset", "barrier"};
	while (len && (is_blank(*at) || *at == ':')) {
		at++;
		len--;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t word = strlen(words[i]);
		if (len >= word && strncasecmp(at, words[i], word) == 0)
			return true;
	}
	return false;
}

/* "#mpbatch", "# MPBATCH", "#MBATCH ...", "#MPBATCHtimeout=5"; but not "# mpbatch runs this". */
static bool
is_misspelt(const struct look *look)
{
	static const char mark[] = "#MPBATCH", meant[] = "mpbatch";
	size_t at = 1, word = 0, n = sizeof(meant) - 1;
	if (has_word(look, mark))
		return false;
	while (at < look->len && is_blank(look->at[at]))
		at++;
	const char *start = look->at + at;
	size_t left = look->len - at;
	while (word < left && isalpha((unsigned char)start[word]))
		word++;
	bool whole = word && is_near(start, word, meant);
	bool begins = word >= n && strncasecmp(start, meant, n) == 0;
	if (!whole && !begins)
		return false;
	size_t behind = whole ? word : n;
	return at == 1 || strncmp(start, "MPBATCH", n) == 0 ||
	       is_like_settings(start + behind, left - behind);
}

int
foreign_check(const char *path, const char *name, uint64_t number, const char *line, size_t len,
	struct err *err)
{
	struct look look = {path, name, number, line, line, len, err};
	while (look.len && is_blank(*look.at)) {
		look.at++;
		look.len--;
	}
	if (!look.len || (*look.at != '#' && *look.at != '['))
		return 0;
	if (number == 1 && look.at == line && len > 1 && line[1] == '!')
		return refuse(&look, "a script", true);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (has_word(&look, marks[i].mark))
			return refuse(&look, marks[i].what, marks[i].script);
	if (is_of_greasy(&look))
		return refuse(&look,
			"a list of GREASY: expected the command alone, and #MPBATCH barrier where "
			"what follows depends on what is above",
			false);
	if (*look.at == '#' && is_misspelt(&look))
		return err_set(err,
			"%.200s:%llu:%zu: '%.*s': a comment that looks like a directive: expected "
			"'#MPBATCH', or '##' for a comment",
			name, look.number, (size_t)(look.at - line) + 1,
			look.len < SHOWN_MAX ? (int)look.len : SHOWN_MAX, look.at);
	return 0;
}
