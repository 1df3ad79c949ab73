/* Reading journals back, matching them with lists, and disks that lose what was not synced. */
#include "base/buf.h"
#include "base/err.h"
#include "run/reader.h"
#include "run/record.h"
#include "run/resume.h"
#include "run/store.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include "scratch.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned seed;

static unsigned
below(unsigned limit)
{
	return (unsigned)rand_r(&seed) % limit;
}

/* --- journals --- */

static struct task
task_of(uint64_t index, const char *command)
{
	return (struct task){.index = index,
		.attempt = 1,
		.command = command,
		.command_len = strlen(command),
		.cwd = "",
		.input = "",
		.out = "",
		.err = "",
		.env = ""};
}

static uint64_t
id_of(const char *command)
{
	struct task task = task_of(1, command);
	return task_identity(&task);
}

static void
add_record(struct buf *buf, int session, uint64_t index, const char *command, uint8_t reason)
{
	struct task task = task_of(index, command);
	record_append(buf, &(struct record){.session = session,
				   .host = "node\t1",
				   .rank = 2,
				   .slot = 3,
				   .cores = "0-1",
				   .task = &task,
				   .result = &(struct result){.index = index,
					   .attempt = 1,
					   .reason = reason,
					   .exit_code = reason == RESULT_OK ? 0 : 7,
					   .start_us = INT64_C(1700000000123456),
					   .runtime_ns = 1500000000,
					   .user_us = 2000001,
					   .maxrss_kib = 4096,
					   .out_bytes = 5,
					   .err_bytes = 6,
					   .strays = 1}});
}

