/* The lock of a run directory: who gets it, when it is stale, what can be said of it. */
#include "base/clock.h"
#include "base/err.h"
#include "run/lock.h"
#include "run/status.h"
#include "scratch.h"

#include "base/buf.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RACERS = 8, RACES = 12 };

static char lock_text[1024];

/* What our own lock says. */
static void
read_lock(void)
{
	FILE *file = fopen("run/lock", "r");
	assert_non_null(file);
	lock_text[fread(lock_text, 1, sizeof(lock_text) - 1, file)] = '\0';
	fclose(file);
}

/* The lock as we would write it, with other values for NAME (NULL: none). */
static void
write_lock(const char *name, const char *value)
{
	struct err err;
	struct lock *lock = lock_take("run", NULL, &err);
	assert_non_null(lock);
	read_lock();
	lock_release(lock);
	FILE *file = fopen("run/lock", "w");
	for (char *line = strtok(lock_text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strcspn(line, "=");
		if (name && strlen(name) == len && strncmp(line, name, len) == 0)
			fprintf(file, "%s=%s\n", name, value);
		else
			fprintf(file, "%s\n", line);
	}
	fclose(file);
}

static int
set_up(void **state)
{
	(void)state;
	mkdir("run", 0777);
	unlink("run/lock");
	unsetenv("SLURM_JOB_ID");
	unsetenv("SLURM_RESTART_COUNT");
	lock_ask_scheduler = NULL;
	lock_dead_s = 2;
	return 0;
}

static bool
can_be_taken(struct err *err)
{
	struct lock *lock = lock_take("run", NULL, err);
	lock_release(lock);
	return lock;
}

static void
lock_is_one_at_a_time(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(lock_look("run"), LOCK_FREE);
	struct lock *lock = lock_take("run", NULL, &err);
	assert_non_null(lock);
	assert_int_equal(lock_look("run"), LOCK_ALIVE);
	read_lock(); /* rewritten in place: as long with any counter */
	assert_non_null(strstr(lock_text, "\nbeat=00000000000000000000\n"));
	assert_null(lock_take("run", NULL, &err));
	assert_non_null(strstr(err.text, "run is in use by process"));
	assert_int_equal(lock_beat(lock, &err), 0);
	lock_release(lock);
	assert_int_equal(access("run/lock", F_OK), -1);
	assert_null(lock_take("nowhere", NULL, &err));
}

static void
lock_of_a_dead_process(void **state)
{
	(void)state;
	struct err err;
	write_lock("pid", "1999999999");
	assert_int_equal(lock_look("run"), LOCK_DEAD);
	assert_true(can_be_taken(&err));
	write_lock("started", "1"); /* the number is another process's by now */
	assert_int_equal(lock_look("run"), LOCK_DEAD);
	assert_true(can_be_taken(&err));
	write_lock("boot", "another"); /* this host, before it was booted */
	assert_int_equal(lock_look("run"), LOCK_DEAD);
	assert_true(can_be_taken(&err));
}

static void
lock_of_a_zombie(void **state)
{
	(void)state;
	struct err err;
	int pipe_fds[2];
	char byte;
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		lock_take("run", NULL, &err);
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 0); /* it has ended, and is not waited for */
	close(pipe_fds[0]);
	assert_int_equal(access("run/lock", F_OK), 0);
	assert_true(can_be_taken(&err));
	waitpid(pid, NULL, 0);
}

