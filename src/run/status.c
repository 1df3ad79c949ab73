/* status.json. */
#include "run/status.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "run/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const status_state_names[STATUS_STATES] = {
	[STATUS_RUNNING] = "running",
	[STATUS_FINISHED] = "finished",
	[STATUS_STOPPED] = "stopped",
	[STATUS_BROKEN] = "broken",
};

/* --- writing --- */

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
reasons(const struct status *status)
{
	json_t *object = json_object();
	for (int i = 0; i < RESULT_REASONS; i++)
		json_object_set_new(object, result_reason_names[i], number(status->by_reason[i]));
	return object;
}

static json_t *
running_tasks(const struct status *status)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < status->nrunning; i++) {
		const struct status_task *task = &status->running_tasks[i];
		json_t *object = json_object();
		json_object_set_new(object, "index", number(task->index));
		json_object_set_new(object, "host", json_text(task->host));
		json_object_set_new(object, "rank", json_integer(task->rank));
		json_object_set_new(object, "start_us", json_integer(task->start_us));
		json_object_set_new(object, "command", json_text(task->command));
		if (*task->element)
			json_object_set_new(object, "element", json_text(task->element));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *
hosts(const struct status *status)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < status->nhosts; i++) {
		const struct status_host *host = &status->hosts[i];
		json_t *object = json_object();
		json_object_set_new(object, "host", json_text(host->host));
		json_object_set_new(object, "slots", json_integer(host->slots));
		json_object_set_new(object, "busy", json_integer(host->busy));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *
status_object(const struct status *status)
{
	json_t *object = json_object();
	json_object_set_new(object, "state", json_text(status_state_names[status->state]));
	json_object_set_new(object, "exit_code", json_integer(status->exit_code));
	json_object_set_new(object, "session", json_integer(status->session));
	json_object_set_new(object, "beat", number(status->beat));
	json_object_set_new(object, "start_us", json_integer(status->start_us));
	json_object_set_new(object, "now_us", json_integer(status->now_us));
	json_object_set_new(object, "tasks", number(status->tasks));
	json_object_set_new(object, "tasks_about", number(status->tasks_about));
	json_object_set_new(object, "done_before", number(status->done_before));
	json_object_set_new(object, "skipped", number(status->skipped));
	json_object_set_new(object, "ended", reasons(status));
	json_object_set_new(object, "rate", json_real(status->rate));
	json_object_set_new(object, "eta_s", json_real(status->eta_s));
	json_object_set_new(object, "deadline_us", json_integer(status->deadline_us));
	json_object_set_new(object, "slots", json_integer(status->slots));
	json_object_set_new(object, "busy", json_integer(status->busy));
	json_object_set_new(object, "running", number(status->running));
	json_object_set_new(object, "running_tasks", running_tasks(status));
	json_object_set_new(object, "hosts", hosts(status));
	return object;
}

void
status_format(struct buf *buf, const struct status *status)
{
	json_t *object = status_object(status);
	char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	if (text)
		buf_append_string(buf, text);
	buf_append(buf, "\n", 1);
	free(text);
	json_decref(object);
}

int
status_write(const char *run_dir, const char *text, size_t len, struct err *err)
{
	struct buf path = {0};
	buf_printf(&path, "%s/status.json%c", run_dir, 0);
	int got = json_replace(path.data, text, len, err);
	buf_clear(&path);
	return got;
}

/* --- reading: what is not there, or of another kind, is 0 --- */

static int64_t
get(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static double
get_real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static void
get_text(const json_t *object, const char *name, char *room, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));
	snprintf(room, size, "%s", text ? text : "");
}

static void
get_running(const json_t *object, struct status *status)
{
	const json_t *array = json_object_get(object, "running_tasks");
	size_t count = json_array_size(array);
	status->nrunning = (uint32_t)(count < STATUS_RUNNING_MAX ? count : STATUS_RUNNING_MAX);
	status->running_tasks = xcalloc(status->nrunning + 1, sizeof(*status->running_tasks));
	for (uint32_t i = 0; i < status->nrunning; i++) {
		const json_t *from = json_array_get(array, i);
		struct status_task *task = &status->running_tasks[i];
		task->index = (uint64_t)get(from, "index");
		task->rank = (int)get(from, "rank");
		task->start_us = get(from, "start_us");
		get_text(from, "host", task->host, sizeof(task->host));
		get_text(from, "command", task->command, sizeof(task->command));
		get_text(from, "element", task->element, sizeof(task->element));
	}
}

static void
get_hosts(const json_t *object, struct status *status)
{
	const json_t *array = json_object_get(object, "hosts");
	size_t count = json_array_size(array);
	status->nhosts = (uint32_t)(count < STATUS_HOSTS_MAX ? count : STATUS_HOSTS_MAX);
	status->hosts = xcalloc(status->nhosts + 1, sizeof(*status->hosts));
	for (uint32_t i = 0; i < status->nhosts; i++) {
		const json_t *from = json_array_get(array, i);
		get_text(from, "host", status->hosts[i].host, sizeof(status->hosts[i].host));
		status->hosts[i].slots = (int)get(from, "slots");
		status->hosts[i].busy = (int)get(from, "busy");
	}
}

static int
get_state(const json_t *object, enum status_state *state)
{
	char text[32];
	get_text(object, "state", text, sizeof(text));
	for (int i = 0; i < STATUS_STATES; i++) {
		if (strcmp(text, status_state_names[i]) != 0)
			continue;
		*state = (enum status_state)i;
		return 0;
	}
	return -1;
}

int
status_read(const char *run_dir, struct status *status, struct err *err)
{
	struct buf path = {0};
	struct status made = {0};
	buf_printf(&path, "%s/status.json%c", run_dir, 0);
	json_t *object = json_read(path.data, err);
	if (object && get_state(object, &made.state) < 0)
		err_set(err, "%s: not the status of a run: expected a known \"state\"", path.data);
	buf_clear(&path);
	if (!object || get_state(object, &made.state) < 0) {
		json_decref(object);
		return -1;
	}
	made.exit_code = (int)get(object, "exit_code");
	made.session = (int)get(object, "session");
	made.beat = (uint64_t)get(object, "beat");
	made.start_us = get(object, "start_us");
	made.now_us = get(object, "now_us");
	made.tasks = (uint64_t)get(object, "tasks");
	made.tasks_about = (uint64_t)get(object, "tasks_about");
	made.done_before = (uint64_t)get(object, "done_before");
	made.skipped = (uint64_t)get(object, "skipped");
	const json_t *ended = json_object_get(object, "ended");
	for (int i = 0; i < RESULT_REASONS; i++)
		made.by_reason[i] = (uint64_t)get(ended, result_reason_names[i]);
	made.rate = get_real(object, "rate");
	made.eta_s = get_real(object, "eta_s");
	made.deadline_us = get(object, "deadline_us");
	made.slots = (int)get(object, "slots");
	made.busy = (int)get(object, "busy");
	made.running = (uint64_t)get(object, "running");
	get_running(object, &made);
	get_hosts(object, &made);
	json_decref(object);
	*status = made;
	return 0;
}

void
status_clear(struct status *status)
{
	free(status->running_tasks);
	free(status->hosts);
	*status = (struct status){0};
}