static void
write_journal(int session, const char *data, size_t len)
{
	char path[64];
	mkdir("run", 0777);
	snprintf(path, sizeof(path), "run/journal.%d.tsv", session);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
clear_journals(void)
{
	for (int session = 1; session < 10; session++) {
		char path[64];
		snprintf(path, sizeof(path), "run/journal.%d.tsv", session);
		unlink(path);
	}
}

static const char *const awkward[] = {"echo a", "tab\there", "new\nline", "back\\slash \\t",
	"\x01\x7f\xff", "echo a", "", "caf\xc3\xa9"};
enum { AWKWARD = sizeof(awkward) / sizeof(awkward[0]) };

/* A journal of the awkward commands; where each line begins goes to LINES. */
static void
make_journal(struct buf *buf, size_t lines[AWKWARD + 1])
{
	record_header(buf);
	for (int i = 0; i < AWKWARD; i++) {
		lines[i] = buf->len;
		add_record(buf, 1, (uint64_t)i + 1, awkward[i], RESULT_OK);
	}
	lines[AWKWARD] = buf->len;
}

static void
records_are_read_back(void **state)
{
	(void)state;
	struct buf buf = {0}, command = {0}, host = {0};
	size_t lines[AWKWARD + 1];
	struct err err;
	make_journal(&buf, lines);
	write_journal(1, buf.data, buf.len);
	struct reader *reader = reader_open("run/journal.1.tsv", &err);
	assert_non_null(reader);
	struct reader_record record;
	for (int i = 0; i < AWKWARD; i++) {
		assert_int_equal(reader_next(reader, &record, &err), 1);
		assert_int_equal(record.session, 1);
		assert_int_equal(record.result.index, i + 1);
		assert_int_equal(record.result.reason, RESULT_OK);
		assert_int_equal(record.result.start_us, INT64_C(1700000000123456));
		assert_int_equal(record.result.runtime_ns, 1500000000);
		assert_int_equal(record.result.user_us, 2000001);
		assert_int_equal(record.result.maxrss_kib, 4096);
		assert_int_equal(record.result.out_bytes, 5);
		assert_int_equal(record.rank, 2);
		assert_int_equal(record.slot, 3);
		assert_int_equal(record.id, id_of(awkward[i]));
		buf_consume(&command, command.len);
		reader_unescape(&command, record.command.text, record.command.len);
		assert_int_equal(command.len, strlen(awkward[i]));
		if (command.len)
			assert_memory_equal(command.data, awkward[i], command.len);
	}
	reader_unescape(&host, record.host.text, record.host.len);
	assert_memory_equal(host.data, "node\t1", 6);
	assert_int_equal(reader_next(reader, &record, &err), 0);
	reader_free(reader);
	buf_clear(&buf);
	buf_clear(&command);
	buf_clear(&host);
}

/* How many successes a journal of these bytes gives, -1 if it is refused; each is checked. */
static int
successes(const char *data, size_t len)
{
	struct err err;
	write_journal(1, data, len);
	struct reader *reader = reader_open("run/journal.1.tsv", &err);
	if (!reader) {
		assert_non_null(strstr(err.text, "run/journal.1.tsv"));
		return -1;
	}
	struct reader_record record;
	int count = 0;
	while (reader_next(reader, &record, &err) > 0) {
		assert_in_range(record.result.index, 1, AWKWARD);
		assert_int_equal(record.id, id_of(awkward[record.result.index - 1]));
		assert_int_equal(record.result.reason, RESULT_OK);
		count++;
	}
	reader_free(reader);
	return count;
}

static void
journal_cut_at_every_byte(void **state)
{
	(void)state;
	struct buf buf = {0};
	size_t lines[AWKWARD + 1];
	make_journal(&buf, lines);
	for (size_t len = 0; len <= buf.len; len++) {
		int whole = 0;
		while (whole < AWKWARD && lines[whole + 1] <= len)
			whole++;
		assert_int_equal(successes(buf.data, len), whole);
	}
	buf_clear(&buf);
}

/* Each single bit: at most one line is lost, or two that have become one; the head is refused. */
static void
journal_with_any_bit_flipped(void **state)
{
	(void)state;
	struct buf buf = {0};
	size_t lines[AWKWARD + 1];
	make_journal(&buf, lines);
	for (size_t byte = 0; byte < buf.len; byte++) {
		char flip = (char)(1 << below(8));
		buf.data[byte] ^= flip;
		int got = successes(buf.data, buf.len);
		if (byte < lines[0])
			assert_true(got <= 0);
		else
			assert_in_range(got, AWKWARD - 2, AWKWARD - 1);
		buf.data[byte] ^= flip;
	}
	buf_clear(&buf);
}

/*
 * A disk that, at a power failure, has everything up to the last sync, and of what came behind it
 * any sectors in any order: there, zeros, or garbage; and any length.
 */
static void
power_loss_keeps_what_was_synced(void **state)
{
	(void)state;
	enum { SECTOR = 512 };
	struct buf buf = {0};
	size_t lines[AWKWARD + 1];
	make_journal(&buf, lines);
	for (int round = 0; round < 1000; round++) {
		int synced = (int)below(AWKWARD + 1);
		size_t safe = lines[synced], len = safe + below((unsigned)(buf.len - safe) + 1);
		char *disk = test_malloc(len + 1);
		memcpy(disk, buf.data, len);
		for (size_t at = safe; at < len; at++)
			if (at == safe || at % SECTOR == 0) {
				size_t end = (at / SECTOR + 1) * SECTOR;
				end = end < len ? end : len;
				unsigned fate = below(3);
				for (size_t k = at; k < end && fate; k++)
					disk[k] = fate == 1 ? 0 : (char)below(256);
			}
		int got = successes(disk, len);
		assert_in_range(got, synced, AWKWARD);
		test_free(disk);
	}
	buf_clear(&buf);
}

/* --- matching --- */

enum { KINDS = 12, TASKS_MAX = 30 };

/* A list is what kind of command each task is. */
struct model_list {
	int kinds[TASKS_MAX];
	int count;
};

static const char *
command_of(int kind)
{
	static char commands[KINDS][16];
	snprintf(commands[kind], sizeof(commands[kind]), "kind %d", kind);
	return commands[kind];
}

static void
edit(struct model_list *list)
{
	for (unsigned edits = below(6); edits; edits--) {
		int at = list->count ? (int)below((unsigned)list->count) : 0;
		unsigned how = below(3);
		if (how == 0 && list->count < TASKS_MAX) { /* inserted */
			memmove(list->kinds + at + 1, list->kinds + at,
				(size_t)(list->count++ - at) * sizeof(int));
			list->kinds[at] = (int)below(KINDS);
		} else if (how == 1 && list->count) { /* removed */
			memmove(list->kinds + at, list->kinds + at + 1,
				(size_t)(--list->count - at) * sizeof(int));
		} else if (list->count) { /* two change places */
			int other = (int)below((unsigned)list->count), kept = list->kinds[at];
			list->kinds[at] = list->kinds[other];
			list->kinds[other] = kept;
		}
	}
}

/* Runs the session SESSION over the list: what is not done succeeds, fails or is not reached; then
 * the number done of each kind must be what the multiset says. */
static void
run_session(const struct model_list *list, int session, int done[KINDS])
{
	struct err err;
	struct buf journal = {0};
	struct resume *resume = resume_load("run", &err);
	assert_non_null(resume);
	int left[KINDS], seen[KINDS] = {0}, in_list[KINDS] = {0};
	memcpy(left, done, sizeof(left));
	for (int i = 0; i < list->count; i++) {
		resume_place(resume, (uint64_t)i + 1, id_of(command_of(list->kinds[i])));
		in_list[list->kinds[i]]++;
	}
	resume_placed(resume);
	for (int i = 0; i < list->count; i++)
		resume_verdict(resume, (uint64_t)i + 1, id_of(command_of(list->kinds[i])));
	resume_again(resume);
	record_header(&journal);
	for (int i = 0; i < list->count; i++) {
		int kind = list->kinds[i];
		const char *command = command_of(kind);
		enum resume_verdict verdict =
			resume_verdict(resume, (uint64_t)i + 1, id_of(command));
		seen[kind] += verdict == RESUME_DONE;
		uint8_t reason = below(2) ? RESULT_OK : below(2) ? RESULT_EXIT : RESULT_CANCELLED;
		if (verdict == RESUME_DONE || below(4) == 0)
			continue;
		add_record(&journal, session, (uint64_t)i + 1, command, reason);
		done[kind] += reason == RESULT_OK;
	}
	for (int kind = 0; kind < KINDS; kind++)
		assert_int_equal(
			seen[kind], left[kind] < in_list[kind] ? left[kind] : in_list[kind]);
	resume_free(resume);
	write_journal(session, journal.data, journal.len);
	buf_clear(&journal);
}

static void
edited_lists_are_matched_as_multisets(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		struct model_list list = {.count = (int)below(TASKS_MAX)};
		int done[KINDS] = {0};
		clear_journals();
		for (int i = 0; i < list.count; i++)
			list.kinds[i] = (int)below(KINDS);
		for (int session = 1; session < 5; session++) {
			run_session(&list, session, done);
			edit(&list);
		}
	}
}

