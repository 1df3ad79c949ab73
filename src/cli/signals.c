/* Signals before and in the loop. */
#include "cli/signals.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_REMAINS = 3 };

#define FINISH_NS (5 * CLOCK_NS_PER_S)

static sigset_t ending;
static pthread_t main_thread;
static volatile sig_atomic_t speaking, looping, finishing;
static int finish_code;
static int64_t finish_ns; /* until when signals are late ones */

/* MPI's threads were born with these signals open, and may be given what is meant for the loop. */
static void
end_or_forward(int number)
{
	static const char early[] =
		"mpbatch: interrupted before the first task was started: all work remains\n";
	static const char late[] = "mpbatch: interrupted before failed.txt, remaining.txt and the "
				   "ends of the journals were written\n";
	const char *line = finishing ? late : early;
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	if (finishing && clock_now_ns() < finish_ns)
		return;
	if (looping && !finishing) {
		pthread_kill(main_thread, number);
		return;
	}
	if (speaking && poll(&err, 1, 0) == 1)
		(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(finish_code);
}

int
signals_open(void)
{
	struct sigaction hangup;
	bool hangs_up = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN;
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	if (hangs_up)
		sigaddset(&ending, SIGHUP);
	sigset_t all = ending;
	sigaddset(&all, SIGUSR1);
	sigaddset(&all, SIGUSR2);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	main_thread = pthread_self();
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
signals_end_us(bool speaks)
{
	struct sigaction action = {.sa_handler = end_or_forward, .sa_flags = SA_RESTART};
	speaking = speaks;
	finish_code = EXIT_REMAINS;
	for (int number = 1; number < NSIG; number++)
		if (sigismember(&ending, number) == 1)
			sigaction(number, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &ending, NULL);
}

void
signals_to_loop(void)
{
	sigprocmask(SIG_BLOCK, &ending, NULL);
	looping = 1;
}

void
signals_finish(int code)
{
	finish_code = code > EXIT_REMAINS ? code : EXIT_REMAINS;
	finish_ns = clock_now_ns() + FINISH_NS;
	finishing = 1;
	sigprocmask(SIG_UNBLOCK, &ending, NULL);
}
