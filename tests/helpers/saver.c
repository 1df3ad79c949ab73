/*
 * saver FILE MS: a program that saves its work when it is told to end. FILE gets the line "ready",
 * "term" for each TERM, and "saved" MS milliseconds after the first one; then it ends well.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fd;
static volatile sig_atomic_t told;

static void
say(const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

static void
on_term(int signal)
{
	(void)signal;
	say("term\n");
	told = 1;
}

static long
now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

int
main(int argc, char **argv)
{
	if (argc != 3 || (fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0666)) < 0)
		return 2;

	signal(SIGTERM, on_term);
	say("ready\n");
	while (!told)
		poll(NULL, 0, 10);
	long end = now_ms() + atol(argv[2]);
	while (now_ms() < end)
		poll(NULL, 0, 10);
	say("saved\n");
	return 0;
}
