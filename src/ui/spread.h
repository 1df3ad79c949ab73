/*
 * How times are spread: counts and sums in classes that are an eighth of an octave wide, from a
 * microsecond to weeks. A value in place; zero-initialised is empty and valid.
 */
#ifndef UI_SPREAD_H
#define UI_SPREAD_H

#include <stdint.h>

enum { SPREAD_PER_OCTAVE = 8, SPREAD_CLASSES = 42 * SPREAD_PER_OCTAVE };

struct spread {
	uint64_t counts[SPREAD_CLASSES];
	double sums[SPREAD_CLASSES]; /* so that equal times keep their value */
	uint64_t total;
	double sum;
	double longest;
};

void spread_add(struct spread *spread, double seconds);

/* The class of a time, and where a class begins. */
int spread_class(double seconds);
double spread_begin(int class);

/* The mean of the times in a class; its middle if there are none. */
double spread_value(const struct spread *spread, int class);

/* The time that the share Q (0 to 1) of all do not exceed, to about 5 %; 0 if there are none. */
double spread_quantile(const struct spread *spread, double q);

#endif