/* A line is gone from the front of a list with many equal tasks: all of it stands elsewhere. */
static void
many_moved_tasks_are_matched(void **state)
{
	(void)state;
	enum { MANY = 20000, OTHERS = 3000 };
	struct err err;
	struct buf journal = {0};
	static int done[OTHERS], found[OTHERS], listed[OTHERS], kinds[MANY];
	char command[16];
	memset(done, 0, sizeof(done));
	memset(found, 0, sizeof(found));
	memset(listed, 0, sizeof(listed));
	clear_journals();
	record_header(&journal);
	for (int i = 0; i < MANY; i++) {
		kinds[i] = below(2) ? 0 : (int)below(OTHERS);
		snprintf(command, sizeof(command), "other %d", kinds[i]);
		uint8_t reason = below(3) ? RESULT_OK : RESULT_EXIT;
		add_record(&journal, 1, (uint64_t)i + 1, command, reason);
		done[kinds[i]] += reason == RESULT_OK;
	}
	write_journal(1, journal.data, journal.len);
	buf_clear(&journal);
	struct resume *resume = resume_load("run", &err);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 1; i < MANY; i++) {
			snprintf(command, sizeof(command), "other %d", kinds[i]);
			listed[kinds[i]] += pass;
			if (pass == 0)
				resume_place(resume, (uint64_t)i, id_of(command));
			else
				found[kinds[i]] += resume_verdict(resume, (uint64_t)i,
							   id_of(command)) == RESUME_DONE;
		}
		if (pass == 0)
			resume_placed(resume);
	}
	uint64_t rest = 0;
	for (int k = 0; k < OTHERS; k++) {
		int expected = done[k] < listed[k] ? done[k] : listed[k];
		assert_int_equal(found[k], expected);
		rest += (uint64_t)(done[k] - expected);
	}
	assert_int_equal(resume_unmatched(resume), rest);
	resume_free(resume);
}

