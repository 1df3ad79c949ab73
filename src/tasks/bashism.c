/*
 * One pass over a command, by recursive descent. What it does not follow (patterns of "case" as
 * such, lines behind a here-document's first) it takes for nothing of bash's.
 */
#include "tasks/bashism.h"

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 100 };

struct scan {
	const char *text, *end;
	const char *at;	   /* END once something is found */
	const char *found; /* NULL: nothing yet */
	size_t found_len;
	unsigned depth;
	bool backquoted; /* the next ` ends what we are in */
	bool document;	 /* a here-document follows this line */
	const struct bashism_known *known;
};

/* Where a list of commands has come to. */
struct place {
	bool first;		/* a command's name may stand here */
	bool target;		/* of a redirection */
	unsigned cases;		/* open: a ) ends their patterns */
	const struct name *row; /* of the command whose arguments follow; NULL: any */
};

/* The first words of commands that mean something. */
static const struct name {
	const char *word;
	enum { BASH, BEFORE, FOR, CASE, ESAC, ARGUMENTS } kind; /* BEFORE: another command's name */
	const char *options;   /* letters that only bash takes as such */
	const char *arguments; /* that only bash takes, with blanks around each */
} names[] = {
	{"!", BEFORE, NULL, NULL},
	{"[", ARGUMENTS, NULL, " == "},
	{"[[", BASH, NULL, NULL},
	{"builtin", BASH, NULL, NULL},
	{"case", CASE, NULL, NULL},
	{"coproc", BASH, NULL, NULL},
	{"declare", BASH, NULL, NULL},
	{"disown", BASH, NULL, NULL},
	{"do", BEFORE, NULL, NULL},
	{"echo", ARGUMENTS, "eE", NULL},
	{"elif", BEFORE, NULL, NULL},
	{"else", BEFORE, NULL, NULL},
	{"esac", ESAC, NULL, NULL},
	{"export", ARGUMENTS, "f", NULL},
	{"for", FOR, NULL, NULL},
	{"function", BASH, NULL, NULL},
	{"if", BEFORE, NULL, NULL},
	{"let", BASH, NULL, NULL},
	{"local", BASH, NULL, NULL},
	{"mapfile", BASH, NULL, NULL},
	{"ml", BASH, NULL, NULL},
	{"module", BASH, NULL, NULL},
	{"popd", BASH, NULL, NULL},
	{"printf", ARGUMENTS, "v", NULL},
	{"pushd", BASH, NULL, NULL},
	{"read", ARGUMENTS, "adeiNnstu", NULL},
	{"readarray", BASH, NULL, NULL},
	{"select", BASH, NULL, NULL},
	{"set", ARGUMENTS, NULL, " pipefail "},
	{"shopt", BASH, NULL, NULL},
	{"source", BASH, NULL, NULL},
	{"test", ARGUMENTS, NULL, " == "},
	{"then", BEFORE, NULL, NULL},
	{"time", BEFORE, NULL, NULL},
	{"trap", ARGUMENTS, NULL, " ERR DEBUG RETURN "},
	{"typeset", BASH, NULL, NULL},
	{"until", BEFORE, NULL, NULL},
	{"wait", ARGUMENTS, "n", NULL},
	{"while", BEFORE, NULL, NULL},
	{"{", BEFORE, NULL, NULL},
};

static void scan_list(struct scan *scan, char close);
static void scan_dollar(struct scan *scan, bool quoted);

static void
find(struct scan *scan, const char *at, size_t len)
{
	if (!scan->found) {
		scan->found = at;
		scan->found_len = len;
	}
	scan->at = scan->end;
}

static char
peek(const struct scan *scan, size_t n)
{
	return n < (size_t)(scan->end - scan->at) ? scan->at[n] : '\0';
}

static void
skip(struct scan *scan, size_t n)
{
	size_t left = (size_t)(scan->end - scan->at);
	scan->at += n < left ? n : left;
}

