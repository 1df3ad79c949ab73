/* The scheduler: table by table, and as a whole against a model that looks at every worker. */
#include "base/clock.h"
#include "sched/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned int seed; /* `test_sched SEED` repeats a run */

#define MS CLOCK_NS_PER_MS
#define S CLOCK_NS_PER_S
#define MANY UINT64_C(1000000000)

static const struct need one_core = {.cores = 1};

static struct sched *
sched_with(bool polled, int workers, int slots)
{
	struct sched *sched = sched_new(&(struct sched_options){.polled = polled});
	for (int i = 0; i < workers; i++)
		assert_int_equal(sched_add(sched, &one_core, slots), i);
	return sched;
}

/* One task of that length ends; the worker holds what it held before. */
static void
one_ends(struct sched *sched, int worker, int64_t runtime_ns)
{
	sched_sent(sched, worker, 1);
	sched_done(sched, worker, runtime_ns);
}

/* Hands out until nobody takes more, and returns how many that were. */
static int
fill(struct sched *sched, const struct need *need, uint64_t remaining)
{
	int given = 0, count, worker;
	while (remaining && (worker = sched_pick(sched, need, remaining, &count)) >= 0) {
		assert_in_range(count, 1, 256);
		if ((uint64_t)count > remaining)
			count = (int)remaining;
		sched_sent(sched, worker, count);
		remaining -= (uint64_t)count;
		given += count;
	}
	return given;
}

static void
the_least_loaded_is_served_first(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 3, 2);
	int count;
	sched_sent(sched, 0, 2);
	sched_sent(sched, 1, 1);
	sched_sent(sched, 2, 3);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 1);
	assert_int_equal(count, 3);
	sched_sent(sched, 1, 3);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 0);
	assert_int_equal(count, 2);
	sched_done(sched, 2, -1);
	sched_done(sched, 2, -1);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 2);
	assert_int_equal(sched_held(sched, 2), 1);
	sched_free(sched);
}

/* Load is tasks per slot: three tasks on four slots are less than one on one. */
static void
load_counts_per_slot(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 1, 1);
	sched_add(sched, &one_core, 4);
	int count;
	sched_sent(sched, 0, 1);
	sched_sent(sched, 1, 3);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 1);
	assert_int_equal(count, 5);
	sched_free(sched);
}

struct depth_case {
	int64_t mean_ns; /* -1: nothing has ended */
	bool polled;
	uint64_t remaining;
	int slots;
	int held; /* in the end */
};

/* 1 + ceil(lead / mean) a slot; the lead is 5 ms, and two polls of at least 5 ms where polled. */
static const struct depth_case depth_cases[] = {
	{-1, false, MANY, 1, 2},
	{-1, true, MANY, 3, 6},
	{4 * S, false, MANY, 1, 1},
	{4 * S, true, MANY, 5, 5},
	{4 * S - 1, false, MANY, 1, 2},
	{3600 * S, true, MANY, 1, 1},
	{2 * S, true, MANY, 1, 2}, /* polls of 10 ms: a lead of 25 ms */
	{20 * MS, true, MANY, 1, 2},
	{10 * MS, false, MANY, 1, 2},
	{3 * MS, false, MANY, 1, 3},
	{3 * MS + MS / 10, true, MANY, 1, 6},
	{MS / 3, false, MANY, 2, 34},
	{MS / 3, true, MANY, 1, 47},
	/* exact quotients: the ceiling of 5 is 5 */
	{5 * MS, false, MANY, 1, 2},
	{MS, false, MANY, 1, 6},
	{MS, true, MANY, 1, 16},
	/* not more than a share of what remains, and nothing staged in the tail */
	{MS / 3, false, 8, 1, 8},
	{MS / 3, false, 1, 1, 1},
	{-1, false, 4, 4, 4},
	{-1, false, 3, 4, 3},
	{4 * S, false, 3, 4, 3},
};

static void
depth_follows_the_mean(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < sizeof(depth_cases) / sizeof(depth_cases[0]); i++) {
		const struct depth_case *is = &depth_cases[i];
		struct sched *sched = sched_with(is->polled, 1, is->slots);
		if (is->mean_ns >= 0)
			one_ends(sched, 0, is->mean_ns);
		assert_int_equal(sched_mean_ns(sched), is->mean_ns);
		int held = fill(sched, &one_core, is->remaining);
		if (held != is->held)
			print_error("case %zu: %d held, expected %d\n", i, held, is->held);
		wrong += held != is->held;
		sched_free(sched);
	}
	assert_int_equal(wrong, 0);
}

/* Each pick sees what is left by then: in the end nothing waits behind another task while a slot
 * elsewhere is free. */
