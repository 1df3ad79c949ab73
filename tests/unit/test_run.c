/*
 * The run directory: records, the journal and its thread, the directory itself. The thread's write,
 * fdatasync and timed wait are replaced below, so that a test holds, breaks and counts them; the
 * tests read no clock but the one that a deadline is compared with.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/record.h"
#include "run/rundir.h"
#include "run/status.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "scratch.h"

#include <cmocka.h>

/* --- the system as the journal's thread sees it --- */

#define MOMENT_NS (100 * CLOCK_NS_PER_MS) /* longer than lines are gathered */

static struct {
	pthread_t test;		  /* the thread that no fault hits */
	atomic_bool hold;	  /* fdatasync waits while it is set */
	atomic_bool holding;	  /* and says that it does */
	atomic_bool passes;	  /* time does; otherwise a wait of more than a moment never ends */
	atomic_bool crumble;	  /* writes are short, every other one is interrupted */
	atomic_int fail_in;	  /* the n-th write or sync from now fails; 0: none */
	atomic_int syncs, writes; /* in the thread */
	void (*waits)(void);	  /* called when the test waits, instead of that */
	atomic_llong due_ns;	  /* what the last wait of more than a moment was to wait for */
	sigset_t blocked;	  /* in the thread */
} sys;

static bool
fails(void)
{
	return sys.fail_in && atomic_fetch_sub(&sys.fail_in, 1) == 1;
}

ssize_t
write(int fd, const void *data, size_t len)
{
	bool faults = !pthread_equal(pthread_self(), sys.test) && len != sizeof(uint64_t);
	if (faults && fails()) {
		errno = EDQUOT;
		return -1;
	}
	if (faults && atomic_fetch_add(&sys.writes, 1) % 2 && sys.crumble) {
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_write, fd, data, faults && sys.crumble && len > 3 ? len / 2 : len);
}

int
fdatasync(int fd)
{
	if (!pthread_equal(pthread_self(), sys.test)) {
		pthread_sigmask(SIG_BLOCK, NULL, &sys.blocked);
		for (; sys.hold; usleep(500))
			sys.holding = true;
		sys.holding = false;
		if (fails()) {
			errno = EIO;
			return -1;
		}
	}
	int got = (int)syscall(SYS_fdatasync, fd);
	sys.syncs++;
	return got;
}

int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (!sys.waits)
		return (int)syscall(SYS_ppoll, fds, count, timeout, mask, _NSIG / 8);
	sys.waits();
	return 0;
}

int
pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	int64_t due_ns = until->tv_sec * CLOCK_NS_PER_S + until->tv_nsec;
	bool moment = due_ns - clock_now_ns() < MOMENT_NS;
	if (!moment)
		sys.due_ns = due_ns;
	if (!moment && !sys.passes)
		return pthread_cond_wait(cond, mutex);
	pthread_mutex_unlock(mutex);
	usleep(500);
	pthread_mutex_lock(mutex);
	return 0; /* which may be too early, as ever */
}

/* The alarm ends a wait that would not end. */
#define WAIT_FOR(condition)                                                                        \
	do                                                                                         \
		usleep(500);                                                                       \
	while (!(condition))

/* --- records --- */

static const struct task some_task = {.index = 12,
	.attempt = 2,
	.command = "echo a\tb\\c\n\x01\x7f\xc3\xa9",
	.command_len = 15,
	.cwd = "",
	.input = "",
	.out = "o\t1",
	.err = "",
	.env = ""};

static const struct result some_result = {.index = 12,
	.attempt = 2,
	.reason = RESULT_EXIT,
	.via = RESULT_VIA_SH,
	.exit_code = 3,
	.strays = 4,
	.start_us = INT64_C(1700000000000042),
	.runtime_ns = INT64_C(3000001999),
	.user_us = 2500000,
	.system_us = 7,
	.maxrss_kib = 123456,
	.out_bytes = UINT64_C(5000000000),
	.err_bytes = 0};

static char line_text[4096];

