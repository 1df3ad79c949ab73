/*
 * Options that an array's script gives itself in its #SBATCH lines, where neither the command line
 * nor a variable does.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

struct options;

/* Where the words are a script: runs it by its "#!" line if it is not executable, and takes
 * directory, cores and output files from it. What is followed and what is not is in
 * OPTIONS->script_note. Before the options are checked together. */
void follow_script(struct options *options);

#endif
