/* What workers say. */
#include "master/receive.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pack.h"
#include "master/internal.h"
#include "master/landing.h"
#include "master/stop.h"
#include "sched/sched.h"
#include "tasks/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STARTED_US = 200000 }; /* STARTED is sent when a task has run that long */

/* When for this long no process can be made anywhere, tasks fail of it. */
#define STARVED_NS (30 * CLOCK_NS_PER_S)
#define NO_ROOM_SAID_NS (60 * CLOCK_NS_PER_S)

static void
report_hello(struct master *master, const struct hello *hello)
{
	if (hello->search_paths != master->options.search_paths && !master->paths_reported) {
		log_warning(
			"PATH or LD_LIBRARY_PATH of rank %d (%s) differs from rank 0's: "
			"commands may be found elsewhere there (--env-from-master sends rank 0's)",
			(int)hello->rank, hello->host);
		master->paths_reported = true;
	}
}

bool
master_report_host(const struct hello *hello)
{
	if (!hello->oversubscribed && !hello->taken_cores && !hello->withheld_cores)
		return false;
	uint32_t usable = hello->host_cores, taken = hello->taken_cores;
	char others[40] = "";
	if (hello->withheld_cores)
		log_info("%u of %u cores of %s are left alone: by SLURM_CPUS_ON_NODE they are not "
			 "this job's",
			hello->withheld_cores, hello->withheld_cores + usable, hello->host);
	if (taken)
		snprintf(others, sizeof(others), "; other runs have %u", taken);
	if (!usable)
		log_warning("other runs have all %u core%s of %s: tasks share them", taken,
			taken == 1 ? "" : "s", hello->host);
	else if (hello->oversubscribed)
		log_warning("too few cores on %s: its slots want %u, and %u can be used%s: tasks "
			    "share them",
			hello->host, hello->host_slots * hello->offer.cores, usable, others);
	else if (taken)
		log_info("other runs have %u of the %u cores of %s", taken, taken + usable,
			hello->host);
	return true;
}

/* Once all are here: what is special about the cores of some host, and cores that no slot uses. */
static void
report_cores(const struct master *master)
{
	const struct members *members = &master->members;
	int usable, leased;
	members_cores(members, &usable, &leased);
	for (int i = 0; i < members->count; i++) {
		const struct hello *hello = &members->list[i].hello;
		if (!master_report_host(hello))
			continue;
		if (hello->oversubscribed)
			return;
		break;
	}
	if (leased < usable)
		log_info("%d of %d usable cores have no slot (-j auto on one rank per host uses "
			 "all%s)",
			usable - leased, usable,
			members->count > 1 ? ", --master-works gives rank 0 a slot" : "");
}

static void
handle_hello(struct master *master, int peer, uint32_t id, struct unpack *in)
{
	struct hello hello;
	if (!hello_unpack(in, &hello))
		die(4, "the HELLO of rank %d cannot be read", peer);
	report_hello(master, &hello);
	int slots = (int)hello.nslots;
	struct need offer = hello.offer;
	struct message_link link = {.transport = master->options.transport,
		.session = master->options.session,
		.worker = id};
	int number = members_add(&master->members, peer, &hello, &link);
	sched_add(master->sched, &offer, slots);
	if (master->members.count + master->gone == master->options.workers)
		report_cores(master);
	struct member *member = &master->members.list[number];
	if (master->draining) {
		message_begin(&member->link, MESSAGE_DRAIN);
		message_send(&member->link, peer);
	}
}

static void
handle_results(struct master *master, struct unpack *in)
{
	for (uint32_t left = unpack_u32(in); left && !in->bad; left--) {
		struct result result = result_unpack(in);
		struct flight *flight =
			in->bad ? NULL : flights_find(master->flights, result.index);
		if (flight && result.slot >= master->members.list[flight->worker].hello.nslots)
			in->bad = true;
		else if (flight && flight->task->attempt == result.attempt)
			master_task_ended(master, flight, &result);
	}
}

static void
is_running(struct flight *flight, int64_t since_us)
{
	if (!flight->running)
		flight->started_us = since_us;
	flight->running = true;
}

static void
handle_started(struct master *master, struct unpack *in)
{
	for (uint32_t left = unpack_u32(in); left && !in->bad; left--) {
		struct flight *flight = flights_find(master->flights, unpack_u64(in));
		if (flight)
			is_running(flight, clock_unix_us() - STARTED_US);
	}
}

/* No process could be made for a task. Has none ended, or been running, for a while? */
static bool
is_starved(struct master *master)
{
	struct flight *flight;
	for (size_t at = 0; (flight = flights_next(master->flights, &at));)
		if (flight->running && !flight->ended)
			return false;
	if (!master->no_room_ns)
		master->no_room_ns = master->active_ns;
	return master->active_ns - master->no_room_ns >= STARVED_NS;
}

static void
fail_for_no_room(struct master *master, struct flight *flight)
{
	struct result result = {.index = flight->task->index,
		.attempt = flight->task->attempt,
		.slot = UINT16_MAX,
		.reason = RESULT_SPAWN,
		.step = STEP_CLONE,
		.error = EAGAIN,
		.exit_code = 126,
		.start_us = clock_unix_us()};
	master_task_ended(master, flight, &result);
}

