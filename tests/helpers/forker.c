/*
 * forker DEPTH [SECONDS]: grows a binary tree of 2^(DEPTH+1) - 1 processes, all but the root in
 * sessions of their own, that end after SECONDS (default 600). The root says "ready" on stdout once
 * all are there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
grow(int depth, int done_fd, unsigned left)
{
	for (int child = 0; depth > 0 && child < 2; child++) {
		pid_t pid = fork();
		if (pid < 0)
			_exit(1);
		if (pid > 0)
			continue;
		setsid();
		grow(depth - 1, done_fd, left);
		while (left > 0)
			left = sleep(left);
		_exit(0);
	}
	close(done_fd);
}

int
main(int argc, char **argv)
{
	int done[2];
	char byte;

	if (argc < 2)
		return 2;
	if (pipe(done) < 0)
		return 1;

	unsigned left = argc > 2 ? (unsigned)atoi(argv[2]) : 600;
	grow(atoi(argv[1]), done[1], left);
	if (read(done[0], &byte, 1) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (left > 0)
		left = sleep(left);
	return 0;
}
