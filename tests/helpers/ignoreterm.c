/* ignoreterm SECONDS: ignores TERM, says "ready" on stdout, and ends SECONDS later. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;

	signal(SIGTERM, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (unsigned left = (unsigned)atoi(argv[1]); left > 0;)
		left = sleep(left);
	return 0;
}
