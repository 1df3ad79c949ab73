/*
 * The way of a task from the runner to its process and back: pool, keeper, executor, attempt,
 * spawn. Every test has a keeper of its own, and nothing may be left of it afterwards: this program
 * is a subreaper, so whatever gets away from keeper and executors is found here.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "exec/frame.h"
#include "exec/keeper.h"
#include "exec/pool.h"
#include "exec/runner.h"
#include "exec/setup.h"
#include "exec/spawn.h"
#include "exec/tree.h"
#include "run/store.h"
#include "scratch.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { SLOTS = 2, TASKS = 600, BOUND_S = 30 };

/* What the runner said of one task. */
struct told {
	bool started, ended, recalled, given, offered, whole;
	struct result result;
	struct buf bytes[2];
	struct buf tail;
	size_t came_before_end; /* of standard output, in chunks */
	bool cut_lines;		/* a chunk did not end in a newline */
};

struct rig {
	struct setup setups[SLOTS];
	char keep[1];
	struct loop *loop;
	struct runner *runner;
	struct told told[TASKS];
	uint64_t seqs[SLOTS]; /* the last given to each slot; numbers do not overlap */
	uint64_t last_ended;
	int ups, downs, sick;
	struct cpus cpus;
	uint64_t down_started;
	bool down_for_ever;
	char down_why[128];
	uint32_t chunks_allowed;
	bool out_of_order;
};

/* --- events --- */

static void
on_up(void *arg, int slot, const struct cpus *cpus)
{
	struct rig *rig = arg;
	rig->ups++;
	if (slot == 0)
		rig->cpus = *cpus;
}

static void
on_started(void *arg, int slot, uint64_t seq)
{
	(void)slot;
	struct rig *rig = arg;
	assert_false(rig->told[seq].ended);
	rig->told[seq].started = true;
}

static void
on_ended(void *arg, int slot, uint64_t seq, struct result *result)
{
	struct rig *rig = arg;
	struct told *told = &rig->told[seq];
	assert_false(told->ended);
	told->ended = true;
	told->result = *result;
	rig->out_of_order |= slot == 0 && seq <= rig->last_ended;
	rig->last_ended = seq;
	told->came_before_end = told->bytes[0].len;
	buf_append(&told->tail, result->tail, result->tail_len);
	if (result->offered || result->away)
		return;
	buf_append(&told->bytes[0], result->out, result->out_bytes);
	buf_append(&told->bytes[1], result->err, result->err_bytes);
}

static void
on_recalled(void *arg, int slot, uint64_t seq, enum recalled how)
{
	(void)slot;
	struct rig *rig = arg;
	assert_false(rig->told[seq].recalled);
	rig->told[seq].recalled = true;
	rig->told[seq].given = how != RECALLED_LATE;
}

static void
on_offered(void *arg, int slot, uint64_t seq)
{
	(void)slot;
	struct rig *rig = arg;
	assert_false(rig->told[seq].ended || rig->told[seq].offered);
	rig->told[seq].offered = true;
}

static void
on_chunk(void *arg, int slot, uint64_t seq, int stream, const char *data, size_t len)
{
	(void)slot;
	struct rig *rig = arg;
	assert_in_range(stream, 1, 2);
	assert_in_range(len, 1, EXEC_CHUNK_BYTES);
	assert_true(rig->chunks_allowed > 0);
	rig->chunks_allowed--;
	rig->told[seq].cut_lines |= data[len - 1] != '\n';
	buf_append(&rig->told[seq].bytes[stream - 1], data, len);
}

static void
on_out_end(void *arg, int slot, uint64_t seq)
{
	(void)slot;
	struct rig *rig = arg;
	assert_true(rig->told[seq].ended && !rig->told[seq].whole);
	rig->told[seq].whole = true;
}

static void
on_sick(void *arg, int slot, const char *why)
{
	(void)slot;
	struct rig *rig = arg;
	print_error("sick: %s\n", why);
	rig->sick++;
}

static void
on_down(void *arg, int slot, uint64_t started, const char *why, bool for_ever)
{
	(void)slot;
	struct rig *rig = arg;
	rig->downs++;
	rig->down_started = started;
	rig->down_for_ever = for_ever;
	snprintf(rig->down_why, sizeof(rig->down_why), "%s", why);
}

static const struct runner_events rig_events = {.up = on_up,
	.started = on_started,
	.ended = on_ended,
	.recalled = on_recalled,
	.offered = on_offered,
	.chunk = on_chunk,
	.out_end = on_out_end,
	.sick = on_sick,
	.down = on_down};

/* --- the rig --- */

static void
turn(struct rig *rig)
{
	if (!rig->runner) {
		poll(NULL, 0, 10);
		return;
	}
	rig->runner->ops->flush(rig->runner);
	loop_turn(rig->loop, 10 * CLOCK_NS_PER_MS);
}

/* Turns the loop until it holds; fails if it never does. */
#define UNTIL(rig, condition)                                                                      \
	do {                                                                                       \
		int64_t until_end = clock_now_ns() + BOUND_S * CLOCK_NS_PER_S;                     \
		while (!(condition)) {                                                             \
			if (clock_now_ns() > until_end)                                            \
				fail_msg("waited in vain: %s", #condition);                        \
			turn(rig);                                                                 \
		}                                                                                  \
	} while (0)

static int
rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	for (int i = 0; i < SLOTS; i++)
		rig->setups[i] = (struct setup){.rank = 3,
			.slot = 5 + i,
			.threads = 1,
			.ntasks = 77,
			.spool_bytes = 8 << 20,
			.tmpdir = scratch_path,
			.keep = rig->keep};
	*state = rig;
	return 0;
}

static void
rig_open(struct rig *rig, int slots)
{
	struct err err;
	struct keeper_link keeper;
	assert_int_equal(keeper_start(&keeper, &err), 0);
	rig->loop = loop_new();
	rig->runner = pool_new(rig->loop, &keeper, rig->setups, slots);
	rig->runner->events = &rig_events;
	rig->runner->events_arg = rig;
	UNTIL(rig, rig->ups == slots);
}

static void
rig_close(struct rig *rig)
{
	if (rig->runner)
		rig->runner->ops->close(rig->runner);
	loop_free(rig->loop);
	rig->runner = NULL;
	rig->loop = NULL;
}

/* Reaps until there is no child; false if some do not go by themselves (they are killed then). */
static bool
all_gone(void)
{
	int64_t end = clock_now_ns() + BOUND_S * CLOCK_NS_PER_S;
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && clock_now_ns() < end)
		if (pid == 0)
			poll(NULL, 0, 5);
	return pid < 0 && errno == ECHILD ? true : (tree_kill_all(10000, NULL), false);
}

static int
rig_free(void **state)
{
	struct rig *rig = *state;
	rig_close(rig);
	bool gone = all_gone();
	if (!gone)
		print_error("processes are left behind\n");
	for (int i = 0; i < TASKS; i++) {
		for (int k = 0; k < 2; k++)
			buf_clear(&rig->told[i].bytes[k]);
		buf_clear(&rig->told[i].tail);
	}
	free(rig);
	return gone ? 0 : -1;
}

/* Gives a task to slot 0 and returns its number. */
static uint64_t
give(struct rig *rig, const struct task *from)
{
	struct task full = *from;
	uint64_t seq = ++rig->seqs[0];
	full.index = 1000 + seq;
	full.attempt = 2;
	full.command_len = strlen(from->command);
	rig->chunks_allowed += rig->setups[0].output == OUTPUT_LINE ? EXEC_LINE_CREDITS : 0;
	struct task *task = task_new(&full);
	rig->runner->ops->start(rig->runner, 0, seq, task);
	task_free(task);
	return seq;
}

static uint64_t
give_line(struct rig *rig, const char *line)
{
	return give(rig, &(struct task){.command = line});
}

static void
allow(struct rig *rig, uint64_t seq, uint32_t chunks)
{
	rig->chunks_allowed += chunks;
	rig->runner->ops->credit(rig->runner, 0, seq, chunks);
}

/* Runs it to its end. */
static const struct told *
run(struct rig *rig, const struct task *task)
{
	uint64_t seq = give(rig, task);
	UNTIL(rig, rig->told[seq].ended);
	const struct told *told = &rig->told[seq];
	assert_int_equal(told->result.index, 1000 + seq);
	assert_int_equal(told->result.attempt, 2);
	return told;
}

static const struct told *
run_line(struct rig *rig, const char *line)
{
	return run(rig, &(struct task){.command = line});
}