/* The line of a result, or the header's names if RESULT is NULL. */
static const char *
line_of(const struct result *result)
{
	struct buf buf = {0};
	if (result)
		record_append(&buf, &(struct record){.session = 1,
					    .host = "node-1",
					    .rank = 5,
					    .slot = 6,
					    .cores = "0-3,8",
					    .directory = "/d",
					    .task = &some_task,
					    .result = result});
	else
		record_header(&buf);
	assert_in_range(buf.len, 1, sizeof(line_text) - 1);
	assert_int_equal(buf.data[buf.len - 1], '\n');
	memcpy(line_text, buf.data, buf.len);
	line_text[buf.len - 1] = '\0';
	buf_clear(&buf);
	return line_text;
}

static char column_text[4096];

/* The column of that NAME, found as a reader finds it. */
static const char *
column(const struct result *result, const char *name)
{
	char names[4096], *rest = names, *found;
	strcpy(names, strchr(line_of(NULL), '\n') + 1);
	int at = 0;
	while ((found = strsep(&rest, "\t")) && strcmp(found, name) != 0)
		at++;
	assert_non_null(found);
	strcpy(column_text, line_of(result));
	rest = column_text;
	while (at--)
		strsep(&rest, "\t");
	return strsep(&rest, "\t");
}

static void
record_has_its_columns(void **state)
{
	(void)state;
	assert_string_equal(line_of(NULL),
		"# mpbatch journal 2\n"
		"session\tindex\tattempt\thost\trank\tslot\tcores\tstart\truntime\tuser\tsystem\tma"
		"xrss\t"
		"exit\tsignal\treason\tvia\tstdout\tstderr\tstore\tout\terr\telement\tstrays\tid\tcommand\ts"
		"um");
	char expected[1024];
	snprintf(expected, sizeof(expected),
		"1\t12\t2\tnode-1\t5\t6\t0-3,8\t1700000000.000042\t3.000001\t2.500000\t0."
		"000007\t123456\t"
		"3\t0\texit\tsh\t5000000000\t0\t-\t/d/o\\t1\t-\t-\t4\t%016llx\techo "
		"a\\tb\\\\c\\n\\x01\\x7f\xc3\xa9\t",
		(unsigned long long)task_identity(&some_task));
	size_t len = strlen(expected);
	snprintf(expected + len, sizeof(expected) - len, "%08x",
		(unsigned)record_sum(expected, len));
	assert_string_equal(line_of(&some_result), expected);
	struct result stored = some_result;
	stored.stored = true;
	stored.stored_at = 4711;
	stored.stored_sum = 0xabc;
	assert_string_equal(column(&stored, "store"), "output.1.5.6:4711:0000000000000abc");
}

static void
record_says_how_it_ended(void **state)
{
	(void)state;
	struct result result = some_result;
	result.reason = RESULT_OK;
	result.exit_code = 0;
	assert_string_equal(column(&result, "exit"), "0");
	result.reason = RESULT_TIMEOUT;
	result.signal = SIGTERM;
	assert_string_equal(column(&result, "exit"), "");
	assert_string_equal(column(&result, "signal"), "15");
	assert_string_equal(column(&result, "reason"), "timeout");
	result =
		(struct result){.reason = RESULT_SPAWN, .exit_code = 127, .via = RESULT_VIA_DIRECT};
	assert_string_equal(column(&result, "exit"), "127");
	assert_string_equal(column(&result, "via"), "direct");
	assert_string_equal(column(&result, "runtime"), "0.000000");
	result = (struct result){.reason = RESULT_LOST};
	assert_string_equal(column(&result, "exit"), "");
	assert_string_equal(column(&result, "signal"), "0");
	result = (struct result){.reason = RESULT_CANCELLED};
	assert_string_equal(column(&result, "exit"), "");
	result.runtime_ns = 1;
	assert_string_equal(column(&result, "exit"), "0");
}

static void
record_of_the_largest_numbers(void **state)
{
	(void)state;
	struct result result;
	memset(&result, 0xff, sizeof(result));
	result.reason = RESULT_OK;
	result.via = RESULT_VIA_DIRECT;
	result.offered = result.away = false;
	result.stored = true;
	result.start_us = result.runtime_ns = result.user_us = result.system_us = INT64_MAX;
	assert_string_equal(column(&result, "start"), "9223372036854.775807");
	assert_string_equal(column(&result, "stdout"), "18446744073709551615");
	result.start_us = -1;
	assert_string_equal(column(&result, "start"), "0.000000");
}

