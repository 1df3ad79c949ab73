/* The table of other tools' options. Read in the manuals of GNU parallel 20260722 and older, of
 * findutils 4.9 and of Slurm 24.05. */
#include "cli/others.h"

#include <string.h>

#define VALUES                                                                                     \
	"each task gets one value of each input; expected several inputs (::: A B ::: C D) or "    \
	"the "                                                                                     \
	"columns of a table (--csv)"
#define LAUNCHER                                                                                   \
	"the launcher says how many processes run where; expected mpirun -n RANKS mpbatch ..., "   \
	"or srun"
#define SCHEDULER "a matter of the batch job; expected it among sbatch's own options"
#define HOSTS                                                                                      \
	"hosts are the launcher's; expected mpirun --host A,B -n RANKS mpbatch ... over a common " \
	"file system"
#define PIPE                                                                                       \
	"standard input is not split here; expected --stdin TEMPLATE with a file for "             \
	"each task"
#define NOTHING "mpbatch has nothing of the kind"
#define LOAD                                                                                       \
	"mpbatch has nothing of the kind: each task has cores of its own; expected -j or -c for "  \
	"fewer at a time"
#define PLACEHOLDER "the placeholder is always {}, with {1}, {NAME} and {.} {/} {//} {/.}"
#define DEFAULT "that is how mpbatch works anyway; expected the command without it"
#define CWD "expected --cwd TEMPLATE"
#define JOBS "expected -j N"
#define FAILED                                                                                     \
	"mpbatch runs each task once; expected --resume=failed in a later run, for those that "    \
	"failed"

static const struct {
	const char *names; /* with a blank between them */
	const char *advice;
} rows[] = {
	{"retries retry-failed resume-failed", FAILED},
	{"halt halt-on-error kill-on-bad-exit K",
		"a failure does not stop the others; expected '#MPBATCH barrier check' in a list, "
		"where what follows needs it"},
	{"C", "expected --csv, --tsv or --colsep C"},
	{"d delimiter 0 null E eof",
		"values stand one a line; expected tr, say, in front of it, or --csv or --tsv"},
	{"results result files",
		"expected --output store with --run-dir DIR, or --stdout 'DIR/{#}.out'"},
	{"delay", NOTHING ": tasks start as soon as a slot is free"},
	{"n N max-args max-replace-args",
		"each task gets one value of each input; expected several inputs (::: A B ::: C "
		"D); where a number of nodes or processes was meant: mpirun -n RANKS mpbatch ..."},
	{"L l max-lines m X xargs s max-chars x exit", VALUES},
	{"ntasks nodes ntasks-per-node ntasks-per-core np", LAUNCHER},
	{"pipe pipepart pipe-part spreadstdin block block-size recstart recend regexp "
	 "remove-rec-sep round-robin cat fifo tee",
		PIPE},
	{"S sshlogin slf sshloginfile sshdelay M controlmaster ssh return transfer transferfile "
	 "trc cleanup basefile bf onall nonall filter-hosts hostgroups hgrp nodelist w",
		HOSTS},
	{"P max-procs procs", JOBS},
	{"t", "expected --timeout TIME for each task, or --dry-run to see the commands"},
	{"v verbose", "expected --dry-run, which prints the commands, or --joblog FILE"},
	{"time", "expected --timeout TIME for each task; the job's own time is sbatch's"},
	{"wd workdir workingdir D chdir", CWD},
	{"link xapply", "expected :::+ (or ::::+), or --zip for sweeps"},
	{"lb line-buffer linebuffer u ungroup unbuffered", "expected --output line"},
	{"group", DEFAULT},
	{"l label", "expected --tag"},
	{"ctag ctagstring", "expected --tag or --tagstring"},
	{"I i replace U rpl plus extensionreplace er basenamereplace bnr dirnamereplace dnr "
	 "basenameextensionreplace bner seqreplace slotreplace",
		PLACEHOLDER},
	{"process-slot-var", "expected the variable MPBATCH_SLOT, which each task has"},
	{"r no-run-if-empty will-cite citation bibtex tty", DEFAULT},
	{"p interactive o open-tty",
		"tasks have no terminal; expected --dry-run to see them first"},
	{"f force", "expected --restart to run all anew"},
	{"e error", "expected --stderr TEMPLATE"},
	{"input", "expected --stdin TEMPLATE"},
	{"wait-all-nodes wait semaphore sem fg bg id semaphoretimeout st", NOTHING},
	{"load memfree memsuspend noswap limit", LOAD},
	{"nice", "expected nice -n N mpbatch ..."},
	{"shuf", "expected shuf in front of it: shuf LIST | mpbatch -"},
	{"skip-first-line", "expected --header"},
	{"trim quote shellquote shebang hashbang profile J sqlmaster sqlworker sqlandworker sql "
	 "tmux fake compress compress-program tempdir embed parset env_parallel "
	 "rsync-opts record-env session template tmpl group-by groupby bin shard latest-line ll "
	 "max-line-length-allowed number-of-cpus number-of-cores show-limits termseq",
		NOTHING},
	{"mem mem-per-cpu mem-per-gpu gres gpus gpus-per-task gpus-per-node G tmp",
		"mpbatch divides cores only; expected it among sbatch's own options, and -c for "
		"fewer tasks at a time"},
	{"cpu-bind cpu_bind mem-bind hint", "expected --bind core or none"},
	{"partition job-name A account qos exclusive exclude dependency mail-type "
	 "mail-user requeue no-requeue constraint reservation wrap export begin deadline "
	 "time-min signal overlap mpi multi-prog exact",
		SCHEDULER},
};

const char *
others_advice(const char *name, size_t len)
{
	for (size_t i = 0; len && i < sizeof(rows) / sizeof(rows[0]); i++)
		for (const char *at = rows[i].names; *at;) {
			size_t word = strcspn(at, " ");
			if (word == len && memcmp(at, name, len) == 0)
				return rows[i].advice;
			at += word + (at[word] == ' ');
		}
	return NULL;
}