static void
assert_printed(const struct told *told, const char *text)
{
	if (told->bytes[0].len != strlen(text) ||
		memcmp(told->bytes[0].data ? told->bytes[0].data : "", text, strlen(text)) != 0)
		fail_msg("printed \"%.*s\", expected \"%s\"", (int)told->bytes[0].len,
			told->bytes[0].data, text);
}

static void
assert_runs(struct rig *rig)
{
	const struct told *told = run_line(rig, "echo well");
	assert_int_equal(told->result.reason, RESULT_OK);
	assert_printed(told, "well\n");
}

/* --- files by which tasks tell of themselves --- */

/* The number in a file, 0 as long as it is not there with its newline. */
static pid_t
pid_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len > 0 && text[len - 1] == '\n' ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool
is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* --- how tasks end --- */

static void
exit_codes_and_signals(void **state)
{
	static const struct {
		const char *line;
		int reason, via, exit_code, signal;
	} cases[] = {
		{"/bin/true", RESULT_OK, RESULT_VIA_DIRECT, 0, 0},
		{"/bin/false", RESULT_EXIT, RESULT_VIA_DIRECT, 1, 0},
		{" \t /bin/true \t ", RESULT_OK, RESULT_VIA_DIRECT, 0, 0},
		{"true", RESULT_OK, RESULT_VIA_SH, 0, 0},
		{"exit 0", RESULT_OK, RESULT_VIA_SH, 0, 0},
		{"exit 7", RESULT_EXIT, RESULT_VIA_SH, 7, 0},
		{"exit 255", RESULT_EXIT, RESULT_VIA_SH, 255, 0},
		{"exit 143", RESULT_EXIT, RESULT_VIA_SH, 143, 0},
		{"kill -KILL $$", RESULT_SIGNAL, RESULT_VIA_SH, 0, SIGKILL},
		{"kill -TERM $$", RESULT_SIGNAL, RESULT_VIA_SH, 0, SIGTERM},
		{"kill -HUP $$", RESULT_SIGNAL, RESULT_VIA_SH, 0, SIGHUP},
		{"no-such-command-at-all x", RESULT_EXIT, RESULT_VIA_SH, 127, 0},
		{"./no-such-file", RESULT_EXIT, RESULT_VIA_SH, 127, 0},
		{"./no/such/file", RESULT_EXIT, RESULT_VIA_SH, 127, 0},
		{"./plain", RESULT_EXIT, RESULT_VIA_SH, 126, 0},
		{"./plain/x", RESULT_EXIT, RESULT_VIA_SH, 127, 0},
		{"/", RESULT_EXIT, RESULT_VIA_SH, 126, 0},
		{"./bare 1 2", RESULT_EXIT, RESULT_VIA_SH, 9, 0},  /* a script without "#!" */
		{"./strange", RESULT_EXIT, RESULT_VIA_SH, 127, 0}, /* "#!" of no interpreter */
		{"", RESULT_OK, RESULT_VIA_SH, 0, 0},
		{"if", RESULT_EXIT, RESULT_VIA_SH, 2, 0},
	};
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "echo text > plain; echo 'exit 9' > bare; echo '#!/no/such' > strange; "
		      "chmod +x bare strange");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct told *told = run_line(rig, cases[i].line);
		const struct result *result = &told->result;
		if (result->reason != cases[i].reason || result->via != cases[i].via ||
			result->exit_code != cases[i].exit_code ||
			result->signal != cases[i].signal)
			fail_msg("%s: reason %d via %d exit %d signal %d", cases[i].line,
				result->reason, result->via, result->exit_code, result->signal);
		assert_int_equal(result->strays, 0);
		assert_false(
			result->exit_code > 125 && result->exit_code < 128 && !told->bytes[1].len);
	}
}

static void
result_tells_what_it_took(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	int64_t before = clock_unix_us();
	const struct told *told = run_line(rig, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; "
						"printf abc; printf de >&2");
	assert_in_range(told->result.start_us, before, clock_unix_us());
	assert_in_range(told->result.runtime_ns, 1, BOUND_S * CLOCK_NS_PER_S);
	assert_true(told->result.user_us + told->result.system_us > 0);
	assert_true(told->result.maxrss_kib > 0);
	assert_int_equal(told->result.out_bytes, 3);
	assert_int_equal(told->result.err_bytes, 2);
	assert_printed(told, "abc");
	assert_memory_equal(told->bytes[1].data, "de", 2);
}

static void
failing_steps_are_named(void **state)
{
	static const struct {
		struct task task;
		int step, error;
	} cases[] = {
		{{.command = "/bin/true", .cwd = "/proc/no-such"}, STEP_CWD, ENOENT},
		{{.command = "true", .cwd = "a-file/x/y"}, STEP_CWD, ENOTDIR},
		{{.command = "/bin/true", .cwd = "a-file"}, STEP_CWD, ENOTDIR},
		{{.command = "/bin/true", .input = "no-such-file"}, STEP_INPUT, ENOENT},
		{{.command = "true", .input = "a-file/x"}, STEP_INPUT, ENOTDIR},
		{{.command = "true", .cwd = "a-file", .input = "no-such-file"}, STEP_CWD, ENOTDIR},
		{{.command = "true", .cwd = "new-dir", .input = "a-file"}, STEP_INPUT, ENOENT},
	};
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "echo text > a-file");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct result *result = &run(rig, &cases[i].task)->result;
		assert_int_equal(result->reason, RESULT_SPAWN);
		assert_int_equal(result->step, cases[i].step);
		assert_int_equal(result->error, cases[i].error);
	}
	assert_runs(rig);
}

static void
directory_and_input_are_the_tasks(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "mkdir inner; echo here > inner/where; echo there > where");
	assert_printed(run(rig, &(struct task){.command = "cat where", .cwd = "inner"}), "here\n");
	assert_printed(run(rig, &(struct task){.command = "cat", .input = "where"}), "there\n");
	/* a relative input is found from the task's directory, as the shell would */
	assert_printed(run(rig, &(struct task){.command = "cat", .cwd = "inner", .input = "where"}),
		"here\n");
	/* and a directory that is not there is made */
	assert_printed(run(rig, &(struct task){.command = "cat; /bin/pwd | grep -o '[^/]*/[^/]*$'",
					.cwd = "new/deep/",
					.input = "../../where"}),
		"there\nnew/deep\n");
	assert_printed(run(rig, &(struct task){.command = "/bin/true", .cwd = "other"}), "");
	assert_int_equal(rmdir("other"), 0);
	assert_printed(run_line(rig, "cat"), "");
	assert_printed(run_line(rig, "readlink /proc/self/fd/0"), "/dev/null\n");
	assert_printed(run_line(rig, "cat where"), "there\n");
}

/* As with a shell's "<": the task waits for a writer, and can be told to end meanwhile. */
static void
input_may_be_a_pipe(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "mkfifo in-pipe");
	const struct told *told =
		run(rig, &(struct task){.command = "cat", .input = "in-pipe", .timeout_ms = 50});
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	static const char *const lines[] = {"cat", "cat; echo $# $0", "./bare-cat"};
	static const char *const prints[] = {"fed\n", "fed\n0 /bin/sh\n", "fed\n"};
	run_line(rig, "echo cat > bare-cat; chmod +x bare-cat");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		uint64_t seq = give(rig, &(struct task){.command = lines[i], .input = "in-pipe"});
		int fd = -1;
		UNTIL(rig, (fd = open("in-pipe", O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
		assert_int_equal(write(fd, "fed\n", 4), 4);
		close(fd);
		UNTIL(rig, rig->told[seq].ended);
		assert_int_equal(rig->told[seq].result.reason, RESULT_OK);
		assert_printed(&rig->told[seq], prints[i]);
	}
	told = run(rig, &(struct task){.command = "cat", .input = "/dev/stdin"});
	assert_int_equal(told->result.step, STEP_INPUT);
}

static void
task_knows_its_place(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	assert_printed(run_line(rig, "echo $MPBATCH_INDEX $MPBATCH_ATTEMPT $MPBATCH_RANK "
				     "$MPBATCH_SLOT $MPBATCH_NTASKS"),
		"1001 2 3 5 77\n");
	static const char own[] = "A=1\0MPBATCH_RANK=x";
	assert_printed(run(rig, &(struct task){.command = "echo $A $MPBATCH_RANK $MPBATCH_INDEX",
					.env = own,
					.env_len = sizeof(own)}),
		"1 x 1002\n");
	assert_printed(run_line(rig, "echo ${A-none} $MPBATCH_RANK"), "none 3\n");
}

/* --- what a task inherits --- */

static void
descriptors_are_three(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 2);
	for (int i = 0; i < 3; i++) { /* not only while nothing was ever spooled or replaced */
		assert_printed(run_line(rig, "ls /proc/$$/fd; :"), "0\n1\n2\n");
		assert_printed(run_line(rig, "ls /proc/self/fd"), "0\n1\n2\n3\n"); /* 3: its own */
		uint64_t big = give_line(rig, "head -c 200000 /dev/zero; setsid sleep 1000 &");
		UNTIL(rig, rig->told[big].ended);
	}
	assert_printed(run_line(rig, "readlink /proc/self/fd/1 | cut -c1-4"), "pipe\n");
	run_line(rig, "echo text > an-input");
	assert_printed(
		run(rig, &(struct task){.command = "ls /proc/$$/fd; :", .input = "an-input"}),
		"0\n1\n2\n");
}