static void
record_without_binding(void **state)
{
	(void)state;
	struct buf buf = {0};
	record_append(&buf, &(struct record){.host = "a\tb",
				    .cores = "",
				    .directory = "/d",
				    .task = &some_task,
				    .result = &some_result});
	buf_append(&buf, "", 1);
	assert_non_null(strstr(buf.data, "\ta\\tb\t0\t0\t-\t"));
	buf_clear(&buf);
}

/* --- the journal --- */

static struct journal *journal;
static int journals;
static char journal_path[64];

/* CMocka's setup: a new journal that holds "head\n", and no faults. */
static int
open_one(void **state)
{
	(void)state;
	struct err err;
	sys.test = pthread_self();
	sys.hold = sys.holding = sys.passes = sys.crumble = false;
	sys.fail_in = 0;
	snprintf(journal_path, sizeof(journal_path), "journal.%d.tsv", ++journals);
	journal = journal_open(
		&(struct journal_options){
			.path = journal_path, .text = "head\n", .len = 5, .loss = "all is lost"},
		&err);
	sys.syncs = sys.writes = 0;
	sys.due_ns = 0;
	return journal ? 0 : -1;
}

static void
append(const char *text)
{
	journal_append(journal, text, strlen(text));
}

/* All that the journal's file holds; the caller frees. */
static char *
on_disk(void)
{
	FILE *file = fopen(journal_path, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t len = getdelim(&text, &room, '\0', file);
	assert_true(len >= 0);
	fclose(file);
	return text;
}

static bool
file_is(const char *expected)
{
	char *text = on_disk();
	bool same = strcmp(text, expected) == 0;
	free(text);
	return same;
}

static void
assert_on_disk(const char *expected)
{
	char *text = on_disk();
	assert_string_equal(text, expected);
	free(text);
}

static bool
readable(void)
{
	struct pollfd fd = {.fd = journal_fd(journal), .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void
journal_has_its_head_at_once(void **state)
{
	(void)state;
	struct err err;
	assert_on_disk("head\n");
	assert_int_equal(journal_close(journal, &err), 0);
	assert_on_disk("head\n");
	assert_null(
		journal_open(&(struct journal_options){.path = journal_path, .text = ""}, &err));
	assert_non_null(strstr(err.text, "File exists"));
	assert_on_disk("head\n");
	assert_null(journal_open(
		&(struct journal_options){.path = "nowhere/journal.1.tsv", .text = ""}, &err));
	assert_non_null(strstr(err.text, "nowhere/journal.1.tsv: cannot create the journal"));
}

static void
journal_close_writes_all(void **state)
{
	(void)state;
	struct err err;
	append("one\n");
	append("two\n");
	assert_false(journal_full(journal));
	assert_false(journal_failed(journal, &err));
	assert_int_equal(journal_close(journal, &err), 0);
	assert_on_disk("head\none\ntwo\n");
	assert_int_equal(sys.syncs, 1);
}

static void
journal_syncs_when_told(void **state)
{
	(void)state;
	struct err err;
	journal_flush(journal); /* nothing is there: must not hasten what comes */
	append("one\n");
	WAIT_FOR(sys.due_ns);
	assert_int_equal(sys.syncs, 0);
	assert_on_disk("head\none\n");
	journal_flush(journal);
	WAIT_FOR(sys.syncs == 1);
	assert_on_disk("head\none\n");
	sys.due_ns = 0;
	append("two\n");
	WAIT_FOR(sys.due_ns);
	assert_int_equal(sys.syncs, 1);
	assert_int_equal(journal_close(journal, &err), 0);
	assert_true(sigismember(&sys.blocked, SIGTERM) && sigismember(&sys.blocked, SIGUSR1));
}

static void
journal_is_a_second_behind(void **state)
{
	(void)state;
	struct err err;
	int64_t before = clock_now_ns();
	append("one\n");
	int64_t after = clock_now_ns();
	append("two\n");
	WAIT_FOR(sys.due_ns);
	assert_true(sys.due_ns >= before + CLOCK_NS_PER_S && sys.due_ns <= after + CLOCK_NS_PER_S);
	assert_int_equal(sys.syncs, 0);
	sys.passes = true;
	journal_flush(journal);
	WAIT_FOR(sys.syncs == 1);
	append("three\n");
	WAIT_FOR(sys.syncs == 2);
	assert_on_disk("head\none\ntwo\nthree\n");
	assert_int_equal(journal_close(journal, &err), 0);
}

/* A kill leaves what was written: that does not wait for the sync. Lines that come one after the
 * other are gathered. */
static void
journal_writes_before_it_syncs(void **state)
{
	(void)state;
	struct err err;
	append("one\n");
	WAIT_FOR(file_is("head\none\n"));
	for (int i = 0; i < 1000; i++)
		append("two\n");
	char *all = test_malloc(5 + 4 + 4 * 1000 + 1);
	strcpy(all, "head\none\n");
	for (int i = 0; i < 1000; i++)
		strcat(all, "two\n");
	WAIT_FOR(file_is(all));
	assert_in_range(sys.writes, 2, 500);
	assert_int_equal(sys.syncs, 0);
	assert_int_equal(journal_close(journal, &err), 0);
	test_free(all);
}

static atomic_int snapshots;

static int
ticked(void *arg, const struct buf *status, struct err *err)
{
	(void)arg;
	(void)err;
	snapshots += status != NULL;
	return 0;
}

/* It was up to a second old when it came to a tick that was up to another second away. */
static void
snapshot_does_not_wait_for_a_tick(void **state)
{
	(void)state;
	struct err err;
	struct buf text = {0};
	assert_int_equal(journal_close(journal, &err), 0);
	journal = journal_open(
		&(struct journal_options){.path = journal_path, .again = true, .tick = ticked},
		&err);
	assert_non_null(journal);
	WAIT_FOR(sys.due_ns);
	buf_append_string(&text, "status");
	journal_status(journal, &text);
	WAIT_FOR(snapshots == 1);
	assert_int_equal(journal_close(journal, &err), 0);
}

/* A slow write is not followed by another second of waiting. */
static void
journal_counts_the_second_while_it_writes(void **state)
{
	(void)state;
	struct err err;
	sys.hold = true;
	append("one\n");
	journal_flush(journal);
	WAIT_FOR(sys.holding);
	sys.due_ns = 0;
	append("two\n");
	int64_t after = clock_now_ns();
	usleep(2000);
	sys.hold = false;
	WAIT_FOR(sys.due_ns);
	assert_true(sys.due_ns <= after + CLOCK_NS_PER_S);
	assert_int_equal(journal_close(journal, &err), 0);
	assert_on_disk("head\none\ntwo\n");
}

static char *
many_lines(size_t bytes)
{
	char *lines = test_malloc(bytes);
	memset(lines, 'x', bytes);
	for (size_t i = 99; i < bytes; i += 100)
		lines[i] = '\n';
	return lines;
}

static void
journal_that_is_full(void **state)
{
	(void)state;
	struct err err;
	struct stat status;
	size_t half = JOURNAL_BYTES / 2;
	char *lines = many_lines(half);
	sys.hold = true;
	journal_append(journal, lines, half); /* enough for the thread to begin, unasked */
	WAIT_FOR(sys.holding);
	assert_false(journal_full(journal));
	journal_append(journal, lines, half);
	assert_true(journal_full(journal));
	assert_false(readable());
	sys.hold = false;
	WAIT_FOR(readable());
	journal_woken(journal);
	if (journal_full(journal)) /* the first half was out, the second is not yet */
		WAIT_FOR(readable());
	assert_false(journal_full(journal));
	assert_int_equal(journal_close(journal, &err), 0);
	assert_int_equal(stat(journal_path, &status), 0);
	assert_int_equal(status.st_size, 5 + 2 * half);
	test_free(lines);
}

static void
journal_that_was_not_full_wakes_nobody(void **state)
{
	(void)state;
	struct err err;
	append("one\n");
	assert_false(journal_full(journal));
	journal_flush(journal);
	WAIT_FOR(sys.syncs == 1);
	append("two\n");
	journal_flush(journal);
	WAIT_FOR(sys.syncs == 2);
	assert_false(readable());
	assert_int_equal(journal_close(journal, &err), 0);
}

/* Lines of all sizes while the thread writes, with flushes in between: none lost, order kept. */
static void
append_numbered(int lines, unsigned int seed)
{
	for (int i = 0; i < lines; i++) {
		char line[300];
		int len = snprintf(line, sizeof(line), "%d %0*d\n", i, rand_r(&seed) % 250 + 1, 0);
		journal_append(journal, line, (size_t)len);
		if (rand_r(&seed) % 64 == 0)
			journal_flush(journal);
	}
}

static void
assert_numbered(int lines)
{
	FILE *file = fopen(journal_path, "r");
	char line[400];
	assert_non_null(fgets(line, sizeof(line), file));
	for (int i = 0; i < lines; i++) {
		assert_non_null(fgets(line, sizeof(line), file));
		assert_int_equal(atoi(line), i);
		assert_int_equal(line[strlen(line) - 1], '\n');
	}
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
}

static void
journal_keeps_the_order(void **state)
{
	(void)state;
	struct err err;
	append_numbered(20000, 1);
	assert_int_equal(journal_close(journal, &err), 0);
	assert_numbered(20000);
}

static void
journal_survives_short_and_interrupted_writes(void **state)
{
	(void)state;
	struct err err;
	sys.crumble = true;
	append_numbered(1000, 2);
	assert_int_equal(journal_close(journal, &err), 0);
	assert_true(sys.writes > 10);
	assert_numbered(1000);
}

/* The n-th write or sync fails, for n = 1, 2, …, until none does. */
static void
journal_fails_for_good(void **state)
{
	struct err err;
	int n = 1;
	for (bool failed = true; failed; n++) {
		sys.fail_in = n;
		for (int i = 0; i < 3; i++) {
			int before = sys.syncs;
			append("line\n");
			journal_flush(journal);
			WAIT_FOR(sys.syncs > before || journal_failed(journal, &err));
		}
		failed = journal_failed(journal, &err);
		assert_int_equal(failed, n <= 6);
		WAIT_FOR(readable() == failed);
		const char *why = n % 2 ? "cannot write the journal: Disk quota exceeded"
					: "cannot write the journal: Input/output error";
		assert_int_equal(failed, strstr(err.text, why) != NULL);
		sys.fail_in = 0;
		append("too late\n");
		err.text[0] = '\0';
		assert_int_equal(journal_close(journal, &err), failed ? -1 : 0);
		assert_int_equal(failed, strstr(err.text, why) != NULL);
		char *text = on_disk();
		assert_int_equal(failed, strstr(text, "too late") == NULL);
		free(text);
		err.text[0] = '\0';
		assert_int_equal(open_one(state), 0);
	}
	assert_int_equal(journal_close(journal, &err), 0);
}

/* What is written to a file without a name nobody finds. */
static void
journal_that_lost_its_name(void **state)
{
	struct err err;
	append("one\n");
	assert_int_equal(unlink(journal_path), 0);
	journal_flush(journal);
	WAIT_FOR(journal_failed(journal, &err));
	assert_non_null(strstr(err.text, ".tsv was removed: all is lost"));
	assert_int_equal(journal_close(journal, &err), -1);

	assert_int_equal(open_one(state), 0);
	assert_int_equal(rename(journal_path, "elsewhere.tsv"), 0);
	assert_int_equal(journal_close(journal, &err), -1); /* with nothing to write, too */
	assert_non_null(strstr(err.text, ".tsv was moved away: all is lost"));

	assert_int_equal(open_one(state), 0);
	assert_int_equal(rename("elsewhere.tsv", journal_path), 0);
	assert_int_equal(journal_close(journal, &err), -1);
	assert_non_null(strstr(err.text, ".tsv was replaced: all is lost"));
}

static void
journal_that_failed_is_not_full(void **state)
{
	(void)state;
	struct err err;
	size_t half = JOURNAL_BYTES / 2;
	char *lines = many_lines(half);
	sys.hold = true;
	sys.fail_in = 2;
	journal_append(journal, lines, half);
	WAIT_FOR(sys.holding);
	journal_append(journal, lines, half);
	assert_true(journal_full(journal));
	sys.hold = false;
	WAIT_FOR(readable());
	assert_true(journal_failed(journal, &err));
	assert_false(journal_full(journal));
	journal_append(journal, lines, half);
	journal_append(journal, lines, half);
	assert_false(journal_full(journal));
	assert_int_equal(journal_close(journal, &err), -1);
	test_free(lines);
}

/* --- the directory --- */

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "wx");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
make_file(const char *path)
{
	write_text(path, "");
}

static bool
is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

static void
assert_path(const char *list, const char *run_dir, const char *expected)
{
	char *path = rundir_path(list, run_dir);
	if (expected)
		assert_string_equal(path, expected);
	else
		assert_null(path);
	free(path);
}

/* Takes it and lets it go. */
static const char finished[] = "{\"state\": \"finished\", \"exit_code\": 0}\n";

static int
open_dir(const char *path, enum rundir_how how, struct err *err)
{
	struct lock *lock = rundir_open(&(struct rundir_options){.path = path, .how = how}, err);
	lock_release(lock);
	return lock ? 0 : -1;
}

static void
rundir_has_the_name_of_the_list(void **state)
{
	(void)state;
	assert_path("jobs.txt", NULL, "jobs.txt.mpbatch");
	assert_path("../a/jobs", NULL, "../a/jobs.mpbatch");
	assert_path("-", NULL, NULL);
	assert_path("-", "out", "out");
	assert_path("jobs.txt", "a/out//", "a/out");
	assert_path("jobs.txt", "/", "/");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_path("pipe", NULL, NULL);
	assert_path("pipe", "out", "out");
}

static void
rundir_is_made_once(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(open_dir("once", RUNDIR_NEW, &err), 0);
	assert_int_equal(open_dir("once", RUNDIR_NEW, &err), 0); /* still empty */
	make_file("once/journal.1.tsv");
	assert_int_equal(open_dir("once", RUNDIR_NEW, &err), -1);
	assert_non_null(strstr(err.text, "once holds a run that is not whole: 0 tasks succeeded"));
	assert_true(is_there("once/journal.1.tsv"));
	assert_false(is_there("once.old"));
	assert_int_equal(open_dir("once", RUNDIR_RESUME, &err), 0);
	write_text("once/status.json", finished);
	assert_int_equal(open_dir("once", RUNDIR_NEW, &err), 0); /* it was whole: aside with it */
	assert_true(is_there("once.old/journal.1.tsv"));
	assert_false(is_there("once/journal.1.tsv"));
}

static void
rundir_of_a_run_that_was_killed_early(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkdir("early", 0777), 0);
	make_file("early/lock.node1.17");
	make_file("early/run.json.new");
	assert_int_equal(open_dir("early", RUNDIR_RESUME, &err), 0);
	make_file("early/locksmith.txt"); /* nothing of ours */
	assert_int_equal(open_dir("early", RUNDIR_RESUME, &err), -1);
	assert_non_null(strstr(err.text, "early is in the way"));
}

static struct {
	pid_t pid;
	int taken[2], go[2];
} other;

/* A child that has taken the lock, and ends as a successful run once it may. */
static void
start_other(void)
{
	char byte;
	struct err err;
	assert_int_equal(pipe(other.taken) + pipe(other.go), 0);
	other.pid = fork();
	if (other.pid == 0) {
		struct lock *lock = lock_take("twice", NULL, &err);
		make_file("twice/journal.1.tsv");
		(void)!write(other.taken[1], "", 1);
		(void)!read(other.go[0], &byte, 1);
		write_text("twice/status.json", finished);
		lock_release(lock);
		_exit(0);
	}
	assert_int_equal(read(other.taken[0], &byte, 1), 1);
}

static void
end_other(void)
{
	sys.waits = NULL;
	(void)!write(other.go[1], "", 1);
	waitpid(other.pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(other.taken[i]);
		close(other.go[i]);
	}
}

static void
rundir_of_a_run_started_twice(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkdir("twice", 0777), 0);
	start_other();
	sys.waits = end_other;
	assert_int_equal(open_dir("twice", RUNDIR_NEW, &err), -1);
	assert_non_null(strstr(err.text, "has succeeded just now"));
	assert_true(is_there("twice/journal.1.tsv"));
	assert_int_equal(open_dir("twice", RUNDIR_NEW, &err), 0);
}

