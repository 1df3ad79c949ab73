/* sbatch's "%" in names of files, as its manual and Slurm's fname.c have them. */
#include "tasks/pattern.h"

#include "base/buf.h"
#include "base/ownfd.h"
#include "base/pathname.h"

#include <ctype.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH_MAX = 10 }; /* of a padded number, as in Slurm */

/* The letter of the next "%" of a pattern, 0 at its end; *AT is behind it, what stands before it is
 * from *TEXT on. */
static char
next_symbol(const char **at, const char **text, size_t *len, int *width)
{
	*text = *at;
	*len = strcspn(*at, "%");
	*at += *len;
	*width = 0;
	if (!**at)
		return 0;
	const char *letter = *at + 1;
	for (; isdigit((unsigned char)*letter); letter++)
		*width = *width < WIDTH_MAX ? 10 * *width + (*letter - '0') : WIDTH_MAX;
	*width = *width < WIDTH_MAX ? *width : WIDTH_MAX;
	*at = letter + (*letter != 0);
	return *letter ? *letter : '%';
}

static bool
has_symbol(const char *pattern, const char *letters)
{
	const char *text;
	size_t len;
	int width;
	for (char symbol; (symbol = next_symbol(&pattern, &text, &len, &width));)
		if (strchr(letters, symbol))
			return true;
	return false;
}

const char *
pattern_misfit(const char *pattern)
{
	if (strcmp(pattern, "/dev/null") == 0)
		return NULL;
	if (ownfd_named(pattern) || pathname_misread(pattern))
		return "no file's name";
	if (has_symbol(pattern, "NJs"))
		return "%N, %J and %s are not known before a task is run";
	return strchr(pattern, '\\') || !has_symbol(pattern, "aj")
		       ? "one file for all elements, expected %a in it"
		       : NULL;
}

static void
add_number(struct buf *buf, const char *digits, size_t len, int width)
{
	for (size_t i = len; i < (size_t)width; i++)
		buf_append(buf, "0", 1);
	buf_append(buf, digits, len);
}

static void
add_job(struct buf *buf, const struct pattern_element *element, int width, bool alone)
{
	add_number(buf, element->job, strlen(element->job), width);
	if (!alone)
		return;
	buf_append(buf, "_", 1);
	buf_append(buf, element->id, element->id_len);
}

static void
add_user(struct buf *buf)
{
	const struct passwd *user = getpwuid(getuid());
	if (user)
		buf_append_string(buf, user->pw_name);
	else
		buf_printf(buf, "%u", (unsigned)getuid());
}

void
pattern_fill(struct buf *buf, const char *pattern, const struct pattern_element *element)
{
	bool alone = !has_symbol(pattern, "a");
	const char *text, *at = pattern;
	size_t len;
	int width;
	for (;;) {
		char symbol = next_symbol(&at, &text, &len, &width);
		buf_append(buf, text, len);
		if (!symbol)
			return;
		switch (symbol) {
		case 'A':
		case 'j':
			add_job(buf, element, width, symbol == 'j' && alone);
			break;
		case 'a':
			add_number(buf, element->id, element->id_len, width);
			break;
		case 'n':
		case 't':
			add_number(buf, "0", 1, width);
			break;
		case 'u':
			add_user(buf);
			break;
		case 'x':
			buf_append_string(buf, element->name);
			break;
		case '%':
			buf_append(buf, "%", 1);
			break;
		default: /* as it is */
			buf_append(buf, text + len, (size_t)(at - (text + len)));
		}
	}
}