static bool
is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_byte(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

static size_t
name_length(const char *at, const char *end)
{
	const char *start = at;
	if (at < end && is_digit(*at))
		return 0;
	while (at < end && is_name_byte(*at))
		at++;
	return (size_t)(at - start);
}

/* --- variables --- */

/* Those that bash sets and no other shell does; empty there, without a word. */
static bool
is_of_bash(const char *name, size_t len)
{
	static const char *const variables[] = {"EPOCHREALTIME", "EPOCHSECONDS", "EUID", "HOSTNAME",
		"HOSTTYPE", "MACHTYPE", "OSTYPE", "PIPESTATUS", "RANDOM", "SECONDS", "SRANDOM",
		"UID"};
	if (len >= 4 && memcmp(name, "BASH", 4) == 0)
		return true;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (strlen(variables[i]) == len && memcmp(variables[i], name, len) == 0)
			return true;
	return false;
}

static bool
names_variable(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/* By whoever runs us, by the task's own variables, or by the command itself, further up. */
static bool
is_set(const struct scan *scan, const char *name, size_t len)
{
	const struct bashism_known *known = scan->known;
	for (char *const *entry = known->exported; entry && *entry; entry++)
		if (names_variable(*entry, name, len))
			return true;
	for (const char *at = known->env; at < known->env + known->env_len; at += strlen(at) + 1)
		if (names_variable(at, name, len))
			return true;
	const char *at = scan->text;
	for (; (at = memmem(at, (size_t)(name - at), name, len)); at++) {
		char before = at > scan->text ? at[-1] : ' ';
		if (!is_name_byte(before) && !is_one_of(before, "${") && !is_name_byte(at[len]))
			return true;
	}
	return false;
}

static void
check_variable(struct scan *scan, const char *name, size_t len)
{
	if (len && *name >= 'A' && *name <= 'Z' && is_of_bash(name, len) &&
		!is_set(scan, name, len))
		find(scan, name, len);
}

/* --- quotes and expansions --- */

static void
skip_single(struct scan *scan)
{
	skip(scan, 1);
	const char *close = memchr(scan->at, '\'', (size_t)(scan->end - scan->at));
	scan->at = close ? close + 1 : scan->end;
}

static void
scan_backquotes(struct scan *scan)
{
	bool outer = scan->backquoted;
	skip(scan, 1);
	scan->backquoted = true;
	scan_list(scan, '`');
	scan->backquoted = outer;
}

static void
scan_quoted(struct scan *scan)
{
	skip(scan, 1);
	while (scan->at < scan->end && *scan->at != '"') {
		if (*scan->at == '\\')
			skip(scan, 2);
		else if (*scan->at == '$')
			scan_dollar(scan, true);
		else if (*scan->at == '`')
			scan_backquotes(scan);
		else
			scan->at++;
	}
	skip(scan, 1);
}

/* One byte of a ${ } or $(( )), or what it begins. */
static void
scan_inner(struct scan *scan, bool quoted)
{
	char c = *scan->at;
	if (c == '\\')
		skip(scan, 2);
	else if (c == '$')
		scan_dollar(scan, quoted);
	else if (c == '`')
		scan_backquotes(scan);
	else if (c == '"')
		scan_quoted(scan);
	else if (c == '\'' && !quoted)
		skip_single(scan);
	else
		scan->at++;
}

static void
scan_arithmetic(struct scan *scan)
{
	unsigned open = 2;
	skip(scan, 3);
	while (scan->at < scan->end && open) {
		char c = *scan->at;
		open += c == '(';
		open -= c == ')';
		size_t len = name_length(scan->at, scan->end);
		check_variable(scan, scan->at, len);
		if (is_one_of(c, "*+-") && peek(scan, 1) == c)
			find(scan, scan->at, 2);
		else if (len)
			skip(scan, len);
		else
			scan_inner(scan, true);
	}
}

/* ${...}: a name, and what is done to its value. */
static void
scan_expansion(struct scan *scan, bool quoted)
{
	const char *start = scan->at;
	skip(scan, 2);
	if (peek(scan, 0) == '!' && is_name_byte(peek(scan, 1)))
		find(scan, start, 3);
	if (peek(scan, 0) == '#' && (is_name_byte(peek(scan, 1)) || is_one_of(peek(scan, 1), "@*")))
		skip(scan, 1);
	size_t len = name_length(scan->at, scan->end);
	if (len)
		check_variable(scan, scan->at, len);
	else if (is_digit(peek(scan, 0)))
		while (is_digit(peek(scan, len)))
			len++;
	else
		len = is_one_of(peek(scan, 0), "@*#?-$!");
	skip(scan, len);
	char c = peek(scan, 0), next = peek(scan, 1);
	bool cuts = c == ':' && !is_one_of(next, "-=?+");
	if (len && scan->at < scan->end && (is_one_of(c, "/^,@[") || cuts))
		find(scan, start, (size_t)(scan->at - start) + 1);
	while (scan->at < scan->end && *scan->at != '}')
		scan_inner(scan, quoted);
	skip(scan, 1);
}

/* $(...); "$(<file)" is nothing to other shells. */
static void
scan_substitution(struct scan *scan)
{
	bool outer = scan->backquoted;
	skip(scan, 2);
	if (peek(scan, 0) == '<' && !is_one_of(peek(scan, 1), "<(&"))
		find(scan, scan->at - 2, 3);
	scan->backquoted = false;
	scan_list(scan, ')');
	scan->backquoted = outer;
}

static void
scan_dollar(struct scan *scan, bool quoted)
{
	char next = peek(scan, 1);
	size_t len = name_length(scan->at + 1, scan->end);
	if (scan->depth == DEPTH_MAX) {
		scan->at = scan->end;
		return;
	}
	scan->depth++;
	if (len) {
		check_variable(scan, scan->at + 1, len);
		skip(scan, len + 1);
	} else if (is_one_of(next, "'\"[") && !quoted) {
		find(scan, scan->at, 2);
	} else if (next == '(' && peek(scan, 2) == '(') {
		scan_arithmetic(scan);
	} else if (next == '(') {
		scan_substitution(scan);
	} else if (next == '{') {
		scan_expansion(scan, quoted);
	} else {
		skip(scan, is_one_of(next, "$#?!@*-0123456789") ? 2 : 1);
	}
	scan->depth--;
}

/* --- words --- */

/* Behind "{" in a word: {a,b}, {1..3}. */
struct braces {
	unsigned open;
	const char *first;
	bool several;
};

static void
scan_brace(struct scan *scan, struct braces *braces)
{
	const char *at = scan->at++;
	if (*at == '{') {
		if (!braces->open++)
			*braces = (struct braces){.open = 1, .first = at};
	} else if (*at == '}' && braces->open) {
		braces->open--;
		if (braces->several)
			find(scan, braces->first, (size_t)(at + 1 - braces->first));
	} else if (*at == ',' || (*at == '.' && peek(scan, 0) == '.')) {
		braces->several = braces->open > 0;
	}
}

/* Returns the length of the word here. */
static size_t
scan_word(struct scan *scan)
{
	enum { PLAIN, END, BRACE, INNER, BACKQUOTE };
	static const unsigned char kinds[256] = {
		[' '] = END,
		['\t'] = END,
		['\n'] = END,
		[';'] = END,
		['&'] = END,
		['|'] = END,
		['<'] = END,
		['>'] = END,
		['('] = END,
		[')'] = END,
		['{'] = BRACE,
		['}'] = BRACE,
		[','] = BRACE,
		['.'] = BRACE,
		['$'] = INNER,
		['\\'] = INNER,
		['"'] = INNER,
		['\''] = INNER,
		['`'] = BACKQUOTE,
	};
	const char *start = scan->at;
	struct braces braces = {0};
	while (scan->at < scan->end) {
		int kind = kinds[(unsigned char)*scan->at];
		if (kind == END || (kind == BACKQUOTE && scan->backquoted))
			break;
		if (kind == PLAIN)
			scan->at++;
		else if (kind == BRACE)
			scan_brace(scan, &braces);
		else
			scan_inner(scan, false);
	}
	return (size_t)(scan->at - start);
}

/* --- commands --- */

static int
compare_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct name *)row)->word);
}