static void
rundir_without_its_first_journal(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkdir("second", 0777), 0);
	make_file("second/journal.2.tsv");
	assert_int_equal(open_dir("second", RUNDIR_NEW, &err), -1);
	assert_non_null(strstr(err.text, "second holds a run that is not whole"));
	assert_int_equal(open_dir("second", RUNDIR_RESUME, &err), 0);
}

static void
rundir_restart_keeps_one_generation(void **state)
{
	(void)state;
	struct err err;
	make_file("precious");
	assert_int_equal(open_dir("again", RUNDIR_RESTART, &err), 0);
	make_file("again/journal.1.tsv");
	make_file("again/first");
	assert_int_equal(mkdir("again/store", 0777), 0);
	make_file("again/store/deep");
	assert_int_equal(symlink("../precious", "again/link"), 0);
	assert_int_equal(open_dir("again", RUNDIR_RESTART, &err), 0);
	assert_true(is_there("again.old/first") && is_there("again.old/store/deep"));
	assert_false(is_there("again/journal.1.tsv"));
	make_file("again/journal.1.tsv");
	make_file("again/journal.2.tsv");
	assert_int_equal(open_dir("again", RUNDIR_RESTART, &err), 0);
	assert_true(is_there("again.old/journal.2.tsv") && is_there("precious"));
	assert_false(is_there("again.old/first") || is_there("again.old/store"));
	assert_int_equal(open_dir("again", RUNDIR_RESTART, &err), 0);
	assert_true(is_there("again.old/journal.2.tsv")); /* nothing to move: nothing removed */
}

