/* What in an argv looks like a shell's. */
#include "tasks/argv.h"

#include "base/buf.h"
#include "base/err.h"
#include "tasks/quote.h"

#include <stdbool.h>
#include <string.h>

enum { LINE_MAX_BYTES = 200 };

static bool
is_operator(const char *word)
{
	static const char *const controls[] = {";", "&", "&&", "|", "||", "|&", ";;"};
	static const char *const redirections[] = {
		"<", "<<", "<<<", "<>", ">", ">>", ">|", "&>", "&>>", ">&", "<&"};
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (strcmp(word, controls[i]) == 0)
			return true;
	word += strspn(word, "0123456789");
	for (size_t i = 0; i < sizeof(redirections) / sizeof(redirections[0]); i++) {
		size_t len = strlen(redirections[i]);
		if (strncmp(word, redirections[i], len) != 0)
			continue;
		bool duplicates = len == 2 && word[1] == '&';
		if (!word[len + (duplicates ? strspn(word + len, "0123456789-") : 0)])
			return true;
	}
	return false;
}

/* find(1) has its own use for ";". */
static bool
is_of_find(const char *const *words, size_t at)
{
	static const char *const actions[] = {"-exec", "-execdir", "-ok", "-okdir"};
	bool found = false;
	for (size_t i = 0; i < at; i++)
		for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++)
			found = found || strcmp(words[i], actions[k]) == 0;
	return found && strcmp(words[at], ";") == 0;
}

/* The words as one line for the shell, with the first NAMES of them and operators as they are. */
static void
append_line(struct buf *buf, const char *const *words, size_t nwords, size_t names)
{
	for (size_t i = 0; i < nwords && buf->len < LINE_MAX_BYTES; i++) {
		size_t len = strlen(words[i]);
		buf_append_string(buf, i ? " " : "");
		bool plain = i < names || is_operator(words[i]) ||
			     (len && words[i][0] != '#' &&
				     !strpbrk(words[i], " \t\n;&|<>()$`\\\"'*?[]~!"));
		if (plain)
			buf_append(buf, words[i], len);
		else
			quote_word(buf, words[i], len);
	}
}

static int
refuse(const char *what, const char *const *words, size_t nwords, size_t at, struct err *err)
{
	bool operates = is_operator(words[at]);
	struct buf line = {0}, quoted = {0};
	append_line(&line, words, nwords, operates ? 0 : at + 1);
	quote_word(&quoted, line.data, line.len);
	buf_append(&quoted, "", 1);
	err_set(err,
		"%s, word %zu: after -- the words are the program's, and no shell sees '%.20s': "
		"expected one word: -- %.250s%s",
		what, at + 1, words[at], quoted.data,
		operates ? " (with a backslash before what is data)" : ", or --env");
	buf_clear(&line);
	buf_clear(&quoted);
	return -1;
}

int
argv_check(const char *what, const char *const *words, size_t nwords, struct err *err)
{
	if (quote_assignment(words[0], strlen(words[0])))
		return refuse(what, words, nwords, 0, err);
	for (size_t i = 0; i < nwords; i++)
		if (is_operator(words[i]) && !is_of_find(words, i))
			return refuse(what, words, nwords, i, err);
	return 0;
}