static const struct name *
find_name(const char *word, size_t len)
{
	char text[16];
	if (len >= sizeof(text) || !((*word >= 'a' && *word <= 't') || is_one_of(*word, "uw![{")))
		return NULL;
	memcpy(text, word, len);
	text[len] = '\0';
	return bsearch(
		text, names, sizeof(names) / sizeof(names[0]), sizeof(names[0]), compare_name);
}

static const char function_prefix[] = "BASH_FUNC_";

static bool
is_function(const struct scan *scan, const char *word, size_t len)
{
	size_t prefix = sizeof(function_prefix) - 1;
	for (char *const *entry = scan->known->exported; entry && *entry; entry++)
		if (strncmp(*entry, function_prefix, prefix) == 0 &&
			strncmp(*entry + prefix, word, len) == 0 &&
			(strncmp(*entry + prefix + len, "%%=", 3) == 0 ||
				strncmp(*entry + prefix + len, "()=", 3) == 0))
			return true;
	return false;
}

/* NAME=, and what only bash takes for an assignment: NAME+=, NAME[0]= */
static bool
take_assignment(struct scan *scan, const char *word, size_t len)
{
	size_t name = name_length(word, word + len);
	if (!name || name == len)
		return false;
	const char *behind = word + name, *end = word + len;
	bool adds = *behind == '+' && behind + 1 < end && behind[1] == '=';
	if (adds || (*behind == '[' && memmem(behind, (size_t)(end - behind), "]=", 2)))
		find(scan, word, len);
	return *behind == '=';
}

