/* Rate and end of a run. */
#include "ui/forecast.h"

#include <math.h>
#include <stdbool.h>

enum { WINDOW_TASKS = 20, HALVINGS = 40 };
static const double window_s = 15;

/* Euler's constant makes it exact for exponential times: the share of times that the longest of N
 * exceeds is on average exp(-0.577) / N. */
static const double longest_share = 0.5615;

void
forecast_ended(struct forecast *forecast, double seconds)
{
	spread_add(&forecast->times, seconds);
	forecast->ended++;
}

void
forecast_turn(struct forecast *forecast, double now_s)
{
	struct forecast_mark *newer = &forecast->newer;
	if (now_s - newer->at_s < window_s || forecast->ended - newer->ended < WINDOW_TASKS)
		return;
	forecast->older = *newer;
	*newer = (struct forecast_mark){.at_s = now_s, .ended = forecast->ended};
}

double
forecast_rate(const struct forecast *forecast, double now_s)
{
	double since = now_s - forecast->older.at_s;
	return since > 0 ? (double)(forecast->ended - forecast->older.ended) / since : 0;
}

/* --- how long tasks take --- */

/* The times of tasks in general. */
struct law {
	double begin[SPREAD_CLASSES + 1]; /* the share that takes longer than up to this class */
	double value[SPREAD_CLASSES];
	double mean;
	double square;	/* mean of the squares */
	double longest; /* beyond it, what is left of the share falls off exponentially */
	double fall;
};

static void
count_running(const struct forecast_work *work, uint64_t counts[SPREAD_CLASSES])
{
	for (int i = 0; i < work->nrunning; i++)
		counts[spread_class(work->ages[i])]++;
}

/* How slowly the times beyond the longest fall off: as times do in general, but no faster than what
 * runs now has outlasted all that have ended. So a straggler among short tasks is expected to take
 * as long again as it has taken. */
static double
fall_of(const struct spread *times, double exposure, double longest)
{
	double general = exposure / (double)times->total, outlasted = longest - times->longest;
	return outlasted > general ? outlasted : general;
}

static struct law
law_of(const struct spread *times, const struct forecast_work *work)
{
	struct law law = {.longest = times->longest};
	uint64_t running[SPREAD_CLASSES] = {0};
	double exposure = times->sum, share = 1;
	double at_risk = (double)times->total + work->nrunning;
	count_running(work, running);
	for (int i = 0; i < work->nrunning; i++) {
		exposure += work->ages[i];
		if (work->ages[i] > law.longest)
			law.longest = work->ages[i];
	}
	for (int class = 0; class < SPREAD_CLASSES; class ++) {
		double value = spread_value(times, class), ended = (double)times->counts[class];
		double part = ended > 0 ? share * ended / at_risk : 0;
		law.begin[class] = share;
		law.value[class] = value;
		law.mean += part * value;
		law.square += part * value * value;
		share -= part;
		at_risk -= ended + (double)running[class];
	}
	share = share > 1e-9 ? share : 0;
	law.begin[SPREAD_CLASSES] = share;
	law.fall = fall_of(times, exposure, law.longest);
	law.mean += share * (law.longest + law.fall);
	law.square += share * (pow(law.longest + law.fall, 2) + law.fall * law.fall);
	return law;
}

/* The share of tasks that take longer than SECONDS. */
static double
share_beyond(const struct law *law, double seconds)
{
	double rest = law->begin[SPREAD_CLASSES];
	if (seconds >= law->longest)
		return rest * exp(-(seconds - law->longest) / law->fall);
	int class = spread_class(seconds);
	double share = law->begin[seconds < law->value[class] ? class : class + 1];
	return share > rest ? share : rest;
}

/* The expected rest of a task that has run for AGE. */
static double
rest_of(const struct law *law, double age)
{
	double share = share_beyond(law, age), sum = 0;
	if (share <= 0)
		return law->fall;
	for (int class = spread_class(age); class < SPREAD_CLASSES; class ++)
		if (law->value[class] > age)
			sum += (law->begin[class] - law->begin[class + 1]) *
			       (law->value[class] - age);
	double tail = law->begin[SPREAD_CLASSES];
	double beyond = law->longest > age ? law->longest - age : 0;
	return (sum + tail * (beyond + law->fall)) / share;
}

/* --- the end --- */

/* The chance that all that run now have ended after SECONDS more. */
static double
all_ended(const struct law *law, const struct forecast_work *work, double seconds)
{
	double chance = 1;
	for (int i = 0; i < work->nrunning; i++) {
		double share = share_beyond(law, work->ages[i]);
		double later = share_beyond(law, work->ages[i] + seconds);
		chance *= share > 0 ? 1 - later / share : 1 - exp(-seconds / law->fall);
	}
	return chance;
}

/* Of a task met at any moment: the share of the rests of its time that is longer than SECONDS. */
static double
rest_beyond(const struct law *law, double seconds)
{
	double sum = 0;
	for (int class = spread_class(seconds); class < SPREAD_CLASSES; class ++)
		if (law->value[class] > seconds)
			sum += (law->begin[class] - law->begin[class + 1]) *
			       (law->value[class] - seconds);
	double tail = law->begin[SPREAD_CLASSES], beyond = law->longest - seconds;
	sum += tail * (beyond > 0 ? beyond + law->fall : law->fall * exp(beyond / law->fall));
	return sum / law->mean;
}

/* How long the last N tasks take, which run when nothing waits any more. */
static double
tail_of(const struct law *law, const struct forecast_work *work, double n, bool now)
{
	double low = 0, high = law->longest + 50 * law->fall;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		bool over = now ? all_ended(law, work, middle) > exp(-longest_share)
				: rest_beyond(law, middle) < longest_share / n;
		*(over ? &high : &low) = middle;
	}
	return high;
}

double
forecast_left_s(const struct forecast *forecast, const struct forecast_work *work)
{
	if (!work->left)
		return 0;
	if (!forecast->times.total || work->slots < 1)
		return -1;
	struct law law = law_of(&forecast->times, work);
	if (law.mean <= 0)
		return 0;
	double slots = work->slots;
	double waiting = (double)work->left - work->nrunning;
	if (waiting <= 0 && work->nrunning)
		return tail_of(&law, work, slots, true);
	double sum = (waiting > 0 ? waiting : 0) * law.mean;
	for (int i = 0; i < work->nrunning; i++)
		sum += rest_of(&law, work->ages[i]);
	double last = waiting + work->nrunning < slots ? waiting + work->nrunning : slots;
	double until_tail = sum / slots - law.square / law.mean / 2;
	return (until_tail > 0 ? until_tail : 0) + tail_of(&law, work, last, false);
}
