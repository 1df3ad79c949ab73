/* `mpbatch report RUN`: tables over the journals of a run directory, or all their records joined.
 */
#ifndef CLI_REPORT_COMMAND_H
#define CLI_REPORT_COMMAND_H

/* ARGV[0] is "report". Returns the exit code: 0; 1 if a journal or our output breaks off; 2 for
 * usage, or if there is no such run. */
int report_main(int argc, char **argv);

#endif