static void
signals_are_as_at_the_start_of_a_shell(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	static const char none[] = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
	assert_printed(run_line(rig, "grep -e SigBlk -e SigIgn /proc/self/status"), none);
	assert_printed(run_line(rig, "grep -e SigBlk -e SigIgn /proc/self/status; :"), none);
}

static void
task_leads_its_own_group(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	assert_printed(run_line(rig, "read pid name state ppid group session rest < /proc/$$/stat; "
				     "echo $((pid - group)) $((ppid - session)) $((ppid - PPID))"),
		"0 0 0\n");
}

static void
slot_is_bound(void **state)
{
	struct rig *rig = *state;
	cpu_set_t mine;
	assert_int_equal(sched_getaffinity(0, sizeof(mine), &mine), 0);
	int cpu = 0;
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &mine))
			cpu = (int)i; /* the last */
	cpus_add(&rig->setups[0].cpus, cpu);
	rig_open(rig, 1);
	assert_true(cpus_equal(&rig->cpus, &rig->setups[0].cpus));
	char line[64];
	snprintf(line, sizeof(line), "Cpus_allowed_list:\t%d\n", cpu);
	assert_printed(run_line(rig, "grep Cpus_allowed_list /proc/self/status"), line);
	snprintf(line, sizeof(line), "%d\n", cpu);
	assert_printed(run_line(rig, "echo $MPBATCH_CPUS"), line);
}

/* --- stopping tasks --- */

static void
time_limit_ends_a_task(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	const struct told *told =
		run(rig, &(struct task){.command = "sleep 1000", .timeout_ms = 50});
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	assert_int_equal(told->result.signal, SIGTERM);
	assert_in_range(told->result.runtime_ns, 50 * CLOCK_NS_PER_MS, BOUND_S * CLOCK_NS_PER_S);
	/* on a busy machine the shell may not come to its trap in time: then it gets more */
	for (uint32_t ms = 100; access("armed-t", F_OK) < 0; ms *= 2)
		told = run(rig, &(struct task){.command = "trap 'echo bye; exit 4' TERM; "
							  "echo x > armed-t; sleep 1000 & wait",
					.timeout_ms = ms});
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	assert_int_equal(told->result.exit_code, 4);
	assert_printed(told, "bye\n");
	told = run(rig, &(struct task){.command = "echo quick", .timeout_ms = 60000});
	assert_int_equal(told->result.reason, RESULT_OK);
	assert_runs(rig);
}

/* Starts a line that writes its pid to "ready" when it is, and waits for that. */
static uint64_t
give_until_ready(struct rig *rig, const char *line)
{
	unlink("ready");
	uint64_t seq = give_line(rig, line);
	UNTIL(rig, pid_in("ready"));
	return seq;
}

static const struct told *
stop(struct rig *rig, uint64_t seq, enum result_reason reason, uint32_t grace_ms)
{
	rig->runner->ops->kill(rig->runner, 0, seq, reason, grace_ms);
	UNTIL(rig, rig->told[seq].ended);
	return &rig->told[seq];
}

static void
kill_gives_grace(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(rig, "trap 'echo caught; exit 3' TERM; echo $$ > ready; "
					     "while :; do sleep 0.01; done");
	const struct told *told = stop(rig, seq, RESULT_CANCELLED, 60000);
	assert_int_equal(told->result.reason, RESULT_CANCELLED);
	assert_int_equal(told->result.exit_code, 3);
	assert_printed(told, "caught\n");
	seq = give_until_ready(rig, "trap '' TERM; echo $$ > ready; while :; do sleep 0.01; done");
	told = stop(rig, seq, RESULT_TIMEOUT, 50);
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	assert_int_equal(told->result.signal, SIGKILL);
	assert_runs(rig);
}

static void
kill_without_grace_is_at_once(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(
		rig, "trap 'exit 3' TERM; echo $$ > ready; while :; do sleep 0.01; done");
	const struct told *told = stop(rig, seq, RESULT_CANCELLED, 0);
	assert_int_equal(told->result.reason, RESULT_CANCELLED);
	assert_int_equal(told->result.signal, SIGKILL);
	assert_true(is_gone(pid_in("ready")));
}

/* The second order shortens the grace of the first; the reason stays. */
static void
kill_again_is_harder(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(
		rig, "trap '' TERM; echo $$ > ready; while :; do sleep 0.01; done");
	rig->runner->ops->kill(rig->runner, 0, seq, RESULT_TIMEOUT, 3600000);
	const struct told *told = stop(rig, seq, RESULT_CANCELLED, 0);
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	assert_int_equal(told->result.signal, SIGKILL);
}

static void
stopped_task_takes_its_term(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(
		rig, "echo $$ > ready; kill -STOP $$; while :; do sleep 0.01; done");
	const struct told *told = stop(rig, seq, RESULT_CANCELLED, 3600000);
	assert_int_equal(told->result.signal, SIGTERM);
}

