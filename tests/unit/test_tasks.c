/* Tasks and results as bytes. */
#include "base/buf.h"
#include "base/pack.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- task --- */

static const struct task full_task = {.index = UINT64_C(10000000000),
	.line = 12,
	.attempt = 3,
	.need = {.cores = 4, .gpus = 1, .memory_mib = 70000},
	.timeout_ms = 90000,
	.command = "echo hello",
	.command_len = 10,
	.shell = "/bin/bash -u",
	.cwd = "/scratch",
	.input = "in.dat",
	.out = "out/12",
	.err = "err/12",
	.tag = "12: ",
	.env = "A=1\0B=\0",
	.env_len = 7};

static void
task_is_a_copy_of_its_own(void **state)
{
	(void)state;
	char command[] = "echo hello";
	struct task *task =
		task_new(&(struct task){.index = 1, .command = command, .command_len = 4});
	memset(command, 'x', sizeof(command));
	assert_string_equal(task->command, "echo");
	assert_string_equal(task->cwd, "");
	assert_string_equal(task->input, "");
	assert_int_equal(task->env_len, 0);
	assert_int_equal(task->index, 1);
	assert_true(task_bytes(task) >= sizeof(*task) + 4);
	task_free(task);
	task_free(NULL);
}

static void
task_round_trip(void **state)
{
	(void)state;
	struct buf buf = {0};
	task_pack(&buf, &full_task);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct task *task = task_unpack(&in);
	assert_true(unpack_ok(&in));
	assert_true(task->index == full_task.index && task->attempt == 3);
	assert_memory_equal(&task->need, &full_task.need, sizeof(task->need));
	assert_int_equal(task->timeout_ms, 90000);
	assert_string_equal(task->command, "echo hello");
	assert_int_equal(task->command_len, 10);
	assert_string_equal(task->shell, "/bin/bash -u");
	assert_string_equal(task->cwd, "/scratch");
	assert_string_equal(task->input, "in.dat");
	assert_string_equal(task->out, "out/12");
	assert_string_equal(task->err, "err/12");
	assert_int_equal(task->env_len, 7);
	assert_memory_equal(task->env, full_task.env, 7);
	task_free(task);
	buf_clear(&buf);
}

static bool
unpacks(const struct task *from, size_t cut)
{
	struct buf buf = {0};
	task_pack(&buf, from);
	char *copy = test_malloc(buf.len - cut + 1);
	memcpy(copy, buf.data, buf.len - cut);
	struct unpack in = unpack_init(copy, buf.len - cut);
	struct task *task = task_unpack(&in);
	assert_int_equal(task == NULL, in.bad);
	bool good = task != NULL;
	task_free(task);
	test_free(copy);
	buf_clear(&buf);
	return good;
}

static void
task_that_is_bad(void **state)
{
	(void)state;
	struct buf buf = {0};
	task_pack(&buf, &full_task);
	assert_true(unpacks(&full_task, 0));
	for (size_t cut = 1; cut <= buf.len; cut++)
		assert_false(unpacks(&full_task, cut));
	buf_clear(&buf);
	struct task task = full_task;
	task.command = "a\0b";
	task.command_len = 3;
	assert_false(unpacks(&task, 0));
	task = full_task;
	task.env_len = 3; /* no NUL at its end */
	assert_false(unpacks(&task, 0));
}

static void
identity_is_what_the_task_is(void **state)
{
	(void)state;
	uint64_t id = task_identity(&full_task);
	struct task task = full_task;
	task.index = 7;
	task.line = 8;
	task.attempt = 9;
	task.timeout_ms = 0;
	task.need = need_default;
	task.out = task.err = task.tag = task.shell = "other";
	assert_true(task_identity(&task) == id);
	task.command_len--;
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.cwd = "/scratch/";
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.input = "";
	assert_true(task_identity(&task) != id);
	task = full_task;
	task.env = "A=1\0C=\0";
	assert_true(task_identity(&task) != id);
	task.env = "SLURM_ARRAY_JOB_ID=7\0A=1\0B=\0"; /* the job that runs it */
	task.env_len = 28;
	assert_true(task_identity(&task) == id);
	task.env = "B=\0SLURM_ARRAY_TASK_COUNT=9\0A=1\0"; /* any order, and a larger array */
	task.env_len = 32;
	assert_true(task_identity(&task) == id);
	task.env = "A=2\0AB=\0A=1\0"; /* of one name the last */
	task.env_len = 12;
	uint64_t last = task_identity(&task);
	task.env = "AB=\0A=1\0";
	task.env_len = 8;
	assert_true(task_identity(&task) == last);
	assert_true(last != id);
	struct task a = {.command = "ab", .command_len = 2, .cwd = "c", .input = ""};
	struct task b = {.command = "a", .command_len = 1, .cwd = "bc", .input = ""};
	assert_true(task_identity(&a) != task_identity(&b));
}

