/* Binding by sched_setaffinity(2). */
#include "place/bind.h"

#include <sched.h>
#include <string.h>

/* The kernel's mask and ours have the same layout: bit n of the n/64th 64-bit word, on every
 * machine whose words are little-endian or 64 bits wide. It refuses a buffer smaller than its own.
 */
int
bind_to(const struct cpus *cpus)
{
	return sched_setaffinity(0, sizeof(*cpus), (const cpu_set_t *)(const void *)cpus);
}

struct cpus
bind_current(void)
{
	struct cpus cpus;
	cpu_set_t mask[sizeof(cpus) / sizeof(cpu_set_t)];
	memset(mask, 0, sizeof(mask));
	sched_getaffinity(0, sizeof(mask), mask);
	memcpy(&cpus, mask, sizeof(cpus));
	return cpus;
}
