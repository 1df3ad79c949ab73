/*
 * daemonise SECONDS [FILE]: leaves a process in a session of its own, its parent gone, that sleeps
 * SECONDS and keeps stdout and stderr. Its pid is in FILE, whole, once we have ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int
write_pid(const char *path, pid_t pid)
{
	FILE *file = fopen(path, "w");
	if (!file)
		return 1;
	fprintf(file, "%ld\n", (long)pid);
	return fclose(file) != 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 2;

	pid_t child = fork();
	if (child == 0) {
		setsid();
		pid_t pid = fork();
		if (pid == 0) {
			for (unsigned left = (unsigned)atoi(argv[1]); left > 0;)
				left = sleep(left);
			_exit(0);
		}
		_exit(pid < 0 || (argc > 2 && write_pid(argv[2], pid)));
	}

	int status = 1;
	waitpid(child, &status, 0);
	return status != 0;
}
