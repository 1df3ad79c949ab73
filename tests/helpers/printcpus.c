/* printcpus: the CPUs it may run on, as a list such as 0-2,5. */
#include <sched.h>
#include <stdio.h>

#define CPUS 8192 /* the most any Linux is built for */

int
main(void)
{
	cpu_set_t *set = CPU_ALLOC(CPUS);
	size_t bytes = CPU_ALLOC_SIZE(CPUS);
	const char *separator = "";

	if (!set || sched_getaffinity(0, bytes, set) < 0)
		return 1;
	for (size_t first = 0, last; first < CPUS; first = last + 1) {
		last = first;
		if (!CPU_ISSET_S(first, bytes, set))
			continue;
		while (last + 1 < CPUS && CPU_ISSET_S(last + 1, bytes, set))
			last++;
		printf(first == last ? "%s%zu" : "%s%zu-%zu", separator, first, last);
		separator = ",";
	}
	puts("");
	CPU_FREE(set);
	return 0;
}