static void
lock_of_another_host(void **state)
{
	(void)state;
	struct err err;
	write_lock("host", "elsewhere");
	assert_int_equal(lock_look("run"), LOCK_SILENT);
	assert_true(can_be_taken(&err)); /* its counter stands still */
	write_lock("host", "elsewhere");
	pid_t pid = fork();
	if (pid == 0)
		for (int beat = 1;; beat++) {
			FILE *file = fopen("run/lock", "a");
			fprintf(file, "beat=%d\n", beat);
			fclose(file);
			usleep(100000);
		}
	assert_false(can_be_taken(&err));
	assert_non_null(strstr(err.text, "on elsewhere"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
lock_of_a_requeued_job(void **state)
{
	(void)state;
	struct err err;
	setenv("SLURM_JOB_ID", "17", 1);
	write_lock("host", "elsewhere");
	assert_int_equal(lock_look("run"), LOCK_SILENT); /* the same start of the job */
	setenv("SLURM_RESTART_COUNT", "1", 1);
	assert_int_equal(lock_look("run"), LOCK_DEAD);
	assert_true(can_be_taken(&err));
}

static int asked;

static int
job_has_ended(const char *job)
{
	asked += strcmp(job, "16") == 0;
	return 0;
}

static int
job_runs(const char *job)
{
	asked += strcmp(job, "16") == 0;
	return 1;
}

static int
job_is_suspended(const char *job)
{
	(void)job;
	return 2;
}

static void
lock_of_a_job_that_the_scheduler_knows(void **state)
{
	(void)state;
	struct err err;
	setenv("SLURM_JOB_ID", "16", 1);
	write_lock("host", "elsewhere");
	setenv("SLURM_JOB_ID", "17", 1);
	lock_ask_scheduler = job_runs;
	assert_int_equal(lock_look("run"), LOCK_JOB_RUNS);
	lock_ask_scheduler = job_has_ended;
	assert_int_equal(lock_look("run"), LOCK_DEAD);
	assert_int_equal(asked, 2);
	assert_true(can_be_taken(&err));
}

/* Its node is gone, and the scheduler does not know yet. */
static void
lock_of_a_job_that_only_seems_to_run(void **state)
{
	(void)state;
	struct err err;
	setenv("SLURM_JOB_ID", "16", 1);
	write_lock("host", "elsewhere");
	setenv("SLURM_JOB_ID", "17", 1);
	lock_ask_scheduler = job_is_suspended;
	assert_false(can_be_taken(&err));
	lock_ask_scheduler = job_runs;
	assert_true(can_be_taken(&err));
}

static void
lock_that_was_taken_over(void **state)
{
	(void)state;
	struct err err;
	struct lock *lock = lock_take("run", NULL, &err);
	FILE *file = fopen("run/lock", "w");
	fprintf(file, "host=elsewhere\n");
	fclose(file);
	lock_release(lock); /* leaves it alone */
	assert_int_equal(access("run/lock", F_OK), 0);
}

/* Many find the same stale lock: one gets it. Each that does says so, and keeps it. */
static void
lock_is_taken_over_by_one(void **state)
{
	(void)state;
	for (int race = 0; race < RACES; race++) {
		int start[2], told[2], winners = 0;
		char byte;
		write_lock("pid", "1999999999");
		assert_int_equal(pipe(start), 0);
		assert_int_equal(pipe(told), 0);
		for (int i = 0; i < RACERS; i++) {
			if (fork())
				continue;
			close(start[1]);
			close(told[0]);
			if (read(start[0], &byte, 1) < 0)
				_exit(1);
			struct lock *lock = lock_take("run", NULL, NULL);
			if (!lock || write(told[1], "x", 1) != 1)
				_exit(0);
			for (;;)
				pause();
		}
		close(start[0]);
		close(told[1]);
		close(start[1]);
		assert_int_equal(read(told[0], &byte, 1), 1);
		winners = 1;
		/* The others give up: what is left is the winner, who waits. */
		for (int left = RACERS - 1; left; left--)
			assert_true(wait(NULL) > 0);
		read_lock();
		pid_t winner = (pid_t)atol(strstr(lock_text, "\npid=") + 5);
		kill(winner, SIGKILL);
		assert_int_equal(waitpid(winner, NULL, 0), winner);
		winners += read(told[0], &byte, 1) > 0;
		assert_int_equal(winners, 1);
		close(told[0]);
		unlink("run/lock");
	}
}

static void
status_is_read_back(void **state)
{
	(void)state;
	struct err err;
	struct status_task task = {
		.index = 7, .host = "n1", .start_us = 5, .command = "a \"b\" \\ \xff"};
	struct status_host host = {.host = "n1", .slots = 4, .busy = 3};
	struct status status = {.state = STATUS_STOPPED,
		.exit_code = 3,
		.session = 2,
		.beat = 9,
		.tasks = 100,
		.done_before = 50,
		.rate = 1.5,
		.eta_s = -1,
		.slots = 4,
		.running = 1,
		.nrunning = 1,
		.running_tasks = &task,
		.nhosts = 1,
		.hosts = &host};
	status.by_reason[RESULT_EXIT] = 6;
	struct buf text = {0};
	status_format(&text, &status);
	assert_int_equal(status_write("run", text.data, text.len, &err), 0);
	struct status back;
	assert_int_equal(status_read("run", &back, &err), 0);
	assert_int_equal(back.state, STATUS_STOPPED);
	assert_int_equal(back.exit_code, 3);
	assert_int_equal(back.beat, 9);
	assert_int_equal(back.by_reason[RESULT_EXIT], 6);
	assert_true(back.rate > 1.49 && back.rate < 1.51);
	assert_true(back.eta_s < 0);
	assert_string_equal(back.running_tasks[0].command, "a \"b\" \\ ?");
	assert_int_equal(back.hosts[0].busy, 3);
	status_clear(&back);
	for (size_t len = 0; len + 2 < text.len; len++) { /* torn */
		assert_int_equal(status_write("run", text.data, len, &err), 0);
		assert_int_equal(status_read("run", &back, &err), -1);
	}
	buf_clear(&text);
}

#define LOCK_TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		LOCK_TEST(lock_is_one_at_a_time),
		LOCK_TEST(lock_of_a_dead_process),
		LOCK_TEST(lock_of_a_zombie),
		LOCK_TEST(lock_of_another_host),
		LOCK_TEST(lock_of_a_requeued_job),
		LOCK_TEST(lock_of_a_job_that_the_scheduler_knows),
		LOCK_TEST(lock_of_a_job_that_only_seems_to_run),
		LOCK_TEST(lock_that_was_taken_over),
		LOCK_TEST(lock_is_taken_over_by_one),
		LOCK_TEST(status_is_read_back),
	};
	return cmocka_run_group_tests_name("lock", tests, scratch_make, scratch_leave);
}