/* A kill that comes too late, or too early, changes nothing. */
static void
kill_of_another_is_ignored(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t first = give_line(rig, "echo one");
	UNTIL(rig, rig->told[first].ended);
	unlink("go");
	uint64_t second = give_until_ready(
		rig, "echo $$ > ready; while [ ! -e go ]; do sleep 0.01; done; echo two");
	uint64_t third = give_line(rig, "echo three");
	rig->runner->ops->kill(rig->runner, 0, first, RESULT_CANCELLED, 0);
	rig->runner->ops->kill(rig->runner, 0, third, RESULT_CANCELLED, 0);
	rig->runner->ops->recall(rig->runner, 0, first); /* its answer comes after the kills */
	UNTIL(rig, rig->told[first].recalled);
	close(open("go", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	UNTIL(rig, rig->told[third].ended);
	assert_int_equal(rig->told[second].result.reason, RESULT_OK);
	assert_int_equal(rig->told[third].result.reason, RESULT_OK);
	assert_printed(&rig->told[third], "three\n");
}

static void
long_tasks_are_announced(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	assert_runs(rig);
	uint64_t seq = give_line(rig, "sleep 1000");
	UNTIL(rig, rig->told[seq].started);
	assert_false(rig->told[seq].ended);
	stop(rig, seq, RESULT_CANCELLED, 0);
}

static void
staged_tasks_can_be_recalled(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t first = give_until_ready(rig, "echo $$ > ready; sleep 1000");
	uint64_t second = give_line(rig, "echo two");
	uint64_t third = give_line(rig, "echo three > third-ran");
	uint64_t fourth = give_line(rig, "echo four");
	rig->runner->ops->recall(rig->runner, 0, third);
	rig->runner->ops->recall(rig->runner, 0, first);
	UNTIL(rig, rig->told[first].recalled && rig->told[third].recalled);
	assert_false(rig->told[first].given);
	assert_true(rig->told[third].given);
	stop(rig, first, RESULT_CANCELLED, 0);
	UNTIL(rig, rig->told[fourth].ended);
	assert_true(rig->told[second].ended);
	assert_false(rig->told[third].ended);
	assert_int_equal(access("third-ran", F_OK), -1);
	rig->runner->ops->recall(rig->runner, 0, fourth);
	UNTIL(rig, rig->told[fourth].recalled);
	assert_false(rig->told[fourth].given);
	assert_false(rig->out_of_order);
}

/* --- what tasks leave behind --- */

/* Leaves a process in a session of its own, whose parent is gone, with its pid in stray-NAME. */
#define DAEMON(name, does)                                                                         \
	"(setsid sh -c 'echo $$ > stray-" name "; " does "' &) & "                                 \
	"while [ ! -s stray-" name " ]; do sleep 0.01; done; "

static void
strays_are_killed_and_counted(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	const struct told *told = run_line(rig, DAEMON("a", "exec sleep 1000") "exit 6");
	assert_int_equal(told->result.exit_code, 6);
	assert_int_equal(told->result.strays, 1);
	assert_true(is_gone(pid_in("stray-a")));
	told = run_line(rig, DAEMON("b", "trap \"\" TERM; while :; do sleep 0.01; done") DAEMON("c",
				     "exec sleep 1000") DAEMON("d", "exec sleep 1000") "echo done");
	assert_int_equal(told->result.reason, RESULT_OK);
	assert_int_equal(told->result.strays, 3);
	assert_printed(told, "done\n");
	assert_true(is_gone(pid_in("stray-b")) && is_gone(pid_in("stray-c")) &&
		    is_gone(pid_in("stray-d")));
	assert_int_equal(run_line(rig, "echo none")->result.strays, 0);
	assert_int_equal(rig->sick, 0);
}

/* The tree of a stray, too, and of a task that is killed. */
static void
whole_trees_are_killed(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(rig,
		DAEMON("f", "trap \"\" TERM; setsid sleep 1000 & echo $! > stray-g; wait; "
			    "sleep 1000") "while [ ! -s stray-g ]; do sleep 0.01; done; echo "
					  "$$ > ready; sleep 1000");
	stop(rig, seq, RESULT_CANCELLED, 0);
	assert_true(is_gone(pid_in("stray-f")) && is_gone(pid_in("stray-g")) &&
		    is_gone(pid_in("ready")));
	assert_int_equal(rig->sick, 0);
}

/* What a stray still says in its grace belongs to its task. */
static void
last_words_of_strays_are_kept(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	const struct told *told = run_line(rig,
		DAEMON("h", "trap \"echo last; exit\" TERM; echo ok > armed; "
			    "while :; do sleep 0.01; done") "while [ ! -s armed ]; do sleep "
							    "0.01; done; echo first");
	assert_printed(told, "first\nlast\n");
	assert_int_equal(told->result.out_bytes, 11);
}

static void
strays_are_kept_if_asked(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].stray = STRAY_KEEP;
	rig_open(rig, 1);
	const struct told *told = run_line(
		rig, DAEMON("k", "trap \"\" PIPE; while [ ! -e go-k ]; do sleep 0.01; done; "
				 "echo late; echo x > said; exec sleep 1000") "echo first");
	assert_int_equal(told->result.reason, RESULT_OK);
	assert_int_equal(told->result.strays, 1);
	assert_printed(told, "first\n");
	assert_int_equal(kill(pid_in("stray-k"), 0), 0);
	/* it prints while the next task runs, but not among what that one prints */
	told = run_line(
		rig, "echo x > go-k; while [ ! -s said ]; do sleep 0.01; done; echo second");
	assert_printed(told, "second\n");
	assert_int_equal(told->result.strays, 0);
	told = run_line(rig, DAEMON("l", "exec sleep 1000") "echo third");
	assert_int_equal(told->result.strays, 1);
	rig_close(rig);
	pid_t first = pid_in("stray-k"), second = pid_in("stray-l");
	/* executor and keeper leave, and both become our children */
	int64_t end = clock_now_ns() + BOUND_S * CLOCK_NS_PER_S;
	while (tree_count() != 2 && clock_now_ns() < end) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
			waitpid(info.si_pid, NULL, 0);
		poll(NULL, 0, 5);
	}
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(kill(second, SIGKILL), 0);
	assert_int_equal(waitpid(first, NULL, 0), first);
	assert_int_equal(waitpid(second, NULL, 0), second);
}

#define KEPT_DAEMON(name)                                                                          \
	DAEMON(name, "trap \"echo x > hit-" name "\" TERM; echo x > armed-" name "; "              \
		     "while :; do sleep 0.01; done")                                               \
	"while [ ! -s armed-" name " ]; do sleep 0.01; done; "

/* What is kept is what a task leaves when it ends by itself. */
static void
kept_strays_do_not_outlive_a_stop(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].stray = STRAY_KEEP;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(rig, KEPT_DAEMON("s") "echo $$ > ready; sleep 1000");
	const struct told *told = stop(rig, seq, RESULT_TIMEOUT, 100);
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
	assert_int_equal(access("hit-s", F_OK), 0);
	assert_true(is_gone(pid_in("stray-s")));
	assert_runs(rig);
}

static void
stop_spares_strays_of_earlier_tasks(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].stray = STRAY_KEEP;
	rig_open(rig, 1);
	run_line(rig, KEPT_DAEMON("e") "echo first");
	uint64_t seq = give_until_ready(rig, KEPT_DAEMON("u") "echo $$ > ready; sleep 1000");
	stop(rig, seq, RESULT_TIMEOUT, 100);
	assert_true(is_gone(pid_in("stray-u")));
	assert_int_equal(access("hit-e", F_OK), -1);
	assert_int_equal(kill(pid_in("stray-e"), 0), 0);
	seq = give_until_ready(rig, "echo $$ > ready; sleep 1000");
	rig->runner->ops->kill(rig->runner, 0, seq, RESULT_CANCELLED, 60000);
	UNTIL(rig, rig->told[seq].ended);
	assert_int_equal(access("hit-e", F_OK), -1);
	assert_int_equal(kill(pid_in("stray-e"), SIGKILL), 0);
	assert_runs(rig);
}

