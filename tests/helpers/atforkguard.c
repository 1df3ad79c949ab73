/*
 * To be preloaded (LD_PRELOAD): ends a process that forks after MPI_Init with SIGABRT, and says so.
 * vfork and posix_spawn run no such handler, and are harmless.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void
check_fork(void)
{
	static const char text[] = "atforkguard: fork in a process that has initialised MPI\n";
	int (*initialized)(int *);
	int flag = 0;

	*(void **)&initialized = dlsym(RTLD_DEFAULT, "MPI_Initialized");
	if (!initialized || initialized(&flag) != 0 || !flag)
		return;
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)written;
	abort();
}

__attribute__((constructor)) static void
watch_forks(void)
{
	pthread_atfork(check_fork, NULL, NULL);
}
