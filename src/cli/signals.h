/*
 * The signals that end or question a run. Until its loop begins, INT, TERM and HUP end the program
 * wherever it waits (a FIFO without a writer, a dead mount, the other ranks): nothing runs yet.
 * From then on the loop reads them. Behind the loop they end what takes long, since people and
 * launchers send a signal twice.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/* Blocks INT, TERM, HUP, USR1 and USR2 and returns a signalfd of them, or -1. A HUP that is ignored
 * (nohup) stays so. PIPE, XFSZ and TTOU are ignored: what cannot be written is an error of the
 * write, and a terminal set to "tostop" does not stop us for a message. Call once, in the main
 * thread. */
int signals_open(void);

/* Between this and signals_to_loop() INT, TERM and HUP end the program with exit code 3, work
 * remains, and one line on standard error if SPEAKS. */
void signals_end_us(bool speaks);

/* They are the loop's now, whichever thread they come to. */
void signals_to_loop(void);

/* The loop is over, with the exit code CODE so far. Signals of the next 5 s are taken for those
 * that ended it; later ones end the program, with exit code 3 if CODE is less. */
void signals_finish(int code);

#endif
