#!/bin/bash
# A real SLURM of three nodes with two CPUs each:
#   both batch scripts of examples/slurm, unmodified, as an ordinary user
#   the environment a task gets
#   srun --mpi=pmix, and the refusal under srun --mpi=none
#   an array script, unchanged, in one allocation
#   the job of a template, queued again, runs what has not succeeded
#   scancel leaves no task behind, and a journal that says so
#   a job whose time is nearly up queues itself again, one whose node dies is queued again: they resume
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cluster_enter slurm "$@"
need_mpbatch

# submit SCRIPT ARGUMENTS...: its number in $job, its output in $output
submit() {
    job=$(as_user sbatch --parsable --output=job-%j.out "$shared/examples/$1" "${@:2}")
    output=job-$job.out
}

# await STATE EXIT_CODE: bounded wait for the end of $job, which must be this
await() {
    wait_until 60 job_ended "$job" || fail "job $job did not end: $(<"$output")"
    [[ "$(job_field "$job" JobState) $(job_field "$job" ExitCode)" = "$1 $2" ]] ||
        fail "job $job: $(scontrol show job "$job") $(<"$output")"
}

# all_but_four_recorded SESSION: of chain.txt
all_but_four_recorded() {
    [[ $(grep -c "^$1[[:space:]].*[[:space:]]ok[[:space:]]" chain.txt.mpbatch/journal."$1".tsv) = 20 ]]
}

is_queued_again() {
    [[ $(job_field "$job" JobState) = PENDING ]]
}

# SLURM waits for two minutes, that the job's old credential may expire; not to be in the same second
# as its end is enough.
start_again() {
    wait_until 60 is_queued_again || fail "job $job was not queued again: $(<"$output")"
    scontrol update jobid="$job" starttime=now+2seconds
}

for script in mpbatch.sbatch per-node.sbatch; do
    step "sbatch $script"
    task_list 90 | as_user tee $script.txt >/dev/null
    submit $script $script.txt
    await COMPLETED 0:0
    check_run $script.txt.mpbatch "$output" 90 n1 n2 n3
    grep -q '"deadline_us": [1-9]' $script.txt.mpbatch/status.json || fail "the end of the allocation is not known"
    assert_clean 20
done

step "the environment of a task"
for _ in {1..12}; do echo "env; sleep 0.05"; done | as_user tee jobs.txt >/dev/null
submit mpbatch.sbatch # jobs.txt is its default
await COMPLETED 0:0
leaked=$(grep -E '^(SLURM_STEP|PMI|OMPI_|PRTE_)' "$output" | sort -u) || true
[[ -z $leaked ]] || fail "tasks have these variables: $leaked"
[[ $(grep -c "^SLURM_JOB_ID=$job\$" "$output") = 12 ]] || fail "tasks without SLURM_JOB_ID"
assert_clean 20

step "an array script"
cat >array_script.sh <<'END'
#!/bin/bash
#SBATCH --array=1-3
#SBATCH --output=array-%A_%a.out
echo "$SLURM_ARRAY_JOB_ID $SLURM_JOB_ID $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT"
END
chmod 755 array_script.sh
printf '%s\n' '#!/bin/bash' 'mpirun mpbatch -q --array 1-50 -- ./array_script.sh' >$shared/examples/array.sbatch
submit array.sbatch
await COMPLETED 0:0
problems=$(diff <(seq 50 | sed "s/.*/$job $job & of 50/") <(cat "array-${job}_"*.out | sort -k 3n)) ||
    fail "array tasks: $problems"
[[ ! -s $output && $(<"array-${job}_7.out") = "$job $job 7 of 50" ]] || fail "not files of their own: $(<"$output")"
[[ $(journal mpbatch."$job"/journal.1.tsv reason | sort | uniq -c | xargs) = "50 ok" ]] || fail "an array without a journal"
assert_clean 20

