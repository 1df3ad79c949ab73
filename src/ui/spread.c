/* The histogram of times. */
#include "ui/spread.h"

#include <math.h>

static const double first = 1e-6, per_octave = SPREAD_PER_OCTAVE;

int
spread_class(double seconds)
{
	if (!(seconds > first))
		return 0;
	double class = floor(log2(seconds / first) * per_octave);
	return class < (int)SPREAD_CLASSES ? (int)class : SPREAD_CLASSES - 1;
}

double
spread_begin(int class)
{
	return class > 0 ? first * exp2(class / per_octave) : 0;
}

void
spread_add(struct spread *spread, double seconds)
{
	seconds = seconds > 0 ? seconds : 0;
	int class = spread_class(seconds);
	spread->counts[class]++;
	spread->sums[class] += seconds;
	spread->total++;
	spread->sum += seconds;
	if (seconds > spread->longest)
		spread->longest = seconds;
}

double
spread_value(const struct spread *spread, int class)
{
	if (spread->counts[class])
		return spread->sums[class] / (double)spread->counts[class];
	return (spread_begin(class) + spread_begin(class + 1)) / 2;
}

double
spread_quantile(const struct spread *spread, double q)
{
	double wanted = q * (double)spread->total;
	uint64_t seen = 0;
	for (int class = 0; class < SPREAD_CLASSES; class ++) {
		seen += spread->counts[class];
		if (spread->counts[class] && (double)seen >= wanted)
			return spread_value(spread, class);
	}
	return 0;
}
