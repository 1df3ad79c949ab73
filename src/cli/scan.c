/* Recursive descent over the shell's quotes, substitutions and lists. */
#include "cli/scan.h"

#include "base/buf.h"

#include <string.h>

enum { DEPTH_MAX = 100 };

/* Reserved words that go in pairs, but case and esac. */
enum compound { COMPOUND_IF, COMPOUND_LOOP, COMPOUND_BRACE, COMPOUNDS };

/* Those of one list: how many are open, and the first. */
struct level {
	const char *opener[COMPOUNDS];
	size_t opener_len[COMPOUNDS];
	unsigned open[COMPOUNDS];
	bool first;    /* a command's name may stand here */
	bool reserved; /* a reserved word may: not behind assignments, redirections */
};

struct scan {
	const char *text, *end;
	const char *at; /* END once the scan is over */
	unsigned depth;
	struct level *level;
	bool over;
	void (*found)(void *context, const struct scan_item *item);
	void *context;
};

static void scan_list(struct scan *scan, char close);
static void skip_one(struct scan *scan, bool quoted, char close);

static void
tell(const struct scan *scan, enum scan_kind kind, const char *word, size_t len)
{
	if (scan->over)
		return;
	struct scan_item item = {kind, word, len, (size_t)(word - scan->text) + 1};
	scan->found(scan->context, &item);
}

static void
stop(struct scan *scan)
{
	scan->over = true;
	scan->at = scan->end;
}

static void
stop_at_word(struct scan *scan, enum scan_kind kind, const char *word, size_t len)
{
	tell(scan, kind, word, len);
	stop(scan);
}

static void
stop_at(struct scan *scan, enum scan_kind kind, const char *at)
{
	stop_at_word(scan, kind, at, 1);
}

/* Nothing real is so deep: gives up. */
static bool
too_deep(struct scan *scan)
{
	if (scan->depth < DEPTH_MAX)
		return false;
	stop(scan);
	return true;
}

static bool
at_end(const struct scan *scan)
{
	return scan->at == scan->end;
}

/* The byte N behind the present one, NUL if there is none. */
static char
peek(const struct scan *scan, size_t n)
{
	return n < (size_t)(scan->end - scan->at) ? scan->at[n] : '\0';
}

static bool
is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* --- words --- */

/* A backslash at the end of the text: what is open around it is worth more mention. */
static void
skip_escaped(struct scan *scan)
{
	if (scan->at + 1 < scan->end)
		scan->at += 2;
	else if (scan->depth > 1)
		scan->at++;
	else
		stop_at(scan, SCAN_OPEN, scan->at);
}

/* '...', `...` and $'...', whose backslashes count: nothing within does but its end. */
static void
skip_flat(struct scan *scan, bool escapes)
{
	const char *open = scan->at++;
	while (!at_end(scan) && *scan->at != *open)
		scan->at += escapes && *scan->at == '\\' && scan->at + 1 < scan->end ? 2 : 1;
	if (at_end(scan))
		stop_at(scan, SCAN_OPEN, open);
	else
		scan->at++;
}

/* "...", ${...} and arithmetic, from its first byte to CLOSE. */
static void
skip_to(struct scan *scan, char close, bool quoted)
{
	const char *open = scan->at++;
	if (too_deep(scan))
		return;
	scan->depth++;
	while (!at_end(scan) && *scan->at != close)
		skip_one(scan, quoted, close);
	scan->depth--;
	if (at_end(scan))
		stop_at(scan, SCAN_OPEN, open);
	else
		scan->at++;
}

static void
skip_dollar(struct scan *scan, bool quoted)
{
	scan->at++;
	if (peek(scan, 0) == '\'' && !quoted) {
		skip_flat(scan, true);
	} else if (peek(scan, 0) == '{') {
		skip_to(scan, '}', quoted);
	} else if (peek(scan, 0) == '(' && peek(scan, 1) == '(') {
		skip_to(scan, ')', false);
	} else if (peek(scan, 0) == '(') {
		scan_list(scan, ')');
	}
}

