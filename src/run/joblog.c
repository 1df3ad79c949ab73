/* The lines of GNU parallel's --joblog, as its version 20221122 writes them. */
#include "run/joblog.h"

#include "base/buf.h"
#include "run/record.h"
#include "tasks/result.h"
#include "tasks/task.h"

void
joblog_header(struct buf *buf)
{
	buf_append_string(
		buf, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n");
}

void
joblog_append(struct buf *buf, const struct record *record)
{
	const struct result *result = record->result;
	buf_printf(buf, "%llu\t%s\t%.3f\t%10.3f\t0\t%llu\t%d\t%d\t",
		(unsigned long long)result->index, record->host, (double)result->start_us / 1e6,
		(double)result->runtime_ns / 1e9, (unsigned long long)result->out_bytes,
		(int)result->exit_code, (int)result->signal);
	buf_append(buf, record->task->command, record->task->command_len);
	buf_append(buf, "\n", 1);
}
