#!/usr/bin/env bash
# runs: local mpi mpich asan
# A task's environment and descriptors, and an MPI program as a task.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export KEPT_BY_USER=1 SLURM_JOB_ID=17
batch -j 2 --keep-env 'HYDI_*' <<LINES
env
$HELPERS/printfds
env | sort
nproc; grep -i ^Sig /proc/self/status
LINES
expect_code 0
for name in MPBATCH_INDEX MPBATCH_ATTEMPT MPBATCH_RANK MPBATCH_SLOT MPBATCH_CPUS MPBATCH_NTASKS \
	OMP_NUM_THREADS KEPT_BY_USER SLURM_JOB_ID PWD; do
	[ "$(grep -c "^$name=" out)" = 2 ] || fail "a task does not see $name"
done
grep -q '^MPBATCH_NTASKS=4$' out || fail "MPBATCH_NTASKS is wrong"
if [ ${#LAUNCHER[@]} -gt 0 ] && grep -E '^(OMPI_|PMIX_|PMI_|PRTE_|ORTE_|HYDRA_|SLURM_STEP|PMI2_)' out | grep -v OMPI_ALLOW; then
	fail "a task sees the launcher"
fi
grep -qx '0 1 2' out || fail "a task has other descriptors than 0, 1 and 2"
grep -q 'SigBlk:	0000000000000000' out || fail "signals are blocked in a task"
grep -q 'SigIgn:	0000000000000000' out || fail "signals are ignored in a task"

OMP_NUM_THREADS=7 batch <<<'env | grep ^OMP_NUM_THREADS; env | grep ^MKL_NUM_THREADS'
grep -qx OMP_NUM_THREADS=7 out || fail "OMP_NUM_THREADS is overridden"
grep -qx MKL_NUM_THREADS=1 out || fail "MKL_NUM_THREADS is not set"
[ "$(grep -c 'OMP_NUM_THREADS=7, but each task has 1 core (-c 7' err)" = 1 ] || fail "seven threads on a core: not one warning"
OMP_NUM_THREADS=2,1 OPENBLAS_NUM_THREADS=2 batch -c 2 <<<'true'
if grep -q NUM_THREADS err; then fail "two threads on two cores are warned of"; fi

# Variables of a launcher's name are a launcher's only where one has started us.
OMPI_MCA_x=1 PMIX_MCA_x=2 PMI_PORT=4 SLURM_NTASKS=3 SLURM_CPU_BIND=none batch <<<'env'
if [ ${#LAUNCHER[@]} = 0 ]; then
	for word in OMPI_MCA_x=1 PMIX_MCA_x=2 PMI_PORT=4 SLURM_NTASKS=3 SLURM_CPU_BIND=none; do
		grep -qx "$word" out || fail "$word is taken from tasks though no launcher set it"
	done
elif grep -E '^(OMPI_MCA_|PMIX_MCA_|SLURM_NTASKS|SLURM_CPU_BIND)' out; then
	fail "a task sees the launcher"
fi

# A shell function that the user exported, and a PATH with a relative entry.
mkdir bin
printf '#!/bin/sh\necho relative\n' >bin/tool
chmod +x bin/tool
PATH="bin:$PATH" batch <<<'tool'
grep -qx relative out || fail "a relative entry of PATH is not searched"

if [ -x "$HELPERS/mpihello" ]; then
	batch <<<"$HELPERS/mpihello"
	expect_code 0
	grep -q 'mpi size 1' out || fail "an MPI program as a task is no singleton"
fi

# A broken system is called by its name: keeper and executors need it.
if [ "$(id -u)" = 0 ] && [ ${#LAUNCHER[@]} = 0 ] && unshare -m true 2>/dev/null; then
	code=0
	unshare -m sh -c 'mount -t tmpfs tmpfs /dev && exec "$0" jobs.txt' "$MPBATCH" >out 2>err || code=$?
	expect_code 4
	[ "$(grep -c . err)" = 1 ] && grep -q '/dev/null cannot be used' err || fail "no /dev/null: $(cat err)"
fi
exit 0