/* One byte of what ends at CLOSE (NUL for a word), or what it begins. */
static void
skip_one(struct scan *scan, bool quoted, char close)
{
	char c = *scan->at;
	if (c == '\\')
		skip_escaped(scan);
	else if (c == '`' || (c == '\'' && !quoted))
		skip_flat(scan, c == '`');
	else if (c == '"')
		skip_to(scan, '"', true);
	else if (c == '$')
		skip_dollar(scan, quoted);
	else if (c == '(' && close == ')')
		skip_to(scan, ')', false);
	else
		scan->at++;
}

/* Returns the length of the word here; 0: there is none. */
static size_t
skip_word(struct scan *scan)
{
	const char *start = scan->at;
	while (!at_end(scan) && !is_one_of(*scan->at, " \t\n;&|<>()"))
		skip_one(scan, false, '\0');
	return (size_t)(scan->at - start);
}

/* Blanks, comments and newlines behind a backslash. */
static void
skip_blanks(struct scan *scan)
{
	for (;;) {
		if (is_one_of(peek(scan, 0), " \t"))
			scan->at++;
		else if (peek(scan, 0) == '\\' && peek(scan, 1) == '\n')
			scan->at += 2;
		else if (peek(scan, 0) == '#')
			while (!at_end(scan) && *scan->at != '\n')
				scan->at++;
		else
			return;
	}
}

static void
skip_lines(struct scan *scan)
{
	for (skip_blanks(scan); peek(scan, 0) == '\n'; skip_blanks(scan))
		scan->at++;
}

static bool
is_word(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(word, text, len) == 0;
}

/* --- redirections --- */

static bool
all_of(const char *word, size_t len, const char *set)
{
	for (size_t i = 0; i < len; i++)
		if (!is_one_of(word[i], set))
			return false;
	return true;
}

static bool
is_redirection(const struct scan *scan)
{
	return is_one_of(*scan->at, "<>") || (*scan->at == '&' && peek(scan, 1) == '>');
}

/* A here-document: at the least a line has to follow. */
static void
skip_document(struct scan *scan)
{
	if (memchr(scan->at, '\n', (size_t)(scan->end - scan->at)))
		stop(scan);
	else
		stop_at(scan, SCAN_OPEN, scan->at);
}

static void
scan_redirection(struct scan *scan)
{
	if (*scan->at == '&')
		scan->at++;
	enum scan_kind kind = *scan->at == '<' ? SCAN_INPUT : SCAN_OUTPUT;
	char second = peek(scan, 1);
	if (kind == SCAN_INPUT && second == '<') {
		if (peek(scan, 2) != '<') {
			skip_document(scan);
			return;
		}
		scan->at++;
	}
	scan->at++;
	if (second == '>')
		kind = SCAN_APPEND;
	bool duplicates = second == '&';
	if (is_one_of(second, "<>&") || (second == '|' && kind == SCAN_OUTPUT))
		scan->at++;
	skip_blanks(scan);
	const char *word = scan->at;
	size_t len = skip_word(scan);
	bool text = kind == SCAN_INPUT && second == '<';
	if (len && !text && !(duplicates && all_of(word, len, "0123456789-")))
		tell(scan, kind, word, len);
}

/* --- commands --- */

/* Behind these reserved words a command's name comes. */
static bool
is_before_command(const char *word, size_t len)
{
	static const char *const words[] = {
		"!", "{", "if", "then", "elif", "else", "while", "until", "do", "time", "coproc"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(word, len, words[i]))
			return true;
	return false;
}

static bool
is_assignment(const char *word, size_t len)
{
	size_t name = 0;
	while (name < len && is_one_of(word[name], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						   "abcdefghijklmnopqrstuvwxyz_0123456789"))
		name++;
	return name && name < len && word[name] == '=' && !is_one_of(word[0], "0123456789");
}

