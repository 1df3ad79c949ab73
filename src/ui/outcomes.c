/* How tasks ended. */
#include "ui/outcomes.h"

#include "base/buf.h"

/* Of failures only. */
static const char *const words[RESULT_REASONS] = {
	[RESULT_EXIT] = "by exit code",
	[RESULT_SIGNAL] = "by signal",
	[RESULT_TIMEOUT] = "at the time limit",
	[RESULT_OOM] = "for memory",
	[RESULT_SPAWN] = "not started",
	[RESULT_OUTPUT] = "output not kept",
	[RESULT_LOST] = "lost",
};

uint64_t
outcomes_failed(const uint64_t by_reason[RESULT_REASONS])
{
	uint64_t sum = 0;
	for (int i = 0; i < RESULT_REASONS; i++)
		sum += words[i] ? by_reason[i] : 0;
	return sum;
}

void
outcomes_print_why(struct buf *buf, const uint64_t by_reason[RESULT_REASONS])
{
	const char *before = " (";
	if (outcomes_failed(by_reason) == by_reason[RESULT_EXIT])
		return;
	for (int i = 0; i < RESULT_REASONS; i++) {
		if (!words[i] || !by_reason[i])
			continue;
		buf_printf(buf, "%s%llu %s", before, (unsigned long long)by_reason[i], words[i]);
		before = ", ";
	}
	buf_append_string(buf, ")");
}

void
outcomes_print(struct buf *buf, const uint64_t by_reason[RESULT_REASONS])
{
	uint64_t failed = outcomes_failed(by_reason), cancelled = by_reason[RESULT_CANCELLED];
	buf_printf(buf, "%llu succeeded", (unsigned long long)by_reason[RESULT_OK]);
	if (failed) {
		buf_printf(buf, ", %llu failed", (unsigned long long)failed);
		outcomes_print_why(buf, by_reason);
	}
	if (cancelled)
		buf_printf(buf, ", %llu cancelled", (unsigned long long)cancelled);
}