/* More than its pipe holds, after its task has ended and others run: nobody else prints it. */
static void
kept_strays_may_go_on_printing(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].stray = STRAY_KEEP;
	rig_open(rig, 1);
	run_line(rig, DAEMON("v", "while [ ! -e go-v ]; do sleep 0.01; done; head -c 300000 "
				  "/dev/zero; echo x > said-v; head -c 300000 /dev/zero >&2; "
				  "echo x > said-w; exec sleep 1000") "echo first");
	assert_printed(run_line(rig, "echo second"), "second\n");
	close(open("go-v", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	UNTIL(rig, access("said-v", F_OK) == 0);
	assert_printed(
		run_line(rig, "while [ ! -e said-w ]; do sleep 0.01; done; echo third"), "third\n");
	pid_t stray = pid_in("stray-v");
	assert_int_equal(kill(stray, SIGKILL), 0);
	UNTIL(rig, is_gone(stray));
	/* the executor has no pipe but the two of its next task */
	run_line(rig, "echo $PPID > executor");
	run_line(rig, "ls -l /proc/$PPID/fd | grep -o 'pipe:.*' | sort -u | wc -l > pipes");
	assert_int_equal(pid_in("pipes"), 2);
}

/* As one that has tens of GiB to give back: here it cannot be reaped, because we trace it. */
static void
dying_stray_does_not_close_the_slot(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(rig,
		DAEMON("y", "exec sleep 1000") "echo $$ > ready; "
					       "while [ ! -e go-y ]; do sleep 0.01; done");
	pid_t stray = pid_in("stray-y");
	if (ptrace(PTRACE_SEIZE, stray, NULL, NULL) < 0)
		skip();
	close(open("go-y", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	siginfo_t info = {0};
	UNTIL(rig, waitid(P_PID, (id_t)stray, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			   info.si_pid == stray);
	for (int64_t end = clock_now_ns() + 3 * CLOCK_NS_PER_S / 2; clock_now_ns() < end;)
		turn(rig);
	assert_false(rig->told[seq].ended);
	assert_int_equal(waitpid(stray, NULL, 0), stray);
	UNTIL(rig, rig->told[seq].ended);
	assert_int_equal(rig->told[seq].result.reason, RESULT_OK);
	assert_int_equal(rig->sick, 0);
	assert_runs(rig);
}

/* --- signals that SLURM sends to everybody --- */

static void
deaths_near_a_signal_are_cancellations(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	const struct told *told =
		run_line(rig, "kill -USR2 $PPID; kill -HUP $PPID; kill -INT $PPID; "
			      "kill -TERM $$");
	assert_int_equal(told->result.reason, RESULT_SIGNAL);
	told = run_line(rig, "kill -TERM $PPID; kill -TERM $$");
	assert_int_equal(told->result.reason, RESULT_CANCELLED);
	told = run_line(rig, "kill -USR1 $PPID; kill -USR1 $$");
	assert_int_equal(told->result.reason, RESULT_CANCELLED);
	told = run_line(rig, "kill -TERM $PPID; exit 143");
	assert_int_equal(told->result.reason, RESULT_CANCELLED);
	told = run_line(rig, "kill -TERM $PPID; exit 1");
	assert_int_equal(told->result.reason, RESULT_EXIT);
	told = run_line(rig, "kill -TERM $PPID; kill -SEGV $$");
	assert_int_equal(told->result.reason, RESULT_SIGNAL);
	assert_int_equal(told->result.signal, SIGSEGV);
	assert_runs(rig);
	assert_int_equal(rig->downs, 0);
}

/* --- executors that die --- */

static void
dead_executor_is_replaced(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	assert_runs(rig);
	uint64_t second = give_until_ready(rig,
		DAEMON("m", "exec sleep 1000") "echo $$ > task; echo $PPID > ready; sleep 1000");
	give_line(rig, "echo x > third-ran");
	give_line(rig, "echo x > fourth-ran");
	rig->runner->ops->recall(rig->runner, 0, second);
	UNTIL(rig, rig->told[second].recalled); /* so the others are staged there by now */
	pid_t task = pid_in("task"), stray = pid_in("stray-m");
	assert_int_equal(kill(pid_in("ready"), SIGKILL), 0);
	UNTIL(rig, rig->downs == 1);
	assert_int_equal(rig->down_started, second);
	assert_false(rig->down_for_ever);
	assert_non_null(strstr(rig->down_why, "signal 9"));
	UNTIL(rig, rig->ups == 2);
	UNTIL(rig, is_gone(task) && is_gone(stray));
	assert_runs(rig);
	assert_int_equal(access("third-ran", F_OK), -1);
	assert_int_equal(access("fourth-ran", F_OK), -1);
	assert_false(rig->told[second].ended);
}

static void
idle_executor_may_die_too(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "echo $PPID > executor");
	kill(pid_in("executor"), SIGKILL);
	uint64_t lost =
		give_line(rig, "echo x > lost-ran"); /* perhaps into a socket nobody reads */
	UNTIL(rig, rig->downs == 1);
	assert_int_equal(rig->down_started, 1);
	UNTIL(rig, rig->ups == 2);
	assert_runs(rig);
	assert_false(rig->told[lost].ended);
	assert_int_equal(access("lost-ran", F_OK), -1);
}

static void
executor_that_always_dies_is_given_up(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 2);
	for (int i = 1; !rig->down_for_ever; i++) {
		assert_in_range(i, 1, 100);
		give_until_ready(rig, "echo $PPID > ready; sleep 1000");
		kill(pid_in("ready"), SIGKILL);
		UNTIL(rig, rig->downs == i && (rig->down_for_ever || rig->ups == 2 + i));
		assert_int_equal(rig->down_started, i);
	}
	give_line(rig, "echo x > nobody-ran"); /* ignored */
	struct task *task = task_new(&(struct task){.command = "echo other", .command_len = 10});
	rig->runner->ops->start(rig->runner, 1, 500, task);
	task_free(task);
	UNTIL(rig, rig->told[500].ended);
	assert_printed(&rig->told[500], "other\n");
	assert_int_equal(access("nobody-ran", F_OK), -1);
}

/* --- keeper and rank that die --- */

static void
executors_outlive_the_keeper(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "cut -d' ' -f4 /proc/$PPID/stat > keeper; echo $PPID > executor");
	assert_int_equal(kill(pid_in("keeper"), SIGKILL), 0);
	assert_runs(rig);
	assert_runs(rig);
	assert_int_equal(rig->downs, 0);
}

/* Nobody knows then what had been started: all that it was given may have run. */
static void
without_keeper_a_dead_executor_is_down_for_ever(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	run_line(rig, "cut -d' ' -f4 /proc/$PPID/stat > keeper");
	assert_int_equal(kill(pid_in("keeper"), SIGKILL), 0);
	assert_runs(rig);
	uint64_t seq = give_until_ready(rig, "echo $PPID > ready; exec sleep 1000");
	assert_int_equal(kill(pid_in("ready"), SIGKILL), 0);
	UNTIL(rig, rig->downs == 1);
	assert_true(rig->down_for_ever);
	assert_true(rig->down_started >= seq);
}

/* The rank is a process of its own here; its keeper becomes our child when it has died. */
static void
nothing_outlives_the_rank(void **state)
{
	struct rig *rig = *state;
	pid_t rank = fork();
	if (rank == 0) {
		alarm(2 * BOUND_S);
		rig_open(rig, 2);
		give_line(rig,
			DAEMON("r",
				"trap \"\" TERM HUP; while :; do sleep 0.01; done") "setsid sh -c "
										    "'echo $$ > "
										    "in-group; "
										    "sleep 1000' & "
										    "trap '' TERM "
										    "HUP; echo $$ "
										    "> task-r; "
										    "while :; do "
										    "sleep 0.01; "
										    "done");
		give_line(rig, "echo x > after-rank-ran");
		for (;;)
			turn(rig);
	}
	UNTIL(rig, pid_in("task-r") && pid_in("in-group"));
	assert_int_equal(kill(rank, SIGKILL), 0);
	assert_true(all_gone());
	assert_true(is_gone(pid_in("task-r")) && is_gone(pid_in("stray-r")) &&
		    is_gone(pid_in("in-group")));
	assert_int_equal(access("after-rank-ran", F_OK), -1);
}

static void
close_ends_what_runs(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 2);
	give_until_ready(rig,
		DAEMON("z", "trap \"\" TERM; while :; do sleep 0.01; done") "trap '' TERM; echo $$ "
									    "> ready; while :; do "
									    "sleep 0.01; done");
	rig_close(rig);
	assert_true(all_gone());
	assert_true(is_gone(pid_in("ready")) && is_gone(pid_in("stray-z")));
}

/* --- output --- */

static void
output_rides_up_to_its_limit(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	const struct told *told = run_line(rig, "head -c 16384 /dev/zero");
	assert_false(told->result.offered);
	assert_int_equal(told->bytes[0].len, 16384);
	told = run_line(rig, "head -c 8192 /dev/zero; head -c 8193 /dev/zero >&2");
	assert_true(told->result.offered);
	assert_int_equal(told->result.out_bytes, 8192);
	assert_int_equal(told->result.err_bytes, 8193);
	allow(rig, rig->seqs[0], 2);
	UNTIL(rig, told->whole);
	assert_int_equal(told->bytes[0].len, 8192);
	assert_int_equal(told->bytes[1].len, 8193);
	assert_runs(rig);
}

/* The numbers from 1 to LAST, a line each. */
static void
assert_counts_to(const struct buf *buf, int last)
{
	struct buf expected = {0};
	for (int i = 1; i <= last; i++)
		buf_printf(&expected, "%d\n", i);
	assert_int_equal(buf->len, expected.len);
	assert_memory_equal(buf->data, expected.data, expected.len);
	buf_clear(&expected);
}

static void
large_output_is_fetched_after_the_end(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	uint64_t seq = give_line(rig, "seq 1 100000; seq 1 50000 >&2; exit 3");
	UNTIL(rig, rig->told[seq].ended);
	const struct told *told = &rig->told[seq];
	assert_true(told->result.offered);
	assert_false(told->offered);
	assert_int_equal(told->result.exit_code, 3);
	assert_runs(rig); /* meanwhile the slot goes on */
	for (int i = 0; i < 1000 && !told->whole; i++) {
		allow(rig, seq, 1);
		UNTIL(rig, rig->chunks_allowed == 0 || told->whole);
	}
	assert_true(told->whole);
	assert_counts_to(&told->bytes[0], 100000);
	assert_counts_to(&told->bytes[1], 50000);
	assert_int_equal(told->result.out_bytes, told->bytes[0].len);
}

static void
output_beyond_the_spool_is_fetched_while_it_runs(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 100000;
	rig_open(rig, 1);
	uint64_t seq = give_line(rig, "seq 1 300000 & seq 1 300000 >&2; wait");
	uint64_t next = give_line(rig, "echo next");
	const struct told *told = &rig->told[seq];
	UNTIL(rig, told->offered);
	assert_false(told->ended);
	for (uint32_t i = 0; i < 10000 && !told->whole; i++) {
		allow(rig, seq, 1 + i % 3);
		UNTIL(rig, rig->chunks_allowed == 0 || told->whole);
	}
	assert_true(told->whole);
	assert_true(told->result.offered);
	assert_counts_to(&told->bytes[0], 300000);
	assert_counts_to(&told->bytes[1], 300000);
	assert_int_equal(told->result.reason, RESULT_OK);
	UNTIL(rig, rig->told[next].ended);
	assert_printed(&rig->told[next], "next\n");
}

