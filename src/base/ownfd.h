/* Paths that name no file but a stream of whichever process opens them. */
#ifndef BASE_OWNFD_H
#define BASE_OWNFD_H

#include <stdbool.h>

#define OWNFD_EXPECTED "a file, not a stream of the process that opens it"

/* True for /dev/stdin, /dev/stdout, /dev/stderr, /dev/tty, and what is below /dev/fd or /proc/self.
 * Links and ".." are not looked at. */
bool ownfd_named(const char *path);

#endif