static void
tail_leaves_no_slot_idle(void **state)
{
	(void)state;
	for (int tasks = 1; tasks <= 300; tasks++) {
		struct sched *sched = sched_with(true, 10, 1);
		one_ends(sched, 0, MS);
		int given = fill(sched, &one_core, (uint64_t)tasks), most = 0, idle = 0;
		for (int i = 0; i < 10; i++) {
			most = sched_held(sched, i) > most ? sched_held(sched, i) : most;
			idle += sched_held(sched, i) == 0;
		}
		assert_int_equal(idle, tasks < 10 ? 10 - tasks : 0);
		assert_in_range(most, 1, (tasks + 9) / 10);
		assert_true(tasks > 10 || given == tasks);
		sched_free(sched);
	}
}

static void
batches_are_capped(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 1, 300);
	int count = 0;
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 0);
	assert_int_equal(count, 256);
	assert_int_equal(fill(sched, &one_core, MANY), 600);
	sched_free(sched);
}

/* A task that takes no time at all does not make the depth endless. */
static void
mean_of_nothing_is_bounded(void **state)
{
	(void)state;
	struct sched *sched = sched_with(true, 1, 1);
	one_ends(sched, 0, 0);
	assert_int_equal(sched_mean_ns(sched), 0);
	assert_in_range(fill(sched, &one_core, MANY), 1000, 20000);
	sched_free(sched);
}

static void
mean_follows_the_last_tasks(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 1, 1);
	assert_int_equal(sched_mean_ns(sched), -1);
	for (int i = 1; i <= 50; i++)
		one_ends(sched, 0, i * MS);
	assert_in_range(sched_mean_ns(sched), 25 * MS + MS / 2 - 100, 25 * MS + MS / 2 + 100);
	sched_sent(sched, 0, 1);
	sched_done(sched, 0, -1); /* came back unstarted */
	assert_in_range(sched_mean_ns(sched), 25 * MS + MS / 2 - 100, 25 * MS + MS / 2 + 100);
	for (int i = 0; i < 1000; i++)
		one_ends(sched, 0, 2 * S);
	assert_in_range(sched_mean_ns(sched), 1999 * MS, 2 * S);
	sched_free(sched);
}

/* --- needs --- */

static void
needs_go_where_they_fit(void **state)
{
	(void)state;
	static const struct need offers[] = {{.cores = 1}, {.cores = 4, .memory_mib = 1000},
		{.cores = 4, .gpus = 2, .memory_mib = 500}};
	static const struct {
		struct need need;
		int worker; /* with that one alone free; -1: none fits */
		bool fits;
	} cases[] = {
		{{.cores = 1}, 0, true},
		{{.cores = 2}, 1, true},
		{{.cores = 5}, -1, false},
		{{.cores = 1, .gpus = 1}, 2, true},
		{{.cores = 1, .gpus = 3}, -1, false},
		{{.cores = 1, .memory_mib = 1 << 30}, 0, true}, /* offers 0: not counted */
		{{.cores = 2, .memory_mib = 1000}, 1, true},
		{{.cores = 2, .memory_mib = 1001}, -1, false},
		{{.cores = 2, .gpus = 2, .memory_mib = 501}, -1, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sched *sched = sched_new(&(struct sched_options){0});
		for (int k = 0; k < 3; k++)
			assert_int_equal(sched_add(sched, &offers[k], 1), k);
		int count;
		assert_int_equal(sched_fits(sched, &cases[i].need), cases[i].fits);
		assert_int_equal(sched_pick(sched, &cases[i].need, MANY, &count), cases[i].worker);
		sched_free(sched);
	}
}

/* A class whose best worker is full leaves the others theirs; the least loaded of all classes wins.
 */
static void
classes_share_by_load(void **state)
{
	(void)state;
	struct sched *sched = sched_new(&(struct sched_options){0});
	struct need big = {.cores = 4};
	int count;
	assert_false(sched_fits(sched, &one_core));
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), -1);
	sched_add(sched, &one_core, 1);
	sched_add(sched, &big, 1);
	assert_int_equal(fill(sched, &big, MANY), 2);
	assert_int_equal(sched_held(sched, 1), 2);
	assert_int_equal(sched_pick(sched, &big, MANY, &count), -1);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 0);
	sched_sent(sched, 0, 2);
	sched_done(sched, 1, -1);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 1);
	sched_free(sched);
}

/* --- slots that come and go --- */