static void
equal_tasks_at_their_own_place_go_first(void **state)
{
	(void)state;
	struct err err;
	struct buf journal = {0};
	clear_journals();
	record_header(&journal);
	add_record(&journal, 1, 2, "same", RESULT_OK);
	add_record(&journal, 1, 3, "other", RESULT_EXIT);
	add_record(&journal, 1, 4, "late", RESULT_CANCELLED);
	write_journal(1, journal.data, journal.len);
	buf_clear(&journal);
	struct resume *resume = resume_load("run", &err);
	static const char *const list[] = {"same", "same", "other", "late", "new"};
	static const enum resume_verdict expected[] = {
		RESUME_NEW, RESUME_DONE, RESUME_FAILED, RESUME_NEW, RESUME_NEW};
	assert_int_equal(resume_known(resume), 4);
	for (int i = 0; i < 4; i++)
		resume_place(resume, (uint64_t)i + 1, id_of(list[i]));
	resume_placed(resume);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(resume_ahead(resume), i < 2);
		assert_int_equal(
			resume_verdict(resume, (uint64_t)i + 1, id_of(list[i])), expected[i]);
	}
	assert_int_equal(resume_moved(resume), 0);
	resume_free(resume);
}

/* The second of the equal tasks failed, the first, which stands behind it now, did not. */
static void
failure_stays_when_a_success_comes_to_its_place(void **state)
{
	(void)state;
	struct err err;
	struct buf journal = {0};
	clear_journals();
	record_header(&journal);
	add_record(&journal, 1, 1, "same", RESULT_OK);
	add_record(&journal, 1, 2, "same", RESULT_EXIT);
	add_record(&journal, 1, 3, "other", RESULT_OK);
	write_journal(1, journal.data, journal.len);
	buf_clear(&journal);
	struct resume *resume = resume_load("run", &err);
	static const char *const list[] = {"new", "same", "same"};
	static const enum resume_verdict expected[] = {RESUME_NEW, RESUME_DONE, RESUME_FAILED};
	for (int i = 0; i < 3; i++)
		resume_place(resume, (uint64_t)i + 1, id_of(list[i]));
	resume_placed(resume);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			resume_verdict(resume, (uint64_t)i + 1, id_of(list[i])), expected[i]);
	assert_int_equal(resume_moved(resume), 1);
	assert_int_equal(resume_unmatched(resume), 1);
	resume_free(resume);
}

static void
stored_outputs_are_verified(void **state)
{
	(void)state;
	struct err err;
	struct buf journal = {0};
	clear_journals();
	struct store *store = store_new("run", 1, 0, 1);
	record_header(&journal);
	for (uint64_t i = 1; i <= 3; i++) {
		char text[16], command[16];
		snprintf(text, sizeof(text), "output %d\n", (int)i);
		snprintf(command, sizeof(command), "task %d", (int)i);
		assert_int_equal(store_write(store, text, strlen(text), &err), 0);
		struct stored stored = store_end(store);
		struct task task = task_of(i, command);
		record_append(&journal, &(struct record){.session = 1,
						.host = "h",
						.slot = 1,
						.cores = "",
						.task = &task,
						.result = &(struct result){.index = i,
							.attempt = 1,
							.out_bytes = strlen(text),
							.stored = true,
							.stored_at = stored.offset,
							.stored_sum = stored.sum}});
	}
	store_free(store);
	write_journal(1, journal.data, journal.len);
	buf_clear(&journal);
	int fd = open("run/output.1.0.1", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "X", 1, 10), 1); /* in the second */
	close(fd);
	struct resume *resume = resume_load("run", &err);
	struct resume_counts counts = resume_counts(resume);
	assert_int_equal(counts.succeeded, 2);
	assert_int_equal(counts.lost_outputs, 1);
	resume_free(resume);
	assert_int_equal(unlink("run/output.1.0.1"), 0);
}