static void
take_command(struct scan *scan, struct place *place, const char *word, size_t len)
{
	if (take_assignment(scan, word, len))
		return;
	const struct name *row = find_name(word, len);
	if (row && row->kind == BEFORE)
		return;
	place->first = false;
	place->row = row && row->kind == ARGUMENTS ? row : NULL;
	if ((row && row->kind == BASH) || is_function(scan, word, len)) {
		find(scan, word, len);
	} else if (row && row->kind == FOR) {
		while (is_one_of(peek(scan, 0), " \t"))
			scan->at++;
		if (peek(scan, 0) == '(' && peek(scan, 1) == '(')
			find(scan, scan->at, 2);
	} else if (row && row->kind == CASE) {
		place->cases++;
	} else if (row && row->kind == ESAC && place->cases) {
		place->cases--;
	}
}

static void
take_argument(struct scan *scan, struct place *place, const char *word, size_t len)
{
	const struct name *row = place->row;
	if (row->arguments) {
		const char *listed = memmem(row->arguments, strlen(row->arguments), word, len);
		if (listed > row->arguments && listed[-1] == ' ' && listed[len] == ' ')
			find(scan, word, len);
		return;
	}
	bool option = len > 1 && *word == '-' && word[1] != '-';
	bool echo = *row->word == 'e' && *row->options == 'e';
	for (size_t i = 1; option && echo && i < len; i++)
		option = is_one_of(word[i], "neE");
	for (size_t i = 1; option && i < len; i++)
		if (is_one_of(word[i], row->options))
			find(scan, word, len);
	if (!option)
		place->row = NULL;
}

static void
take_word(struct scan *scan, struct place *place)
{
	const char *word = scan->at;
	size_t len = scan_word(scan);
	if (place->target)
		place->target = false;
	else if (place->first && !(is_one_of(peek(scan, 0), "<>") && is_digit(*word)))
		take_command(scan, place, word, len);
	else if (place->row)
		take_argument(scan, place, word, len);
}