static void
rundir_removes_nothing_else(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkdir("mine", 0777), 0);
	make_file("mine/journal.1.tsv");
	make_file("mine.old");
	assert_int_equal(open_dir("mine", RUNDIR_RESTART, &err), -1);
	assert_non_null(strstr(err.text, "mine.old is no run directory"));
	assert_true(is_there("mine.old") && is_there("mine/journal.1.tsv"));
	assert_int_equal(unlink("mine.old"), 0);
	assert_int_equal(mkdir("mine.old", 0777), 0);
	make_file("mine.old/thesis.tex");
	assert_int_equal(open_dir("mine", RUNDIR_RESTART, &err), -1);
	assert_true(is_there("mine.old/thesis.tex") && is_there("mine/journal.1.tsv"));
	assert_int_equal(unlink("mine.old/thesis.tex"), 0);
	assert_int_equal(open_dir("mine", RUNDIR_RESTART, &err), 0);
	assert_true(is_there("mine.old/journal.1.tsv"));
}

static void
rundir_that_cannot_be(void **state)
{
	(void)state;
	struct err err;
	make_file("plain");
	assert_int_equal(open_dir("plain", RUNDIR_RESTART, &err), -1);
	assert_non_null(strstr(err.text, "plain is in the way: --run-dir"));
	assert_int_equal(mkdir("foreign", 0777), 0);
	make_file("foreign/data");
	assert_int_equal(open_dir("foreign", RUNDIR_RESTART, &err), -1);
	assert_non_null(strstr(err.text, "--run-dir"));
	assert_true(is_there("foreign/data"));
	assert_int_equal(open_dir("no/where", RUNDIR_NEW, &err), -1);
	assert_non_null(strstr(err.text, "cannot make the run directory no/where"));
	assert_non_null(strstr(err.text, "--run-dir"));
	assert_non_null(strstr(err.text, "No such file or directory"));
}

