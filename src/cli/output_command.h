/* `mpbatch output RUN`: outputs from the store of a run directory, while the run goes on as well.
 */
#ifndef CLI_OUTPUT_COMMAND_H
#define CLI_OUTPUT_COMMAND_H

/* ARGV[0] is "output". Returns the exit code: 0; 1 if an output is missing, damaged or was not
 * stored, or ours cannot be written; 2 for usage, or if there is no such run. */
int output_main(int argc, char **argv);

#endif
