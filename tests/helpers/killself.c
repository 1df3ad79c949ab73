/* killself SIGNAL: dies of the signal with that number, without a core dump. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;

	int number = atoi(argv[1]);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	signal(number, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	return 1;
}