static void
take_redirection(struct scan *scan, struct place *place)
{
	char c = *scan->at, next = peek(scan, 1);
	place->target = true;
	if (next == '(') {
		find(scan, scan->at, 2);
	} else if (c == '<' && next == '<') {
		if (peek(scan, 2) == '<')
			find(scan, scan->at, 3);
		scan->document = true;
		skip(scan, peek(scan, 2) == '-' ? 3 : 2);
	} else if (c == '>' && next == '&') {
		const char *start = scan->at;
		skip(scan, 2);
		while (is_one_of(peek(scan, 0), " \t"))
			scan->at++;
		if (is_name_byte(peek(scan, 0)) || is_one_of(peek(scan, 0), "/.~"))
			if (!is_digit(peek(scan, 0)))
				find(scan, start, 2);
	} else {
		skip(scan, next == '>' || next == '&' || (c == '>' && next == '|') ? 2 : 1);
	}
}

/* "((" with the "))" that makes it arithmetic, not a subshell in a subshell. */
static bool
is_arithmetic(const struct scan *scan)
{
	unsigned open = 0;
	const char *at = scan->at + 1;
	for (; at < scan->end; at++) {
		open += *at == '(';
		open -= *at == ')';
		if (!open)
			break;
	}
	return at + 1 < scan->end && at > scan->at + 1 && at[1] == ')';
}

static void
take_parenthesis(struct scan *scan, struct place *place)
{
	bool array = scan->at > scan->text && scan->at[-1] == '=';
	if (array || (place->first && is_arithmetic(scan)))
		find(scan, scan->at - array, 2);
	skip(scan, 1);
	scan_list(scan, ')');
	place->first = true;
}

/* & and |, ; and newlines, and what bash makes of some. */
static void
take_separator(struct scan *scan, struct place *place)
{
	char c = *scan->at, next = peek(scan, 1);
	if (c == '\n' && scan->document)
		scan->at = scan->end;
	else if ((c == '&' && next == '>') || (c != '&' && c != '\n' && next == '&'))
		find(scan, scan->at, c == '&' && peek(scan, 2) == '>' ? 3 : 2);
	else
		skip(scan, (c == '&' || c == '|') && next == c ? 2 : 1);
	*place = (struct place){.first = true, .cases = place->cases};
}

static void
skip_comment(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n' && !(*scan->at == '`' && scan->backquoted))
		scan->at++;
}

/* Takes what stands here; false if it ends the list. */
static bool
take(struct scan *scan, struct place *place, char close)
{
	switch (*scan->at) {
	case ' ':
	case '\t':
		scan->at++;
		return true;
	case '\n':
	case ';':
	case '&':
	case '|':
		take_separator(scan, place);
		return true;
	case '<':
	case '>':
		take_redirection(scan, place);
		return true;
	case '(':
		take_parenthesis(scan, place);
		return true;
	case ')':
		scan->at++;
		place->first = true;
		return place->cases || close != ')';
	case '`':
		if (!scan->backquoted)
			break;
		skip(scan, close == '`');
		return false;
	case '#':
		skip_comment(scan);
		return true;
	case '\\':
		if (peek(scan, 1) != '\n')
			break;
		skip(scan, 2);
		return true;
	default:
		break;
	}
	take_word(scan, place);
	return true;
}

static void
scan_list(struct scan *scan, char close)
{
	struct place place = {.first = true};
	if (scan->depth == DEPTH_MAX) {
		scan->at = scan->end;
		return;
	}
	scan->depth++;
	while (scan->at < scan->end && take(scan, &place, close))
		continue;
	scan->depth--;
}

char **
bashism_exported(char *const *environment, const char *const *more, size_t nmore)
{
	size_t count = 0, kept = 0;
	while (environment[count])
		count++;
	char **exported = xcalloc(count + nmore + 1, sizeof(*exported));
	for (size_t i = 0; i < count + nmore; i++) {
		const char *entry = i < count ? environment[i] : more[i - count];
		if (is_of_bash(entry, strcspn(entry, "=")))
			exported[kept++] = (char *)(uintptr_t)entry;
	}
	return exported;
}

const char *
bashism_find(const char *text, size_t len, const struct bashism_known *known, size_t *found_len)
{
	struct scan scan = {.text = text, .at = text, .end = text + len, .known = known};
	scan_list(&scan, '\0');
	*found_len = scan.found_len;
	return scan.found;
}