static void
slots_go_down_and_up(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 2, 4);
	int count;
	assert_int_equal(sched_total_slots(sched), 8);
	sched_slots(sched, 0, 0);
	assert_int_equal(sched_total_slots(sched), 4);
	assert_int_equal(fill(sched, &one_core, MANY), 8);
	assert_int_equal(sched_held(sched, 1), 8);
	sched_slots(sched, 1, 0);
	assert_int_equal(sched_total_slots(sched), 0);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), -1);
	assert_int_equal(sched_pick(sched, &one_core, 1, &count), -1);
	assert_true(sched_fits(sched, &one_core));
	sched_slots(sched, 0, 1);
	assert_int_equal(sched_pick(sched, &one_core, MANY, &count), 0);
	assert_int_equal(count, 2);
	sched_slots(sched, 1, 3); /* it still holds 8 */
	assert_int_equal(fill(sched, &one_core, MANY), 2);
	sched_free(sched);
}

/* --- polling --- */

static void
polls_stay_within_bounds(void **state)
{
	(void)state;
	static const struct {
		int64_t mean_ns, idle_ns, cap_ns;
	} cases[] = {
		{-1, 0, 5 * MS},
		{-1, 200 * MS, 5 * MS},
		{-1, 400 * MS, 10 * MS},
		{-1, 2 * S, 50 * MS},
		{-1, 3600 * S, 50 * MS},
		{MS, 0, 5 * MS},
		{S, 0, 5 * MS},
		{2 * S, 0, 10 * MS},
		{2 * S, 800 * MS, 20 * MS},
		{4 * S, 40 * MS, 20 * MS},
		{10 * S, 0, 50 * MS},
		{10000 * S, 0, 50 * MS},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sched *sched = sched_with(true, 1, 1);
		if (cases[i].mean_ns >= 0)
			one_ends(sched, 0, cases[i].mean_ns);
		assert_int_equal(
			sched_poll_cap_ns(sched, false, cases[i].idle_ns), cases[i].cap_ns);
		sched_free(sched);
	}
	struct sched *sched = sched_with(true, 1, 1);
	one_ends(sched, 0, 10 * S);
	assert_int_equal(sched_poll_cap_ns(sched, true, 0), MS / 5);
	assert_int_equal(sched_poll_cap_ns(sched, true, 400 * MS), 10 * MS);
	assert_int_equal(sched_poll_cap_ns(sched, true, 3600 * S), 50 * MS);
	sched_free(sched);
}

/* --- recall --- */

static void
recall_takes_from_the_longest_queue(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 3, 2);
	int count;
	assert_int_equal(sched_recall(sched, &count), -1); /* idle, but nothing is staged */
	sched_sent(sched, 0, 5);
	sched_sent(sched, 1, 7);
	sched_sent(sched, 2, 2);
	assert_int_equal(sched_recall(sched, &count), -1); /* staged, but nobody idles */
	sched_done(sched, 2, S);
	assert_int_equal(sched_recall(sched, &count), 1);
	assert_int_equal(count, 1);
	sched_done(sched, 2, S);
	assert_int_equal(sched_recall(sched, &count), 1);
	assert_int_equal(count, 2);
	for (int i = 0; i < 4; i++)
		sched_done(sched, 1, S);
	assert_int_equal(sched_recall(sched, &count), 0);
	assert_int_equal(count, 2);
	sched_slots(sched, 1, 0); /* three tasks that nobody there will run soon */
	assert_int_equal(sched_recall(sched, &count), 1);
	sched_free(sched);
}

static void
recall_takes_no_more_than_is_staged(void **state)
{
	(void)state;
	struct sched *sched = sched_with(false, 1, 2);
	sched_add(sched, &one_core, 64);
	int count;
	sched_sent(sched, 0, 5);
	assert_int_equal(sched_recall(sched, &count), 0);
	assert_int_equal(count, 3);
	sched_free(sched);
}

/* --- against a model --- */

enum { WORKERS_MAX = 200, OFFERS = 4, STEPS_PER_RUN = 4000 };

struct model_worker {
	struct need offer;
	int slots, held;
};

struct model {
	struct model_worker workers[WORKERS_MAX];
	int count;
	int total;
};

static const struct need model_offers[OFFERS] = {{.cores = 1}, {.cores = 2, .memory_mib = 100},
	{.cores = 8, .gpus = 1}, {.cores = 64, .gpus = 8, .memory_mib = 1000}};

static int
below(int n)
{
	return rand_r(&seed) % n;
}

static bool
model_fits(const struct need *need, const struct need *offer)
{
	return need->cores <= offer->cores && need->gpus <= offer->gpus &&
	       (!offer->memory_mib || need->memory_mib <= offer->memory_mib);
}

/* Fewest tasks per slot, then the lowest number. */
static int
model_best(const struct model *model, const struct need *need)
{
	int best = -1;
	for (int i = 0; i < model->count; i++) {
		const struct model_worker *at = &model->workers[i];
		if (!at->slots || !model_fits(need, &at->offer))
			continue;
		const struct model_worker *than = best < 0 ? NULL : &model->workers[best];
		if (!than || at->held * than->slots < than->held * at->slots)
			best = i;
	}
	return best;
}