step "a template whose job is queued again finds its run"
submit mpbatch.sbatch -- 'test {} != 3 || test -e fixed || exit 1; echo {} | tee -a again' ::: 1 2 3 4
await FAILED 1:0
as_user touch fixed
scontrol requeue "$job"
start_again
await COMPLETED 0:0
problems=$(diff <(seq 4) <(sort again)) || fail "tasks not run just once: $problems $(<"$output")"
[[ -e mpbatch.$job/journal.2.tsv && ! -e mpbatch.$job.2 ]] || fail "not its own run: $(<"$output")"
assert_clean 20

step "srun --mpi=none"
as_user rm -r jobs.txt.mpbatch
echo "touch ran" | as_user tee jobs.txt >/dev/null
status=0
as_user timeout 60 srun --mpi=none -N 3 -n 3 mpbatch jobs.txt >output 2>&1 </dev/null || status=$?
[[ $status = 2 && ! -e ran ]] || fail "status $status, not 2, or tasks ran: $(ls) $(<output)"
assert_clean 20

step "scancel"
for _ in {1..6}; do echo "test -e quick || { setsid sleep 7777 & sleep 7777; }"; done | as_user tee long.txt >/dev/null
submit mpbatch.sbatch long.txt
wait_until 30 count_is 12 sleep 7777 || fail "tasks did not start: $(cat "$output")"
as_user scancel "$job"
wait_until 30 count_is 0 sleep 7777 || fail "tasks live on: $(ps -e -o pid,ppid,args)"
wait_until 60 job_ended "$job" || fail "job $job did not end"
state=$(job_field "$job" JobState)
[[ $state = CANCELLED ]] || fail "job $job: $state"
problems=$(diff <(seq 6 | sed 's/$/\tcancelled/') \
    <(journal long.txt.mpbatch/journal.1.tsv index reason | sort -n)) ||
    fail "not every task cancelled: $problems"
assert_clean 20

step "the next job resumes"
as_user touch quick
submit mpbatch.sbatch long.txt
await COMPLETED 0:0
[[ $(journal long.txt.mpbatch/journal.2.tsv reason | sort | uniq -c | xargs) = "6 ok" ]] ||
    fail "the second session: $(cat long.txt.mpbatch/journal.2.tsv)"
assert_clean 20

# All but the last four tasks run at once; these when there is a file "quick".
step "the time is nearly up"
as_user rm quick
{
    for i in {1..20}; do echo "echo task $i | tee -a ran"; done
    for i in {21..24}; do echo "test -e quick || sleep 7777; echo task $i | tee -a ran"; done
} | as_user tee chain.txt >/dev/null
submit mpbatch.sbatch --output store chain.txt
wait_until 30 all_but_four_recorded 1 || fail "tasks did not run: $(<"$output")"
scancel --batch --signal=USR1 "$job"
start_again
count_is 0 sleep 7777 || fail "tasks live on: $(ps -e -o pid,ppid,args)"

step "a node dies"
wait_until 30 count_is 4 sleep 7777 || fail "tasks did not start again: $(<"$output")"
node=$(job_field "$job" BatchHost)
host_dies "$node"
as_user touch quick
scontrol update nodename="$node" state=down reason=test
on "$node" slurmd -N "$node"
baseline+="$(pids_of slurmd -N "$node") "
scontrol update nodename="$node" state=resume
start_again
await COMPLETED 0:0
problems=$(diff <(seq 24 | sed 's/^/task /') <(sort -V ran)) || fail "tasks not run just once: $problems"
problems=$(diff <(sort -V ran) <(on n3 mpbatch output chain.txt)) ||
    fail "stored outputs (>): $problems"
[[ -e chain.txt.mpbatch/journal.3.tsv && $(<"$output") == *"work remains"*"20 succeeded in earlier sessions"* ]] ||
    fail "not three starts in one output: $(<"$output")"
assert_clean 20

step "srun --mpi=pmix"
[[ $(srun --mpi=list 2>&1) == *pmix* ]] || {
    echo "left out: this SLURM has no PMIx plug-in"
    exit 0
}
task_list 60 | as_user tee srun.txt >/dev/null
as_user timeout 60 srun --mpi=pmix -N 3 -n 3 mpbatch --master-works srun.txt \
    </dev/null >output || fail "srun returned $?"
check_run srun.txt.mpbatch output 60 n1 n2 n3
assert_clean 20

step "done"
