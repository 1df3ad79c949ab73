/* Any bytes as a packed task and as a packed result: whatever unpacks survives another round trip.
 */
#include "base/buf.h"
#include "base/pack.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_task(const uint8_t *data, size_t size)
{
	struct unpack in = unpack_init(data, size);
	struct task *task = task_unpack(&in);
	must(!task == in.bad);
	if (!task)
		return;
	must(strlen(task->command) == task->command_len);
	must(!task->env_len || !task->env[task->env_len - 1]);
	struct buf buf = {0};
	task_pack(&buf, task);
	must(buf.len == size - in.left && memcmp(buf.data, data, buf.len) == 0);
	struct unpack again = unpack_init(buf.data, buf.len);
	struct task *copy = task_unpack(&again);
	must(copy && unpack_ok(&again) && task_identity(copy) == task_identity(task));
	task_free(copy);
	task_free(task);
	buf_clear(&buf);
}

static void
check_result(const uint8_t *data, size_t size)
{
	struct unpack in = unpack_init(data, size);
	struct result result = result_unpack(&in);
	if (in.bad)
		return;
	must(result.reason < RESULT_REASONS && result.via < RESULT_VIAS);
	must(result_step_name(result.step) != NULL);
	struct buf buf = {0}, second = {0};
	result_pack(&buf, &result);
	must(buf.len == size - in.left);
	struct unpack again = unpack_init(buf.data, buf.len);
	struct result copy = result_unpack(&again);
	must(unpack_ok(&again));
	result_pack(&second, &copy);
	must(second.len == buf.len && memcmp(second.data, buf.data, buf.len) == 0);
	buf_clear(&buf);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_task(data, size);
	check_result(data, size);
	return 0;
}