/* Credit that comes before the output needs it is not lost. */
static void
credit_in_advance_counts(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 100000;
	rig_open(rig, 1);
	uint64_t seq = give_until_ready(rig, "echo $$ > ready; seq 1 200000");
	allow(rig, seq, 1000);
	UNTIL(rig, rig->told[seq].whole);
	assert_counts_to(&rig->told[seq].bytes[0], 200000);
}

static void
task_that_waits_for_room_can_be_killed(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 4096;
	rig_open(rig, 1);
	uint64_t seq = give_line(rig, "cat /dev/zero");
	UNTIL(rig, rig->told[seq].offered);
	rig->runner->ops->kill(rig->runner, 0, seq, RESULT_CANCELLED, 0);
	rig->runner->ops->recall(rig->runner, 0, seq);
	UNTIL(rig, rig->told[seq].recalled);
	allow(rig, seq, 100);
	UNTIL(rig, rig->told[seq].whole);
	assert_int_equal(rig->told[seq].result.signal, SIGKILL);
	assert_int_equal(rig->told[seq].result.out_bytes, rig->told[seq].bytes[0].len);
	assert_runs(rig);
}

/* A directory where nothing can be spooled is a spool without room. */
static void
unwritable_tmpdir_only_slows_down(void **state)
{
	struct rig *rig = *state;
	static char nowhere[] = "/no/such/dir";
	rig->setups[0].tmpdir = nowhere;
	rig_open(rig, 1);
	uint64_t seq = give_line(rig, "seq 1 100000");
	UNTIL(rig, rig->told[seq].offered);
	allow(rig, seq, 1000);
	UNTIL(rig, rig->told[seq].whole);
	assert_counts_to(&rig->told[seq].bytes[0], 100000);
	assert_runs(rig);
}

static void
slot_waits_while_too_many_outputs_do(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	for (int i = 1; i <= 4; i++)
		give_line(rig, "head -c 20000 /dev/zero");
	UNTIL(rig, rig->told[4].ended);
	uint64_t fifth = give_line(rig, "echo five > fifth-ran");
	uint64_t sixth = give_line(rig, "echo six");
	rig->runner->ops->recall(rig->runner, 0, fifth);
	UNTIL(rig, rig->told[fifth].recalled);
	assert_true(rig->told[fifth].given);
	assert_false(rig->told[sixth].ended);
	allow(rig, 3, 10);
	UNTIL(rig, rig->told[3].whole && rig->told[sixth].ended);
	assert_printed(&rig->told[sixth], "six\n");
	assert_int_equal(rig->told[3].bytes[0].len, 20000);
}

/* --- outputs that rank 0 does not get --- */

static void
assert_tail(const struct told *told, const char *text)
{
	assert_true(told->result.away);
	assert_int_equal(told->tail.len, strlen(text));
	if (told->tail.len)
		assert_memory_equal(told->tail.data, text, told->tail.len);
}

/* It could not be stored, because of ERROR, and the tail says of WHAT. */
static void
assert_unstored(const struct told *told, int reason, int error, const char *what)
{
	char text[2000];
	assert_true(told->result.away);
	assert_false(told->result.stored);
	assert_int_equal(told->result.reason, reason);
	assert_int_equal(told->result.error, error);
	snprintf(text, sizeof(text), "%.*s", (int)told->tail.len, told->tail.data);
	assert_int_equal(strncmp(text, "mpbatch: its output could not be stored: ", 41), 0);
	if (!strstr(text, what) || !strstr(text, strerror(error)))
		fail_msg("the tail is \"%s\"", text);
}

static void
dropped_outputs_are_counted(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].output = OUTPUT_NONE;
	rig_open(rig, 1);
	const struct told *told = run_line(rig, "seq 1 200000; echo bad >&2; exit 3");
	assert_int_equal(told->result.reason, RESULT_EXIT);
	assert_int_equal(told->result.out_bytes, 1288895);
	assert_int_equal(told->result.err_bytes, 4);
	assert_tail(told, "bad\n");
	assert_tail(run_line(rig, "echo x"), "");
	told = run_line(rig, "seq 1 200000 >&2");
	assert_int_equal(told->tail.len, 1024);
	assert_memory_equal(told->tail.data + 1017, "200000\n", 7);
	/* one that prints as fast as it is read is not all there is to do */
	told = run(rig, &(struct task){.command = "yes", .timeout_ms = 100});
	assert_int_equal(told->result.reason, RESULT_TIMEOUT);
}

static void
assert_file(const char *path, const char *text)
{
	char held[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is not there", path);
	ssize_t len = read(fd, held, sizeof(held));
	close(fd);
	if (len != (ssize_t)strlen(text) || memcmp(held, text, (size_t)len) != 0)
		fail_msg("%s holds \"%.*s\", not \"%s\"", path, (int)len, held, text);
}

static void
files_hold_what_tasks_print(void **state)
{
	static const struct {
		struct task task;
		const char *path[2], *holds[2], *tail;
		uint64_t bytes[2];
	} cases[] = {
		{{.command = "echo a; echo b >&2; echo c", .out = "f/a/1", .err = "f/b/1"},
			{"f/a/1", "f/b/1"}, {"a\nc\n", "b\n"}, "b\n", {4, 2}},
		/* again, and what was there is gone */
		{{.command = "echo d", .out = "f/a/1", .err = "f/b/1"}, {"f/a/1", "f/b/1"},
			{"d\n", ""}, "", {2, 0}},
		{{.command = "echo a; echo b >&2; echo c; echo d >&2", .out = "f/m", .err = "f/m"},
			{"f/m"}, {"a\nb\nc\nd\n"}, "a\nb\nc\nd\n", {8, 0}},
		{{.command = "/bin/echo x", .cwd = "f/d", .out = "o", .err = "../up"},
			{"f/d/o", "f/up"}, {"x\n", ""}, "", {2, 0}},
		{{.command = "echo a; echo b >&2", .out = "f/only"}, {"f/only"}, {"a\n"}, "b\n",
			{2, 2}},
		{{.command = "echo a; echo b >&2", .err = "f/only"}, {"f/only"}, {"b\n"}, "b\n",
			{2, 2}},
		{{.command = "echo a; echo b > /dev/stdout; echo c > /dev/stderr; echo d >&2",
			 .out = "f/o",
			 .err = "f/e"},
			{"f/o", "f/e"}, {"a\nb\n", "c\nd\n"}, "c\nd\n", {4, 4}},
	};
	struct rig *rig = *state;
	rig->setups[0].output = OUTPUT_FILES;
	rig_open(rig, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct told *told = run(rig, &cases[i].task);
		assert_int_equal(told->result.reason, RESULT_OK);
		for (int k = 0; k < 2 && cases[i].path[k]; k++)
			assert_file(cases[i].path[k], cases[i].holds[k]);
		assert_tail(told, cases[i].tail);
		assert_int_equal(told->result.out_bytes, cases[i].bytes[0]);
		assert_int_equal(told->result.err_bytes, cases[i].bytes[1]);
	}
	run(rig, &(struct task){.command = "ls /proc/$$/fd; :", .out = "f/o", .err = "f/e"});
	assert_file("f/o", "0\n1\n2\n");
}

static void
unwanted_files_are_removed(void **state)
{
	static const struct {
		bool remove_empty, keep_failed_only;
		const char *command;
		bool out, err; /* are there afterwards */
	} cases[] = {
		{false, false, "exit 0", true, true},
		{true, false, "echo x; exit 1", true, false},
		{true, false, "echo x >&2", false, true},
		{true, false, "echo x >&2; echo y", true, true},
		{false, true, "echo x", false, false},
		{false, true, "echo x; exit 1", true, true},
		{true, true, "echo x; exit 1", true, false},
		{true, true, "echo x; kill -KILL $$", true, false},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig->setups[0].output = OUTPUT_FILES;
		rig->setups[0].remove_empty = cases[i].remove_empty;
		rig->setups[0].keep_failed_only = cases[i].keep_failed_only;
		rig->ups = 0;
		rig_open(rig, 1);
		run(rig, &(struct task){
				 .command = cases[i].command, .out = "u/out", .err = "u/err"});
		assert_int_equal(access("u/out", F_OK) == 0, cases[i].out);
		assert_int_equal(access("u/err", F_OK) == 0, cases[i].err);
		unlink("u/out");
		unlink("u/err");
		run(rig, &(struct task){.command = "true", .out = "/dev/null"});
		assert_int_equal(access("/dev/null", F_OK), 0);
		rig_close(rig);
	}
}

static void
files_that_fail_are_the_tasks_failure(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].output = OUTPUT_FILES;
	rig->setups[0].remove_empty = true;
	rig_open(rig, 1);
	run_line(rig, "echo x > a-file; mkfifo a-pipe");
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .out = "a-file/x"}),
		RESULT_OUTPUT, ENOTDIR, "a-file/x");
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .err = "/proc/x/y"}),
		RESULT_OUTPUT, ENOENT, "/proc/x/y");
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .err = "a-pipe"}),
		RESULT_OUTPUT, ENXIO, "a-pipe");
	int reader = open("a-pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .err = "a-pipe"}),
		RESULT_OUTPUT, EINVAL, "a-pipe");
	close(reader);
	assert_int_equal(symlink("/proc/self/fd/1", "a-link"), 0);
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .err = "a-link"}),
		RESULT_OUTPUT, EINVAL, "a-link");
	assert_unstored(run(rig, &(struct task){.command = "echo x > never", .out = "/dev/stdout"}),
		RESULT_OUTPUT, EINVAL, "/dev/stdout");
	assert_int_equal(access("never", F_OK), -1);
	assert_unstored(run(rig, &(struct task){.command = "echo x", .out = "/dev/full"}),
		RESULT_OUTPUT, ENOSPC, "/dev/full");
	const struct told *told =
		run(rig, &(struct task){.command = "yes; exit 3", .err = "e", .out = "/dev/full"});
	assert_unstored(told, RESULT_OUTPUT, ENOSPC, "/dev/full");
	assert_int_equal(told->result.signal, SIGTERM);
	assert_int_equal(access("/dev/full", F_OK), 0);
	told = run(rig, &(struct task){.command = "echo x", .out = "o"});
	assert_int_equal(told->result.reason, RESULT_OK);
	assert_file("o", "x\n");
}