/* Is the next word "esac"? */
static bool
is_at_esac(const struct scan *scan)
{
	return (size_t)(scan->end - scan->at) >= 4 && memcmp(scan->at, "esac", 4) == 0 &&
	       (!peek(scan, 4) || is_one_of(peek(scan, 4), " \t\n;&|<>()"));
}

/* Behind the "case" at WORD: WORD in PATTERN) LIST ;; ... esac */
static void
scan_case(struct scan *scan, const char *word)
{
	skip_blanks(scan);
	skip_word(scan);
	skip_lines(scan);
	skip_word(scan); /* "in" */
	for (skip_lines(scan); !at_end(scan) && !is_at_esac(scan); skip_lines(scan)) {
		if (*scan->at == '(')
			scan->at++;
		while (!at_end(scan) && *scan->at != ')')
			if (!skip_word(scan))
				scan->at++;
		if (!at_end(scan))
			scan_list(scan, ';');
	}
	if (at_end(scan))
		stop_at_word(scan, SCAN_OPEN, word, 4);
	skip_word(scan);
}

/* Behind the "[[" at WORD: words, but no commands or redirections, up to "]]". */
static void
skip_condition(struct scan *scan, const char *word)
{
	const char *at;
	size_t len;
	do {
		skip_lines(scan);
		at = scan->at;
		len = skip_word(scan);
		if (!len && !at_end(scan))
			scan->at++;
	} while (!at_end(scan) && !is_word(at, len, "]]"));
	if (!is_word(at, len, "]]"))
		stop_at_word(scan, SCAN_OPEN, word, 2);
}

/* A word where a reserved one may stand. */
static void
take_compound(struct scan *scan, const char *word, size_t len)
{
	static const struct {
		const char *word;
		enum compound compound;
		bool closes;
	} words[] = {{"if", COMPOUND_IF, false}, {"fi", COMPOUND_IF, true},
		{"for", COMPOUND_LOOP, false}, {"while", COMPOUND_LOOP, false},
		{"until", COMPOUND_LOOP, false}, {"select", COMPOUND_LOOP, false},
		{"done", COMPOUND_LOOP, true}, {"{", COMPOUND_BRACE, false},
		{"}", COMPOUND_BRACE, true}};
	struct level *level = scan->level;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum compound compound = words[i].compound;
		if (!is_word(word, len, words[i].word))
			continue;
		level->reserved = words[i].closes;
		if (words[i].closes && !level->open[compound]) {
			stop_at_word(scan, SCAN_CLOSE, word, len);
			return;
		}
		if (!words[i].closes && !level->open[compound]) {
			level->opener[compound] = word;
			level->opener_len[compound] = len;
		}
		level->open[compound] += words[i].closes ? -1U : 1U;
	}
}

/* The list is at its end. */
static void
end_level(struct scan *scan)
{
	const struct level *level = scan->level;
	for (int i = 0; i < COMPOUNDS && !scan->over; i++)
		if (level->open[i])
			stop_at_word(scan, SCAN_OPEN, level->opener[i], level->opener_len[i]);
}

static void
scan_word(struct scan *scan)
{
	struct level *level = scan->level;
	const char *word = scan->at;
	size_t len = skip_word(scan);
	bool first = level->first, reserved = level->reserved;
	if (!at_end(scan) && is_one_of(*scan->at, "<>") && all_of(word, len, "0123456789"))
		return;
	level->first = level->reserved = false;
	if (reserved)
		take_compound(scan, word, len);
	if (!first)
		return;
	skip_blanks(scan);
	bool function = peek(scan, 0) == '(' && peek(scan, 1) == ')';
	tell(scan, function ? SCAN_FUNCTION : SCAN_COMMAND, word, len);
	if (function) {
		scan->at += 2;
	} else if (reserved && is_word(word, len, "function")) {
		skip_word(scan); /* of bash: its name */
		function = true;
	} else if (reserved && is_word(word, len, "[[")) {
		skip_condition(scan, word);
	} else if (reserved && is_word(word, len, "case")) {
		scan_case(scan, word);
		level->reserved = true;
	}
	if (function || (reserved && is_before_command(word, len)))
		level->first = level->reserved = true;
	else if (is_assignment(word, len))
		level->first = true;
}

