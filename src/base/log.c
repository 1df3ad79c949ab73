/* The one place that prints messages, and the allocators that die. */
#include "base/log.h"

#include "base/streams.h"
#include "base/unblocked.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long die() waits for a reader. */
enum { DIE_MS = 1000 };

/* Messages that standard error has not taken yet. */
static struct {
	int fd; /* unblocked; STDERR_FILENO itself: messages wait for their reader */
	char kept[64 * 1024];
	size_t len;
	unsigned long lost; /* that did not fit */
} messages = {.fd = STDERR_FILENO};

static int log_rank = -1;
static bool log_quiet;
static void (*die_hook)(int status);
static void (*line_hook)(void);

/* What is opened next would be taken for one that is closed. These can neither be read nor
 * written: that is an error, as it would be otherwise. */
static void
fill_closed(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void
log_init(int rank, bool quiet)
{
	fill_closed();
	log_rank = rank;
	log_quiet = quiet;
}

void
log_on_die(void (*hook)(int status))
{
	die_hook = hook;
}

void
log_before_line(void (*hook)(void))
{
	line_hook = hook;
}

/* What cannot be written, for another reason than a slow reader, is dropped. */
bool
log_flush(void)
{
	ssize_t put = 1;
	while (messages.len && put > 0) {
		put = write(messages.fd, messages.kept, messages.len);
		if (put < 0 && errno != EAGAIN)
			put = (ssize_t)messages.len;
		if (put > 0) {
			messages.len -= (size_t)put;
			memmove(messages.kept, messages.kept + put, messages.len);
		}
	}
	if (!messages.len && messages.lost) {
		unsigned long lost = messages.lost;
		messages.lost = 0;
		log_warning("standard error was not read: %lu messages are lost", lost);
	}
	return !messages.len;
}

void
log_text(const char *text, unsigned long len)
{
	if (messages.fd == STDERR_FILENO) {
		(void)!write(STDERR_FILENO, text, len);
		return;
	}
	log_flush();
	if (len > sizeof(messages.kept) - messages.len) {
		messages.lost++;
		return;
	}
	memcpy(messages.kept + messages.len, text, len);
	messages.len += len;
	log_flush();
}

void
log_unblock(void)
{
	messages.fd = unblocked_open(STDERR_FILENO);
}

/* Waits for the reader, for that long at most; -1: for ever. */
static void
drain(int timeout_ms)
{
	struct pollfd fd = {.fd = messages.fd, .events = POLLOUT};
	while (!log_flush() && poll(&fd, 1, timeout_ms) > 0)
		;
}

void
log_block(void)
{
	drain(-1);
	unblocked_close(messages.fd, STDERR_FILENO);
	messages.fd = STDERR_FILENO;
}

static void
print_line(const char *kind, const char *format, va_list args)
{
	char text[2048];
	int used = log_rank < 0 ? snprintf(text, sizeof(text), "mpbatch: %s", kind)
				: snprintf(text, sizeof(text), "mpbatch[%d]: %s", log_rank, kind);
	int more = vsnprintf(text + used, sizeof(text) - (size_t)used - 1, format, args);
	size_t len = (size_t)used + (more < 0 ? 0 : (size_t)more);
	if (len > sizeof(text) - 2)
		len = sizeof(text) - 2;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	text[len++] = '\n';
	if (line_hook)
		line_hook();
	streams_wait(STDERR_FILENO);
	log_text(text, len);
	streams_wrote(STDERR_FILENO, false);
}

void
log_info(const char *format, ...)
{
	if (log_quiet)
		return;
	va_list args;
	va_start(args, format);
	print_line("", format, args);
	va_end(args);
}

void
log_warning(const char *format, ...)
{
	if (log_quiet)
		return;
	va_list args;
	va_start(args, format);
	print_line("warning: ", format, args);
	va_end(args);
}

void
log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_line("error: ", format, args);
	va_end(args);
}

void
die(int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_line("error: ", format, args);
	va_end(args);
	drain(DIE_MS);
	if (die_hook)
		die_hook(status);
	exit(status);
}

static void *
checked(void *memory)
{
	if (!memory)
		die(4, "out of memory");
	return memory;
}

void *
xmalloc(unsigned long bytes)
{
	return checked(malloc(bytes ? bytes : 1));
}

void *
xcalloc(unsigned long count, unsigned long bytes)
{
	return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *
xrealloc(void *old, unsigned long bytes)
{
	return checked(realloc(old, bytes ? bytes : 1));
}

char *
xstrdup(const char *text)
{
	return checked(strdup(text));
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	return checked(len < 0 ? NULL : text);
}