static char said[256];

static void
say(const char *text)
{
	snprintf(said, sizeof(said), "%s", text);
}

/* One that others may have put there counts only if it is named. */
static void
rundir_of_another(void **state)
{
	(void)state;
	struct err err;
	struct rundir_options options = {.path = "link", .how = RUNDIR_RESUME, .say = say};
	assert_int_equal(mkdir("theirs", 0777), 0);
	make_file("theirs/journal.1.tsv");
	assert_int_equal(symlink("theirs", "link"), 0);
	assert_null(rundir_open(&options, &err));
	assert_non_null(strstr(err.text, "link is a symbolic link of user "));
	assert_non_null(strstr(err.text, "--run-dir"));
	options.named = true;
	struct lock *lock = rundir_open(&options, &err);
	assert_non_null(lock);
	lock_release(lock);
	assert_string_equal(said, "");
	if (chown("theirs", 4711, (gid_t)-1) < 0)
		return; /* only root can */
	options.path = "theirs";
	options.named = false;
	assert_null(rundir_open(&options, &err));
	assert_non_null(strstr(err.text, "theirs belongs to user 4711"));
	options.named = true;
	lock = rundir_open(&options, &err);
	assert_non_null(lock);
	lock_release(lock);
	assert_string_equal(said, "theirs belongs to user 4711");
}