/* Takes what ends a list; false if nothing here does. */
static bool
take_close(struct scan *scan, char close)
{
	char c = *scan->at;
	if (close == ';' && scan->level->reserved && is_at_esac(scan))
		return true;
	if (c != close || (c == ';' && !is_one_of(peek(scan, 1), ";&")))
		return false;
	scan->at += c == ';' ? 2 : 1;
	if (close == ';' && peek(scan, 0) == '&') /* ";;&" of bash */
		scan->at++;
	return true;
}

/* "((1 < x))": nothing in it is a command or a redirection. */
static bool
is_arithmetic(const struct scan *scan)
{
	const char *close = memchr(scan->at, ')', (size_t)(scan->end - scan->at));
	return peek(scan, 1) == '(' && close && close + 1 < scan->end && close[1] == ')' &&
	       !memchr(scan->at + 2, '(', (size_t)(close - scan->at) - 2);
}

/* A subshell, or what bash alone knows: an arithmetic command, or the values of an array. */
static void
scan_parenthesis(struct scan *scan)
{
	bool array = scan->at > scan->text && scan->at[-1] == '=';
	if (array || is_arithmetic(scan))
		skip_to(scan, ')', false);
	else
		scan_list(scan, ')');
	scan->level->first = array;
	scan->level->reserved = !array;
}

/* What is in a list; returns whether its end was there. */
static bool
scan_items(struct scan *scan, char close)
{
	struct level *level = scan->level;
	for (skip_blanks(scan); !at_end(scan); skip_blanks(scan)) {
		if (take_close(scan, close))
			return true;
		if (*scan->at == '(') {
			scan_parenthesis(scan);
		} else if (*scan->at == ')') {
			stop_at(scan, SCAN_CLOSE, scan->at);
		} else if (is_redirection(scan)) {
			scan_redirection(scan);
			level->reserved = false;
		} else if (is_one_of(*scan->at, "\n;&|")) {
			scan->at++;
			level->first = level->reserved = true;
		} else {
			scan_word(scan);
		}
	}
	return false;
}

/* Commands up to CLOSE, from the byte before them: ')' of a subshell or a substitution, ';' for the
 * ";;" of a case. NUL: all there is. */
static void
scan_list(struct scan *scan, char close)
{
	const char *open = scan->at;
	struct level level = {.first = true, .reserved = true}, *outer = scan->level;
	if (too_deep(scan))
		return;
	scan->depth++;
	scan->level = &level;
	scan->at += close != '\0';
	bool closed = scan_items(scan, close);
	if (!closed && close == ')')
		stop_at(scan, SCAN_OPEN, open);
	else if (closed || !close)
		end_level(scan);
	scan->level = outer;
	scan->depth--;
}

void
scan_command(const char *text, size_t len,
	void (*found)(void *context, const struct scan_item *item), void *context)
{
	struct scan scan = {
		.text = text, .at = text, .end = text + len, .found = found, .context = context};
	scan_list(&scan, '\0');
}

bool
scan_literal(const char *word, size_t len, struct buf *buf)
{
	char quote = '\0';
	for (size_t i = 0; i < len; i++) {
		char c = word[i];
		if (quote == '\0' ? c == '\'' || c == '"' : c == quote) {
			quote = quote ? '\0' : c;
			continue;
		}
		if (quote != '\'' && is_one_of(c, quote ? "$`" : "$`*?[]{}~"))
			return false;
		if (c == '\\' && i + 1 < len &&
			(quote == '\0' || (quote == '"' && is_one_of(word[i + 1], "$`\"\\"))))
			c = word[++i];
		buf_append(buf, &c, 1);
	}
	return true;
}
