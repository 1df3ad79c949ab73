/* How far names are from each other. */
#include "cli/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NAME_MAX_BYTES = 32 };

/* How many letters have to be put in, left out, replaced or, in pairs, swapped to make A, of LEN
 * bytes, into B: the optimal string alignment distance. */
static size_t
distance(const char *a, size_t len, const char *b)
{
	size_t rows[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1], other = strlen(b);
	if (len > NAME_MAX_BYTES || other > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t i = 0; i <= len; i++) {
		for (size_t k = 0; k <= other; k++) {
			if (!i || !k) {
				rows[i][k] = i + k;
				continue;
			}
			size_t best = rows[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			if (rows[i - 1][k] + 1 < best)
				best = rows[i - 1][k] + 1;
			if (rows[i][k - 1] + 1 < best)
				best = rows[i][k - 1] + 1;
			bool swapped =
				i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
			if (swapped && rows[i - 2][k - 2] + 1 < best)
				best = rows[i - 2][k - 2] + 1;
			rows[i][k] = best;
		}
	}
	return rows[len][other];
}

struct nearest
nearest_to(const char *word, size_t len)
{
	return (struct nearest){.word = word, .len = len, .best = len < 6 ? 2 : 3};
}

void
nearest_try(struct nearest *nearest, const char *name)
{
	size_t now = distance(nearest->word, nearest->len, name);
	if (now >= nearest->best)
		return;
	nearest->best = now;
	nearest->found = name;
}
