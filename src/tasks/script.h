/*
 * A batch script of SLURM's: what its "#!" line and its #SBATCH lines say, which sbatch reads up to
 * the first command. Of several lines that say the same the last one holds.
 */
#ifndef TASKS_SCRIPT_H
#define TASKS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum script_says {
	SCRIPT_ARRAY,
	SCRIPT_OUTPUT,
	SCRIPT_ERROR,
	SCRIPT_CHDIR,
	SCRIPT_NAME, /* of the job */
	SCRIPT_CPUS, /* per task */
	SCRIPT_SAYS,
	SCRIPT_OTHER = SCRIPT_SAYS, /* what a task would see, too, but is not kept here */
};

struct script {
	size_t word; /* which of the words it is */
	char *path;  /* as that has it, or as it is found in PATH */
	bool executable;
	char *interpreter; /* behind "#!"; NULL: there is none */
	char *argument;	   /* of it, the rest of the line; NULL: none */
	char *says[SCRIPT_SAYS];
	char *others; /* names of options that are not kept: "--time, --mem"; NULL: none */
};

/* The script among the WORDS of a command: its first word, a path or a name in PATH, or the first
 * file behind it where that is a shell, python, perl or Rscript. NULL: there is none that can be
 * read. */
struct script *script_find(const char *const *words, size_t nwords);
void script_free(struct script *script);

#endif