/* Everything about the pick but how deep a queue may be: that has a table above. */
static void
check_pick(struct sched *sched, struct model *model, const struct need *need, uint64_t remaining)
{
	int count, best = model_best(model, need);
	int worker = sched_pick(sched, need, remaining, &count);
	uint64_t slots = model->total ? (uint64_t)model->total : 1;
	uint64_t share = (remaining + slots - 1) / slots;
	if (worker < 0) { /* then even the least loaded has one task a slot */
		assert_true(best < 0 || model->workers[best].held >= model->workers[best].slots);
		return;
	}
	assert_int_equal(worker, best);
	struct model_worker *to = &model->workers[worker];
	assert_in_range(count, 1, 256);
	assert_true((uint64_t)(to->held + count) <= share * (uint64_t)to->slots);
	count = 1 + below(count);
	sched_sent(sched, worker, count);
	to->held += count;
}

static void
check_recall(const struct sched *sched, const struct model *model)
{
	int idle = 0, most = 0;
	double excess = 0;
	for (int i = 0; i < model->count; i++) {
		const struct model_worker *at = &model->workers[i];
		idle += at->held < at->slots ? at->slots - at->held : 0;
		double own =
			at->slots ? (double)(at->held - at->slots) / at->slots : at->held * 1e9;
		excess = own > excess ? own : excess;
	}
	int count, worker = sched_recall(sched, &count);
	assert_int_equal(worker >= 0, idle && excess > 0);
	if (worker < 0)
		return;
	const struct model_worker *from = &model->workers[worker];
	most = from->held - from->slots;
	assert_true(most > 0);
	assert_int_equal(count, most < idle ? most : idle);
	assert_true(!from->slots || (double)most / from->slots >= excess);
}

static void
random_step(struct sched *sched, struct model *model)
{
	int what = below(10), i = model->count ? below(model->count) : 0;
	struct model_worker *worker = &model->workers[i];
	if ((what == 0 && model->count < WORKERS_MAX) || !model->count) {
		struct model_worker new = {.offer = model_offers[below(OFFERS)], .slots = below(9)};
		assert_int_equal(sched_add(sched, &new.offer, new.slots), model->count);
		model->workers[model->count++] = new;
		model->total += new.slots;
	} else if (what == 1) {
		int slots = below(9);
		sched_slots(sched, i, slots);
		model->total += slots - worker->slots;
		worker->slots = slots;
	} else if (what <= 5 && worker->held) {
		for (int n = 1 + below(worker->held); n > 0; n--, worker->held--)
			sched_done(sched, i, below(3) ? below(1 << 24) : -1);
	} else {
		struct need need = {.cores = (uint16_t)(1 << below(7)),
			.gpus = (uint16_t)below(2),
			.memory_mib = (uint32_t)below(200)};
		uint64_t remaining = 1 + (uint64_t)below(below(2) ? 1000 : 1 << 30);
		check_pick(sched, model, &need, remaining);
	}
}

static void
picks_as_the_model_does(void **state)
{
	(void)state;
	for (int run = 0; run < 20; run++) {
		struct sched *sched = sched_with(run % 2, 0, 0);
		struct model model = {0};
		for (int step = 0; step < STEPS_PER_RUN; step++) {
			random_step(sched, &model);
			assert_int_equal(sched_total_slots(sched), model.total);
			if (step % 16 == 0)
				check_recall(sched, &model);
		}
		for (int i = 0; i < model.count; i++)
			assert_int_equal(sched_held(sched, i), model.workers[i].held);
		sched_free(sched);
	}
	sched_free(NULL);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_loaded_is_served_first),
		cmocka_unit_test(load_counts_per_slot),
		cmocka_unit_test(depth_follows_the_mean),
		cmocka_unit_test(tail_leaves_no_slot_idle),
		cmocka_unit_test(batches_are_capped),
		cmocka_unit_test(mean_of_nothing_is_bounded),
		cmocka_unit_test(mean_follows_the_last_tasks),
		cmocka_unit_test(needs_go_where_they_fit),
		cmocka_unit_test(classes_share_by_load),
		cmocka_unit_test(slots_go_down_and_up),
		cmocka_unit_test(polls_stay_within_bounds),
		cmocka_unit_test(recall_takes_from_the_longest_queue),
		cmocka_unit_test(recall_takes_no_more_than_is_staged),
		cmocka_unit_test(picks_as_the_model_does),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)clock_unix_us();
	print_message("seed %u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
