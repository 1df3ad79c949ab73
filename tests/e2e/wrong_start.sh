#!/usr/bin/env bash
# runs: local
# Started in a way that would have every process run the whole list: refused, exit code 2, nothing run.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

echo 'touch ran' >jobs.txt
refused() { # SAYS COMMAND...
	local says=$1
	shift
	code=0
	timeout -k 5 120 "$@" jobs.txt >out 2>err </dev/null || code=$?
	[ "$code" = 2 ] || fail "$*: exit code $code, expected 2"
	grep -q -e "$says" err || fail "$*: does not say '$says'"
	[ "$(grep -c 'mpbatch: error' err)" = 1 ] || fail "$*: not one line of error"
	[ ! -e ran ] || fail "$*: a task was run"
	[ ! -e jobs.txt.mpbatch ] || fail "$*: a run directory was made"
}
SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=0 refused 'srun' "$MPBATCH"
if [ -x "$WITHOUT_MPI" ]; then
	refused 'without MPI' mpirun.openmpi --oversubscribe -n 3 "$WITHOUT_MPI"
	refused 'without MPI' mpirun.mpich -n 3 "$WITHOUT_MPI"
fi
if [ -x "$OTHER_MPI" ]; then
	refused "MPICH's mpirun" mpirun.mpich -n 3 "$MPBATCH"
	refused "Open MPI's mpirun" mpirun.openmpi --oversubscribe -n 3 "$OTHER_MPI"
fi
# In a plain batch script these are set, and mean nothing.
SLURM_NTASKS=8 SLURM_PROCID=0 SLURM_JOB_ID=1 run jobs.txt
expect_code 0
[ -e ran ] || fail "a batch script's variables keep a local run from running"

# Other ranks leave a usage error to rank 0, with its exit code: the launcher would end it before it has spoken.
for rank in 0 1; do
	OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=$rank run --output fast jobs.txt
	expect_code $((rank ? 0 : 2))
	[ "$(grep -c 'group, line, none' err)" = $((rank ? 0 : 1)) ] || fail "a usage error on rank $rank"
done