/* Journals of earlier versions must still match. */
static void
identity_stays_what_it_was(void **state)
{
	(void)state;
	assert_true(task_identity(&full_task) == UINT64_C(0xbbf06b9528f6d0dd));
}

/* --- result --- */

static const struct result full_result = {.index = UINT64_C(10000000000),
	.attempt = 2,
	.slot = 300,
	.reason = RESULT_SPAWN,
	.via = RESULT_VIA_SH,
	.step = STEP_EXEC,
	.exit_code = -1,
	.signal = 9,
	.error = 2,
	.strays = 3,
	.start_us = INT64_C(1700000000123456),
	.runtime_ns = INT64_C(90000000000),
	.user_us = 5,
	.system_us = 6,
	.maxrss_kib = 7000000,
	.out_bytes = 3,
	.err_bytes = 5,
	.out = "out",
	.err = "error"};

static void
result_round_trip(void **state)
{
	(void)state;
	struct buf buf = {0}, again = {0};
	result_pack(&buf, &full_result);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct result result = result_unpack(&in);
	assert_true(unpack_ok(&in));
	assert_memory_equal(result.out, "out", 3);
	assert_memory_equal(result.err, "error", 5);
	result.out = full_result.out;
	result.err = full_result.err;
	assert_memory_equal(&result, &full_result, offsetof(struct result, offered));
	assert_true(result.exit_code == -1 && result.signal == 9 && result.error == 2);
	assert_true(result.strays == 3 && result.start_us == full_result.start_us);
	assert_true(result.runtime_ns == full_result.runtime_ns && result.user_us == 5);
	assert_true(result.system_us == 6 && result.maxrss_kib == 7000000);
	result.offered = true;
	result.out_bytes = UINT64_C(1) << 40;
	result.out = result.err = NULL;
	result_pack(&again, &result);
	in = unpack_init(again.data, again.len);
	result = result_unpack(&in);
	assert_true(unpack_ok(&in) && result.offered && result.out_bytes == UINT64_C(1) << 40);
	buf_clear(&buf);
	buf_clear(&again);
}

static bool
result_unpacks(const struct buf *buf, size_t len)
{
	char *copy = test_malloc(len + 1);
	memcpy(copy, buf->data, len);
	struct unpack in = unpack_init(copy, len);
	result_unpack(&in);
	test_free(copy);
	return unpack_ok(&in);
}

static void
result_that_is_bad(void **state)
{
	(void)state;
	struct buf buf = {0};
	result_pack(&buf, &full_result);
	assert_true(result_unpacks(&buf, buf.len));
	for (size_t len = 0; len < buf.len; len++)
		assert_false(result_unpacks(&buf, len));
	struct result result = full_result;
	result.reason = RESULT_REASONS;
	buf_consume(&buf, buf.len);
	result_pack(&buf, &result);
	assert_false(result_unpacks(&buf, buf.len));
	result = full_result;
	result.via = RESULT_VIAS;
	buf_consume(&buf, buf.len);
	result_pack(&buf, &result);
	assert_false(result_unpacks(&buf, buf.len));
	buf_clear(&buf);
}

static void
result_names(void **state)
{
	(void)state;
	for (int i = 0; i < RESULT_REASONS; i++)
		assert_non_null(result_reason_names[i]);
	for (int i = 0; i < RESULT_VIAS; i++)
		assert_non_null(result_via_names[i]);
	assert_string_equal(result_reason_names[RESULT_CANCELLED], "cancelled");
	assert_string_equal(result_step_name(STEP_CWD), "change directory");
	assert_string_equal(result_step_name(STEPS), "unknown step");
	assert_string_equal(result_step_name(-1), "unknown step");
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_is_a_copy_of_its_own),
		cmocka_unit_test(task_round_trip),
		cmocka_unit_test(task_that_is_bad),
		cmocka_unit_test(identity_is_what_the_task_is),
		cmocka_unit_test(identity_stays_what_it_was),
		cmocka_unit_test(result_round_trip),
		cmocka_unit_test(result_that_is_bad),
		cmocka_unit_test(result_names),
	};
	return cmocka_run_group_tests_name("tasks", tests, NULL, NULL);
}