/* A journal of one stored success whose store is NAME at INDEX, with a sum that is right. */
static struct resume_counts
counts_of(const char *name, uint64_t index)
{
	struct err err;
	struct buf journal = {0}, line = {0};
	clear_journals();
	struct task task = task_of(index, "task");
	record_append(&line, &(struct record){.session = 1,
				     .host = "h",
				     .slot = 1,
				     .cores = "",
				     .task = &task,
				     .result = &(struct result){.index = index,
					     .attempt = 1,
					     .out_bytes = 7,
					     .stored = true,
					     .stored_sum = store_hash(0, 0, "secret\n", 7)}});
	char *at = memmem(line.data, line.len, "output.1.0.1", 12);
	assert_non_null(at);
	record_header(&journal);
	size_t begin = journal.len;
	buf_append(&journal, line.data, (size_t)(at - line.data));
	buf_append_string(&journal, name);
	at += strlen("output.1.0.1");
	buf_append(&journal, at, line.len - (size_t)(at - line.data) - 9);
	buf_printf(&journal, "%08x\n", record_sum(journal.data + begin, journal.len - begin));
	write_journal(1, journal.data, journal.len);
	buf_clear(&journal);
	buf_clear(&line);
	struct resume *resume = resume_load("run", &err);
	assert_non_null(resume);
	struct resume_counts counts = resume_counts(resume);
	resume_free(resume);
	return counts;
}

static void
journal_leads_nowhere_else(void **state)
{
	(void)state;
	FILE *secret = fopen("secret", "w");
	assert_non_null(secret);
	fputs("secret\n", secret);
	assert_int_equal(fclose(secret), 0);
	assert_int_equal(rename("secret", "run/output.1.0.1"), 0);
	assert_int_equal(counts_of("output.1.0.1", 1).succeeded, 1);
	assert_int_equal(counts_of("output.1.0.1", UINT64_MAX / 2).damaged, 1);
	assert_int_equal(rename("run/output.1.0.1", "secret"), 0);
	static const char *const others[] = {"../secret", "output/../../secret", "output.1.0.1/x",
		"output.1.0.", "output.1.0", "output..1.1", "output.1.0.1.1", "run.json", ""};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct resume_counts counts = counts_of(others[i], 1);
		assert_int_equal(counts.succeeded, 0);
		assert_int_equal(counts.damaged, 1);
	}
	assert_int_equal(symlink("../secret", "run/output.1.0.1"), 0);
	assert_int_equal(counts_of("output.1.0.1", 1).lost_outputs, 1);
	assert_int_equal(unlink("run/output.1.0.1"), 0);
	assert_int_equal(mkfifo("run/output.1.0.1", 0600), 0);
	assert_int_equal(counts_of("output.1.0.1", 1).lost_outputs, 1);
	assert_int_equal(unlink("run/output.1.0.1"), 0);
}

int
main(int argc, char **argv)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_back),
		cmocka_unit_test(journal_cut_at_every_byte),
		cmocka_unit_test(journal_with_any_bit_flipped),
		cmocka_unit_test(power_loss_keeps_what_was_synced),
		cmocka_unit_test(edited_lists_are_matched_as_multisets),
		cmocka_unit_test(many_moved_tasks_are_matched),
		cmocka_unit_test(equal_tasks_at_their_own_place_go_first),
		cmocka_unit_test(failure_stays_when_a_success_comes_to_its_place),
		cmocka_unit_test(stored_outputs_are_verified),
		cmocka_unit_test(journal_leads_nowhere_else),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	return cmocka_run_group_tests_name("resume", tests, scratch_make, scratch_leave);
}