static void
handle_recalled(struct master *master, struct unpack *in)
{
	for (uint32_t left = unpack_u32(in); left && !in->bad; left--) {
		struct flight *flight = flights_find(master->flights, unpack_u64(in));
		enum recalled how = unpack_u8(in);
		if (!flight || flight->ended)
			continue;
		master_recall_answered(master, flight);
		if (how == RECALLED_NO_ROOM && !master->stop && is_starved(master))
			fail_for_no_room(master, flight);
		else if (how != RECALLED_LATE)
			master_task_returned(master, flight);
		else
			is_running(flight, clock_unix_us());
	}
}

static struct member_slot *
slot_of(struct member *member, struct unpack *in)
{
	uint32_t slot = unpack_u32(in);
	if (in->bad || slot >= member->hello.nslots)
		die(4, "rank %d speaks of a slot it does not have", member->hello.rank);
	return &member->slots[slot];
}

static void
handle_slot_up(struct master *master, struct member *member, struct unpack *in)
{
	struct member_slot *slot = slot_of(member, in);
	struct cpus cpus = cpus_unpack(in);
	char text[CPUS_TEXT_MAX];
	free(slot->cores);
	slot->cores = xstrdup(cpus_format(&cpus, text, sizeof(text)));
	if (slot->down)
		sched_slots(
			master->sched, (int)(member - master->members.list), ++member->open_slots);
	slot->down = false;
}

/* Every slot of a host meets the same limit, and meets it again and again. */
static bool
may_say_no_room(struct master *master)
{
	int64_t now = clock_now_ns();
	bool may = now >= master->no_room_said_ns + NO_ROOM_SAID_NS || !master->no_room_said_ns;
	if (may)
		master->no_room_said_ns = now;
	return may;
}

static void
handle_slot_down(struct master *master, struct member *member, struct unpack *in)
{
	struct member_slot *slot = slot_of(member, in);
	enum slot_end end = unpack_u8(in);
	bool for_ever = end == SLOT_CLOSED || end == SLOT_UNSAFE;
	char why[512];
	unpack_string(in, why, sizeof(why));
	if (end == SLOT_UNSAFE) {
		log_error("slot %u on %s: outputs may be lost: %s", slot->number,
			member->hello.host, why);
		master_stop(master, STOP_FAILURE);
	} else if (*why && !master->stop && (end != SLOT_WAITS || may_say_no_room(master))) {
		log_warning("slot %u on %s: %s; %s", slot->number, member->hello.host, why,
			for_ever	    ? "it is closed"
			: end == SLOT_WAITS ? "its tasks go elsewhere meanwhile"
					    : "it gets a new one");
	}
	if (!slot->down)
		sched_slots(
			master->sched, (int)(member - master->members.list), --member->open_slots);
	slot->down = true;
	slot->closed = slot->closed || for_ever;
}

static void
handle_output(struct master *master, enum message_type type, struct unpack *in)
{
	struct flight *flight = flights_find(master->flights, unpack_u64(in));
	if (type == MESSAGE_OUT_CHUNK) {
		int stream = unpack_u8(in);
		size_t len;
		const char *data = unpack_bytes(in, &len);
		if (flight && !in->bad && (stream == 1 || stream == 2))
			output_chunk(master->output, flight, stream, data, len);
	} else if (type == MESSAGE_OUT_OFFER) {
		if (flight)
			output_offered(master->output, flight);
	} else {
		bool whole = unpack_u8(in);
		if (flight && whole)
			output_fetched(master->output, flight);
		else if (flight && flight->ended && flight->result.reason != RESULT_OK)
			master_task_gone(master, flight, flight->result.reason);
		else if (flight)
			master_task_gone(master, flight, RESULT_LOST);
	}
}

void
master_message(struct master *master, int peer, const struct message_head *head, struct unpack *in,
	int64_t now_ns)
{
	if (head->type != MESSAGE_HEARTBEAT)
		master->active_ns = now_ns;
	if (head->type == MESSAGE_HELLO) {
		handle_hello(master, peer, head->worker, in);
		return;
	}
	struct member *member = members_of_peer(&master->members, peer);
	if (member && member->lost) /* its tasks are recorded as lost already */
		return;
	if (member)
		member->unheard = 0;
	if (!member || member->link.worker != head->worker)
		die(4, "a %s message from rank %d, which has not said who it is",
			message_names[head->type], peer);
	switch (head->type) {
	case MESSAGE_RESULTS:
		handle_results(master, in);
		break;
	case MESSAGE_STARTED:
		handle_started(master, in);
		break;
	case MESSAGE_RECALLED:
		handle_recalled(master, in);
		break;
	case MESSAGE_SLOT_UP:
		handle_slot_up(master, member, in);
		break;
	case MESSAGE_SLOT_DOWN:
		handle_slot_down(master, member, in);
		break;
	case MESSAGE_OUT_OFFER:
	case MESSAGE_OUT_CHUNK:
	case MESSAGE_OUT_END:
		handle_output(master, head->type, in);
		break;
	case MESSAGE_HEARTBEAT:
		unpack_i64(in);
		break;
	case MESSAGE_BYE:
		member->bye = true;
		master->said_bye++;
		break;
	default:
		die(4, "the master cannot take a %s message", message_names[head->type]);
	}
	if (!unpack_ok(in))
		die(4, "a %s message from rank %d cannot be read", message_names[head->type], peer);
}