/* Nor is anything written where a link within it leads. */
static void
rundir_with_links(void **state)
{
	(void)state;
	struct err err;
	struct status status;
	assert_int_equal(mkdir("linked", 0777), 0);
	write_text("dear", "precious");
	assert_int_equal(symlink("../dear", "linked/status.json.new"), 0);
	assert_int_equal(status_write("linked", "x", 1, &err), -1);
	assert_non_null(strstr(err.text, "linked/status.json"));
	write_text("status", finished);
	assert_int_equal(symlink("../status", "linked/status.json"), 0);
	assert_int_equal(status_read("linked", &status, &err), -1);
	assert_int_equal(unlink("linked/status.json"), 0);
	assert_int_equal(mkfifo("linked/status.json", 0600), 0);
	assert_int_equal(status_read("linked", &status, &err), -1);
	assert_int_equal(symlink("../dear", "linked/lock"), 0);
	assert_null(lock_take("linked", NULL, &err));
	assert_non_null(strstr(err.text, "linked/lock: cannot read the lock"));
	FILE *file = fopen("dear", "r");
	assert_non_null(file);
	assert_int_equal(fgetc(file), 'p');
	fclose(file);
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_has_its_columns),
		cmocka_unit_test(record_says_how_it_ended),
		cmocka_unit_test(record_of_the_largest_numbers),
		cmocka_unit_test(record_without_binding),
		cmocka_unit_test_setup(journal_has_its_head_at_once, open_one),
		cmocka_unit_test_setup(journal_close_writes_all, open_one),
		cmocka_unit_test_setup(journal_syncs_when_told, open_one),
		cmocka_unit_test_setup(journal_writes_before_it_syncs, open_one),
		cmocka_unit_test_setup(journal_is_a_second_behind, open_one),
		cmocka_unit_test_setup(snapshot_does_not_wait_for_a_tick, open_one),
		cmocka_unit_test_setup(journal_counts_the_second_while_it_writes, open_one),
		cmocka_unit_test_setup(journal_that_is_full, open_one),
		cmocka_unit_test_setup(journal_that_was_not_full_wakes_nobody, open_one),
		cmocka_unit_test_setup(journal_keeps_the_order, open_one),
		cmocka_unit_test_setup(journal_survives_short_and_interrupted_writes, open_one),
		cmocka_unit_test_setup(journal_fails_for_good, open_one),
		cmocka_unit_test_setup(journal_that_lost_its_name, open_one),
		cmocka_unit_test_setup(journal_that_failed_is_not_full, open_one),
		cmocka_unit_test(rundir_has_the_name_of_the_list),
		cmocka_unit_test(rundir_is_made_once),
		cmocka_unit_test(rundir_of_a_run_that_was_killed_early),
		cmocka_unit_test(rundir_of_a_run_started_twice),
		cmocka_unit_test(rundir_without_its_first_journal),
		cmocka_unit_test(rundir_restart_keeps_one_generation),
		cmocka_unit_test(rundir_removes_nothing_else),
		cmocka_unit_test(rundir_that_cannot_be),
		cmocka_unit_test(rundir_of_another),
		cmocka_unit_test(rundir_with_links),
	};
	return cmocka_run_group_tests_name("run", tests, scratch_make, scratch_leave);
}
