/*
 * How fast a run goes and when it will end, from the run times seen. Pure: time is an argument.
 *
 * Times seen early are short ones, since the long are still running; so those that run now count as
 * times of which only "at least this long" is known (the estimate of Kaplan and Meier). The end is
 * the work left shared among the slots, and then the longest of the last tasks, one on each slot.
 */
#ifndef UI_FORECAST_H
#define UI_FORECAST_H

#include "ui/spread.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty and valid. */
struct forecast {
	struct spread times;
	uint64_t ended;
	struct forecast_mark {
		double at_s;
		uint64_t ended;
	} older, newer; /* the rate is since the older */
};

/* A task has run for SECONDS. */
void forecast_ended(struct forecast *forecast, double seconds);

/* Call now and then; NOW_S counts from the start of the run. */
void forecast_turn(struct forecast *forecast, double now_s);

/* Tasks a second lately: within the last 15 to 30 s, or 20 to 40 tasks if these took longer. */
double forecast_rate(const struct forecast *forecast, double now_s);

/* What is left to do: LEFT tasks, of which NRUNNING have been running for AGES seconds each, on
 * SLOTS slots. */
struct forecast_work {
	uint64_t left;
	int slots;
	const double *ages;
	int nrunning;
};

/* Seconds until all of it has ended; negative if not known: nothing has ended yet. */
double forecast_left_s(const struct forecast *forecast, const struct forecast_work *work);

#endif
