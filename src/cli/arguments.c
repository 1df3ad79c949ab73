/* Taking options from the command line. */
#include "cli/arguments.h"

#include "base/err.h"
#include "cli/nearest.h"
#include "cli/option_rows.h"
#include "cli/options.h"
#include "cli/others.h"

#include <stdio.h>
#include <string.h>

#define SEE_HELP " (see mpbatch --help)"

/* --- unknown ones --- */

/* The names that begin with WORD's; returns how many they are. */
static int
find_beginnings(const char *word, size_t len, char *names, size_t room)
{
	int count = 0;
	size_t used = 0;
	for (int i = 0; len && i < option_rows_count; i++) {
		if (strncmp(option_rows[i].name, word, len) != 0)
			continue;
		if (used < room)
			used += (size_t)snprintf(names + used, room - used, "%s--%s",
				count ? ", " : "", option_rows[i].name);
		count++;
	}
	return count;
}

/* WORD is "--NAME" or "--NAME=VALUE". */
static int
refuse_name(const char *word, struct err *err)
{
	char names[256];
	size_t len = strcspn(word + 2, "=");
	const char *advice = others_advice(word + 2, len);
	if (advice)
		return err_set(err, "unknown option %.100s: %s", word, advice);
	int count = find_beginnings(word + 2, len, names, sizeof(names));
	if (count)
		return err_set(err, "unknown option %.100s: expected %s%s, written out" SEE_HELP,
			word, count > 1 ? "one of " : "", names);
	struct nearest nearest = nearest_to(word + 2, len);
	for (int i = 0; i < option_rows_count; i++)
		nearest_try(&nearest, option_rows[i].name);
	return err_set(err, "unknown option %.100s%s%s" SEE_HELP, word,
		nearest.found ? ": expected --" : "", nearest.found ? nearest.found : "");
}

static int
refuse_letter(const char *word, char letter, struct err *err)
{
	const char *advice = others_advice(&letter, 1);
	bool within = word[1] != letter;
	return err_set(err, "unknown option -%c%s%.100s%s%s", letter, within ? " in " : "",
		within ? word : "", advice ? ": " : SEE_HELP, advice ? advice : "");
}

/* --- values --- */

/* "--resume failed" for "--resume=failed"; CHOICES is "failed|new". */
static bool
is_choice(const char *word, const char *choices)
{
	size_t len = strlen(word);
	for (const char *at = choices; *at; at += strcspn(at, "|"), at += *at == '|')
		if (strcspn(at, "|") == len && memcmp(at, word, len) == 0)
			return true;
	return false;
}

/* What stands behind a value that may be lacking, or behind a switch. */
static int
look_behind(struct arguments *arguments, const struct option_row *row, struct err *err)
{
	if (arguments->at == arguments->argc)
		return 0;
	const char *word = arguments->argv[arguments->at];
	if (row->filler && strcmp(word, row->filler) == 0)
		arguments->at++;
	if (row->may_lack_argument && is_choice(word, row->argument))
		return err_set(err,
			"option --%s: expected --%s=%s, in one word (./%s is a list of that name)",
			row->name, row->name, word, word);
	return 0;
}

/* The next word as a value that is needed. */
static const char *
next_word(struct arguments *arguments, const struct option_row *row, const char *word,
	struct err *err)
{
	const char *next = arguments->at < arguments->argc ? arguments->argv[arguments->at] : NULL;
	if (!next) {
		err_set(err, "option %.100s needs a value, %s" SEE_HELP, word, row->argument);
		return NULL;
	}
	if (strncmp(next, "--", 2) == 0 && option_row_named(next + 2, strcspn(next + 2, "="))) {
		err_set(err, "option %.100s needs a value, %s: expected it before %.100s", word,
			row->argument, next);
		return NULL;
	}
	arguments->at++;
	return next;
}

/* --- taking --- */

static int
set(struct options *options, const struct option_row *row, const char *value, struct err *err)
{
	const char *expected = row->set(options, value);
	options->from[row - option_rows] = FROM_ARGUMENT;
	return expected ? err_set(err, "option --%s: '%.100s' is not %s", row->name,
				  value ? value : "", expected)
			: 0;
}

static int
take_name(struct arguments *arguments, struct options *options, struct err *err)
{
	const char *word = arguments->argv[arguments->at++];
	size_t len = strcspn(word + 2, "=");
	const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
	const struct option_row *row = option_row_named(word + 2, len);
	if (!row)
		return refuse_name(word, err);
	bool filled = row->filler && value && strcmp(value, row->filler) == 0;
	if (value && !row->argument && !filled)
		return err_set(err,
			"option --%s takes no value: expected nothing behind it, not '=%.100s'",
			row->name, value);
	if (!value && row->argument && !row->may_lack_argument) {
		value = next_word(arguments, row, word, err);
		if (!value)
			return -1;
	} else if (!value && look_behind(arguments, row, err) < 0) {
		return -1;
	}
	return set(options, row, filled ? NULL : value, err);
}

static int
take_letters(struct arguments *arguments, struct options *options, struct err *err)
{
	const char *word = arguments->argv[arguments->at++];
	const struct option_row *named = option_row_named(word + 1, strcspn(word + 1, "="));
	if (named)
		return err_set(err, "unknown option %.100s: expected --%s", word, named->name);
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_row *row = option_row_lettered(*letter);
		if (!row)
			return refuse_letter(word, *letter, err);
		const char *value = row->argument && letter[1] ? letter + 1 : NULL;
		if (row->argument && !value && !row->may_lack_argument)
			value = next_word(arguments, row, word, err);
		if (row->argument && !value && !row->may_lack_argument)
			return -1;
		if (set(options, row, value, err) < 0)
			return -1;
		if (value)
			break;
	}
	return 0;
}

int
arguments_take(struct arguments *arguments, struct options *options, struct err *err)
{
	while (arguments->at < arguments->argc && !arguments->dashes) {
		const char *word = arguments->argv[arguments->at];
		if (word[0] != '-' || !word[1])
			return 0;
		arguments->dashes = strcmp(word, "--") == 0;
		arguments->at += arguments->dashes;
		if (arguments->dashes)
			return 0;
		int got = word[1] == '-' ? take_name(arguments, options, err)
					 : take_letters(arguments, options, err);
		if (got < 0)
			return -1;
	}
	return 0;
}