static int
append_piece(void *arg, const char *data, size_t len)
{
	buf_append(arg, data, len);
	return 0;
}

/* Fills what was told of a task with what the store has of it. */
static void
fetch_stored(struct told *told)
{
	struct result *result = &told->result;
	assert_int_equal(result->reason, RESULT_OK);
	assert_true(result->away && result->stored);
	uint64_t total = result->out_bytes + result->err_bytes;
	for (int i = 0; i < 2; i++) {
		struct store_range range = {.name = "output.4.3.5",
			.stored = {.offset = result->stored_at, .sum = result->stored_sum},
			.total = total,
			.skip = i ? result->out_bytes : 0,
			.len = i ? result->err_bytes : result->out_bytes};
		struct err err;
		if (store_read("store", &range, append_piece, &told->bytes[i], &err) < 0)
			fail_msg("%s", err.text);
	}
}

static void
open_store(struct rig *rig)
{
	static char run_dir[] = "store";
	unlink("store/output.4.3.5");
	mkdir("store", 0700);
	rig->setups[0].output = OUTPUT_STORE;
	rig->setups[0].session = 4;
	rig->setups[0].run_dir = run_dir;
	rig_open(rig, 1);
}

static void
store_holds_what_tasks_print(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 1000; /* no limit here */
	open_store(rig);
	uint64_t empty = give_line(rig, "true");
	UNTIL(rig, rig->told[empty].ended);
	assert_int_equal(access("store/output.4.3.5", F_OK), -1);
	uint64_t small = give_line(rig, "echo one; echo two >&2");
	uint64_t big = give_line(rig, "seq 1 300000; seq 1 200000 >&2");
	uint64_t last = give_line(rig, "echo last; echo $PPID > executor");
	UNTIL(rig, rig->told[last].ended);
	assert_int_equal(kill(pid_in("executor"), SIGKILL), 0);
	UNTIL(rig, rig->ups == 2);
	uint64_t another = give_line(rig, "echo another");
	UNTIL(rig, rig->told[another].ended);
	for (uint64_t seq = empty; seq <= another; seq++)
		fetch_stored(&rig->told[seq]);
	assert_printed(&rig->told[empty], "");
	assert_printed(&rig->told[small], "one\n");
	assert_int_equal(rig->told[small].bytes[1].len, 4);
	assert_tail(&rig->told[small], "two\n");
	assert_counts_to(&rig->told[big].bytes[0], 300000);
	assert_counts_to(&rig->told[big].bytes[1], 200000);
	assert_printed(&rig->told[last], "last\n");
	assert_printed(&rig->told[another], "another\n");
}

/* RLIMIT_FSIZE is a full disk, for the spool too. */
static void
full_store_is_the_tasks_failure(void **state)
{
	struct rig *rig = *state;
	struct rlimit before, limited;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limited = before;
	limited.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
	open_store(rig);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	uint64_t first = give_line(rig, "seq 1 10000");
	const struct told *told = run_line(rig, "seq 1 12000");
	assert_unstored(told, RESULT_OUTPUT, EFBIG, "output.4.3.5");
	assert_int_equal(told->result.signal, 0);
	assert_unstored(run_line(rig, "seq 1 12000; exit 2"), RESULT_EXIT, EFBIG, "output.4.3.5");
	told = run_line(rig, "yes; exit 2");
	assert_unstored(told, RESULT_OUTPUT, EFBIG, scratch_path);
	assert_int_equal(told->result.signal, SIGTERM);
	uint64_t last = give_line(rig, "seq 1 1000");
	UNTIL(rig, rig->told[last].ended);
	fetch_stored(&rig->told[first]);
	fetch_stored(&rig->told[last]);
	assert_counts_to(&rig->told[first].bytes[0], 10000);
	assert_counts_to(&rig->told[last].bytes[0], 1000);
	struct stat status;
	assert_int_equal(stat("store/output.4.3.5", &status), 0);
	assert_int_equal(status.st_size, rig->told[first].bytes[0].len + 3893);
}

static void
store_without_directory_is_the_tasks_failure(void **state)
{
	struct rig *rig = *state;
	static char nowhere[] = "/no/such/dir";
	rig->setups[0].output = OUTPUT_STORE;
	rig->setups[0].run_dir = nowhere;
	rig->setups[0].tmpdir = nowhere;
	rig_open(rig, 1);
	assert_unstored(run_line(rig, "echo x"), RESULT_OUTPUT, ENOENT, nowhere);
	assert_unstored(run_line(rig, "seq 1 100000"), RESULT_OUTPUT, ENOENT, nowhere);
	assert_true(run_line(rig, "true")->result.stored);
}

/* --- lines as they come --- */

static void
open_lines(struct rig *rig)
{
	rig->setups[0].output = OUTPUT_LINE;
	rig_open(rig, 1);
}

