/* The lines of GNU parallel's --joblog, as its versions since 20221222 write them. */
#include "run/joblog.h"

#include "base/buf.h"
#include "run/record.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <stdbool.h>

void
joblog_header(struct buf *buf)
{
	buf_append_string(
		buf, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n");
}

/* As GNU parallel has it: 128 and the signal that ended it, -1 at a time limit. What has neither a
 * code nor a signal of its own to say that it failed is -1 too. */
static int
exit_value(const struct result *result)
{
	bool says_so = result->reason == RESULT_OK || result->exit_code || result->signal;
	if (result->reason == RESULT_TIMEOUT || !says_so)
		return -1;
	return result->signal ? 128 | (int)result->signal : (int)result->exit_code;
}

/* A newline would end the line: GNU parallel writes NUL. */
static void
append_command(struct buf *buf, const struct task *task)
{
	size_t begin = buf->len;
	buf_append(buf, task->command, task->command_len);
	for (size_t at = begin; at < buf->len; at++)
		if (buf->data[at] == '\n')
			buf->data[at] = '\0';
}

void
joblog_append(struct buf *buf, const struct record *record)
{
	const struct result *result = record->result;
	buf_printf(buf, "%llu\t%s\t%.3f\t%10.3f\t0\t%llu\t%d\t%d\t",
		(unsigned long long)result->index, record->host, (double)result->start_us / 1e6,
		(double)result->runtime_ns / 1e9, (unsigned long long)result->out_bytes,
		exit_value(result), (int)result->signal);
	append_command(buf, record->task);
	buf_append(buf, "\n", 1);
}
