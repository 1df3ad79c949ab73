/* What those who watch a run are told: status.json, by way of the journal's thread. */
#include "master/snapshot.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "master/internal.h"
#include "run/journal.h"
#include "run/status.h"
#include "sched/sched.h"
#include "tasks/source.h"
#include "tasks/task.h"
#include "ui/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_NS CLOCK_NS_PER_S
#define BEAT_NS (STATUS_BEAT_S * CLOCK_NS_PER_S)

static int
compare_starts(const void *a, const void *b)
{
	int64_t left = (*(const struct flight *const *)a)->started_us;
	int64_t right = (*(const struct flight *const *)b)->started_us;
	return (left > right) - (left < right);
}

/* The longest-running, and how many tasks each worker holds. */
static void
fill_running(const struct master *master, struct status *status, int *held)
{
	size_t at = 0, n = 0;
	struct flight *flight;
	const struct flight **running =
		xcalloc(flights_count(master->flights) + 1, sizeof(struct flight *));
	while ((flight = flights_next(master->flights, &at))) {
		held[flight->worker] += !flight->ended;
		if (flight->running && !flight->ended)
			running[n++] = flight;
	}
	qsort(running, n, sizeof(struct flight *), compare_starts);
	status->running = n;
	status->nrunning = (uint32_t)(n < STATUS_RUNNING_MAX ? n : STATUS_RUNNING_MAX);
	status->running_tasks = xcalloc(status->nrunning + 1, sizeof(*status->running_tasks));
	for (uint32_t i = 0; i < status->nrunning; i++) {
		const struct task *task = running[i]->task;
		const struct hello *hello = &master->members.list[running[i]->worker].hello;
		struct status_task *to = &status->running_tasks[i];
		*to = (struct status_task){.index = task->index,
			.rank = hello->rank,
			.start_us = running[i]->started_us};
		snprintf(to->host, sizeof(to->host), "%.63s", hello->host);
		size_t cut =
			utf8_cut(task->command, strlen(task->command), sizeof(to->command) - 1);
		memcpy(to->command, task->command, cut); /* and a zero behind it */
		const char *element = task_element(task, &cut);
		if (cut < sizeof(to->element))
			memcpy(to->element, element, cut);
	}
	free(running);
}

static struct status_host *
find_host(struct status *status, const char *name)
{
	for (uint32_t i = 0; i < status->nhosts; i++)
		if (strncmp(status->hosts[i].host, name, sizeof(status->hosts[i].host) - 1) == 0)
			return &status->hosts[i];
	if (status->nhosts == STATUS_HOSTS_MAX)
		return NULL;
	struct status_host *host = &status->hosts[status->nhosts++];
	snprintf(host->host, sizeof(host->host), "%.63s", name);
	return host;
}

static void
fill_hosts(const struct master *master, struct status *status, const int *held)
{
	const struct members *members = &master->members;
	status->hosts = xcalloc((size_t)members->count + 1, sizeof(*status->hosts));
	for (int i = 0; i < members->count; i++) {
		const struct member *member = &members->list[i];
		int busy = held[i] < member->open_slots ? held[i] : member->open_slots;
		struct status_host *host = find_host(status, member->hello.host);
		status->slots += member->open_slots;
		status->busy += busy;
		if (!host)
			continue;
		host->slots += member->open_slots;
		host->busy += busy;
	}
}

void
master_status(const struct master *master, struct status *status)
{
	const struct master_options *options = &master->options;
	*status = (struct status){.state = STATUS_RUNNING,
		.session = options->session_number,
		.beat = master->snapshots,
		.start_us = options->start_us,
		.now_us = clock_unix_us(),
		.done_before = supply_all_done_before(master->supply),
		.skipped = supply_left_out(master->supply),
		.deadline_us = options->deadline_us,
		.eta_s = -1};
	bool about;
	status->tasks_about = supply_tasks(master->supply, &about);
	status->tasks = about ? 0 : status->tasks_about;
	const struct observer *observer = options->observer;
	if (observer && observer->ops->forecast)
		observer->ops->forecast(observer, &status->rate, &status->eta_s);
	memcpy(status->by_reason, master->by_reason, sizeof(status->by_reason));
	int *held = xcalloc((size_t)master->members.count + 1, sizeof(*held));
	fill_running(master, status, held);
	fill_hosts(master, status, held);
	free(held);
}

int64_t
master_snapshot_due_ns(const struct master *master)
{
	bool changed = master->active_ns > master->snapshot_ns;
	return master->options.journal ? master->snapshot_ns + (changed ? SNAPSHOT_NS : BEAT_NS)
				       : CLOCK_NEVER;
}

void
master_snapshot(struct master *master, int64_t now_ns)
{
	if (master->finished || now_ns < master_snapshot_due_ns(master))
		return;
	master->snapshot_ns = now_ns;
	master->snapshots++;
	struct status status;
	struct buf text = {0};
	master_status(master, &status);
	status_format(&text, &status);
	status_clear(&status);
	journal_status(master->options.journal, &text);
	buf_clear(&text);
}
