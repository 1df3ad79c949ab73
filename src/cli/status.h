/* mpbatch status: where a run stands. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

/* ARGV[0] is "status". Returns the exit code. */
int status_main(int argc, char **argv);

#endif