static void
lines_come_before_the_end(void **state)
{
	struct rig *rig = *state;
	open_lines(rig);
	unlink("go");
	uint64_t seq = give_line(rig, "echo one; echo bad >&2; printf tw; "
				      "while [ ! -e go ]; do sleep 0.01; done; echo o; printf end");
	const struct told *told = &rig->told[seq];
	UNTIL(rig, told->bytes[0].len && told->bytes[1].len);
	assert_false(told->ended || told->offered || told->cut_lines);
	assert_printed(told, "one\n");
	close(open("go", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	UNTIL(rig, told->whole);
	assert_true(told->result.offered);
	assert_printed(told, "one\ntwo\nend");
	assert_int_equal(told->result.out_bytes, 11);
	assert_int_equal(told->result.err_bytes, 4);
	told = run_line(rig, "echo short; printf x >&2");
	assert_false(told->result.offered);
	assert_printed(told, "short\n");
}

/* What is not fetched waits in the task: neither memory nor spool grow. */
static void
lines_of_a_flood_wait_for_credit(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 100000;
	open_lines(rig);
	uint64_t seq = give_line(rig, "seq 1 700000");
	const struct told *told = &rig->told[seq];
	UNTIL(rig, rig->chunks_allowed == 0);
	for (int i = 0; i < 20; i++)
		turn(rig);
	assert_false(told->ended || told->offered);
	assert_in_range(told->bytes[0].len, 1, EXEC_LINE_CREDITS * EXEC_LINE_BYTES);
	for (uint32_t i = 0; i < 10000 && !told->whole; i++) {
		allow(rig, seq, 1 + i % 5);
		UNTIL(rig, rig->chunks_allowed == 0 || told->whole);
	}
	assert_true(told->whole);
	assert_false(told->cut_lines);
	assert_counts_to(&told->bytes[0], 700000);
	assert_true(told->came_before_end > told->result.out_bytes - 400000);
}

static void
long_lines_come_in_pieces(void **state)
{
	struct rig *rig = *state;
	open_lines(rig);
	uint64_t seq = give_line(rig, "head -c 300000 /dev/zero; echo; echo x; printf y");
	UNTIL(rig, rig->chunks_allowed == 0);
	allow(rig, seq, 100);
	UNTIL(rig, rig->told[seq].whole);
	const struct buf *out = &rig->told[seq].bytes[0];
	assert_int_equal(out->len, 300004);
	assert_memory_equal(out->data + 300000, "\nx\ny", 4);
}

/* A flood on one stream does not hold up the other. */
static void
both_streams_have_their_turn(void **state)
{
	struct rig *rig = *state;
	rig->setups[0].spool_bytes = 100000;
	open_lines(rig);
	unlink("said");
	unlink("go");
	uint64_t seq = give_line(rig, "yes & while [ ! -e go ]; do sleep 0.01; done; echo bad >&2; "
				      "echo x > said; wait");
	UNTIL(rig, rig->chunks_allowed == 0);
	close(open("go", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	UNTIL(rig, access("said", F_OK) == 0);
	int given = 0;
	for (; given < 100 && !rig->told[seq].bytes[1].len; given++) {
		allow(rig, seq, 1);
		UNTIL(rig, rig->chunks_allowed == 0);
	}
	assert_in_range(given, 1, 5);
	rig->runner->ops->kill(rig->runner, 0, seq, RESULT_CANCELLED, 0);
	allow(rig, seq, 1000);
	UNTIL(rig, rig->told[seq].whole);
	assert_runs(rig);
}

/* --- length and number --- */

/* A line of LEN bytes: HEAD, then a comment. */
static char *
long_line(const char *head, size_t len)
{
	char *line = test_malloc(len + 1);
	memset(line, 'x', len);
	memcpy(line, head, strlen(head));
	line[len] = '\0';
	return line;
}

static void
lines_may_be_of_any_length(void **state)
{
	static const size_t lengths[] = {131071, 131072, 131073, 200000, 5000000};
	struct rig *rig = *state;
	rig_open(rig, 1);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *line = long_line("cat; echo \"$0-$#\" | cut -c1-6; exit 5 # ", lengths[i]);
		const struct told *told = run_line(rig, line);
		assert_int_equal(told->result.via, RESULT_VIA_SH);
		assert_int_equal(told->result.exit_code, 5);
		assert_printed(told, lengths[i] < 131072 ? "sh-0\n" : "/proc/\n");
		test_free(line);
	}
	char *line = long_line("/bin/echo ", 200000); /* one word: execve refuses it */
	const struct told *told = run_line(rig, line);
	assert_int_equal(told->result.via, RESULT_VIA_SH);
	assert_int_equal(told->result.exit_code, 126);
	test_free(line);
	line = long_line("/bin/echo ", 200000);
	for (size_t i = 19; i < 200000; i += 10)
		line[i] = ' ';
	told = run_line(rig, line);
	assert_int_equal(told->result.via, RESULT_VIA_DIRECT);
	assert_int_equal(told->result.out_bytes, 200000 - 10 - 1 + 1); /* ends in a blank */
	test_free(line);
}

static void
many_tasks_end_in_their_order(void **state)
{
	struct rig *rig = *state;
	rig_open(rig, 1);
	char line[64];
	uint64_t seq = 0;
	for (int i = 1; i <= 500; i++) {
		snprintf(line, sizeof(line), "%secho %d", i % 3 ? "/bin/" : "", i);
		seq = give_line(rig, line);
	}
	UNTIL(rig, rig->told[seq].ended);
	for (int i = 1; i <= 500; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		assert_true(rig->told[i].ended);
		assert_printed(&rig->told[i], line);
	}
	assert_false(rig->out_of_order);
}

/* --- the spawn alone --- */

static void
spawn_reports_the_step(void **state)
{
	(void)state;
	char *argv[] = {(char *)(uintptr_t) "true", NULL}, *environment[] = {NULL};
	static const struct {
		const char *file, *cwd, *input;
		int step, error;
	} cases[] = {
		{"/bin/true", "", "", STEP_NONE, 0},
		{"/no/such", "", "", STEP_EXEC, ENOENT},
		{"/", "", "", STEP_EXEC, EACCES},
		{"/dev/null/x", "", "", STEP_EXEC, ENOTDIR},
		{"/bin/true", "/no/such", "", STEP_CWD, ENOENT},
		{"/bin/true", "/", "no-such", STEP_INPUT, ENOENT},
		{"/bin/true", "/", "/dev/null", STEP_NONE, 0},
	};
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spawn spawn = {.file = cases[i].file,
			.argv = argv,
			.environment = environment,
			.cwd = cases[i].cwd,
			.input = cases[i].input};
		struct spawn_failure failure = {0};
		int status = -1;
		pid_t pid = spawn_start(&spawn, &failure);
		assert_int_equal(pid > 0, cases[i].step == STEP_NONE);
		assert_int_equal(failure.step, cases[i].step);
		assert_int_equal(failure.error, cases[i].error);
		if (pid > 0)
			assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, pid > 0 ? 0 : -1);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(access("/proc/self/cwd", F_OK), 0);
}

/* --- */

/* What tasks must not inherit: an open descriptor, a blocked signal, an ignored one. */
static int
be_a_bad_parent(void **state)
{
	log_init(-1, true);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || open("/dev/null", O_RDONLY) < 0)
		return -1;
	setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
	return scratch_make(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawn_reports_the_step),
		TEST(exit_codes_and_signals),
		TEST(result_tells_what_it_took),
		TEST(failing_steps_are_named),
		TEST(directory_and_input_are_the_tasks),
		TEST(input_may_be_a_pipe),
		TEST(task_knows_its_place),
		TEST(descriptors_are_three),
		TEST(signals_are_as_at_the_start_of_a_shell),
		TEST(task_leads_its_own_group),
		TEST(slot_is_bound),
		TEST(time_limit_ends_a_task),
		TEST(kill_gives_grace),
		TEST(kill_without_grace_is_at_once),
		TEST(kill_again_is_harder),
		TEST(stopped_task_takes_its_term),
		TEST(kill_of_another_is_ignored),
		TEST(long_tasks_are_announced),
		TEST(staged_tasks_can_be_recalled),
		TEST(strays_are_killed_and_counted),
		TEST(whole_trees_are_killed),
		TEST(last_words_of_strays_are_kept),
		TEST(strays_are_kept_if_asked),
		TEST(kept_strays_do_not_outlive_a_stop),
		TEST(stop_spares_strays_of_earlier_tasks),
		TEST(kept_strays_may_go_on_printing),
		TEST(dying_stray_does_not_close_the_slot),
		TEST(deaths_near_a_signal_are_cancellations),
		TEST(dead_executor_is_replaced),
		TEST(idle_executor_may_die_too),
		TEST(executor_that_always_dies_is_given_up),
		TEST(executors_outlive_the_keeper),
		TEST(without_keeper_a_dead_executor_is_down_for_ever),
		TEST(nothing_outlives_the_rank),
		TEST(close_ends_what_runs),
		TEST(output_rides_up_to_its_limit),
		TEST(large_output_is_fetched_after_the_end),
		TEST(output_beyond_the_spool_is_fetched_while_it_runs),
		TEST(credit_in_advance_counts),
		TEST(task_that_waits_for_room_can_be_killed),
		TEST(unwritable_tmpdir_only_slows_down),
		TEST(slot_waits_while_too_many_outputs_do),
		TEST(dropped_outputs_are_counted),
		TEST(files_hold_what_tasks_print),
		TEST(unwanted_files_are_removed),
		TEST(files_that_fail_are_the_tasks_failure),
		TEST(store_holds_what_tasks_print),
		TEST(full_store_is_the_tasks_failure),
		TEST(store_without_directory_is_the_tasks_failure),
		TEST(lines_come_before_the_end),
		TEST(lines_of_a_flood_wait_for_credit),
		TEST(long_lines_come_in_pieces),
		TEST(both_streams_have_their_turn),
		TEST(lines_may_be_of_any_length),
		TEST(many_tasks_end_in_their_order),
	};
	return cmocka_run_group_tests(tests, be_a_bad_parent, scratch_leave);
}
