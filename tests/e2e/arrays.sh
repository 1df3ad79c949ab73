#!/usr/bin/env bash
# runs: local mpi3
# A job array's script as under sbatch: what its "#!" and #SBATCH lines say is followed where nobody says
# otherwise, and named where it is not.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# script NAME LINE...: an array of three that prints what it is given, with these #SBATCH options.
script() {
	local name=$1
	shift
	printf '#!/bin/bash\n#SBATCH --array=1-3\n' >"$name"
	printf '#SBATCH %s\n' "$@" >>"$name"
	cat >>"$name" <<'END'
echo "$SLURM_ARRAY_TASK_ID ${BASH_VERSION:+bash} $*"
END
	chmod +x "$name"
}

said() {
	grep -q -e "$1" err || fail "not said: $1"
}

unsaid() {
	! grep -q -e "$1" err || fail "said: $1"
}

expect_files() {
	local got
	got=$(cd "$1" && find . -type f | sort | tr '\n' ' ')
	[ "$got" = "$2" ] || fail "files '$got', expected '$2'"
	rm -r "$1"
}

# --- how it is called ---
script plain.sh --ntasks=1
three=$'1 bash x\n2 bash x\n3 bash x'
run -k -- bash plain.sh x
[ "$(cat out)" = "$three" ] || fail "bash plain.sh"
unsaid SBATCH
run -q -k -- bash -eu ./plain.sh x
[ "$(cat out)" = "$three" ] || fail "bash -eu ./plain.sh"
run -q -k --array 2 -- bash plain.sh x
[ "$(cat out)" = "2 bash x" ] || fail "--array goes first"
# Without the x bit its "#!" line runs it.
chmod -x plain.sh
for how in -- ''; do
	run -q -k --array 1-3 $how ./plain.sh x
	[ "$(cat out)" = "$three" ] || fail "not executable, '$how'"
done
script odd.sh -t1
sed -i '1s/.*/#! \/usr\/bin\/env -S echo "{x} y" /' odd.sh
run -q -k -- ./odd.sh
cp out kernel
chmod -x odd.sh
run -q -k -- ./odd.sh
[ "$(head -1 out)" = '{x} y ./odd.sh' ] && cmp -s out kernel || fail "an interpreter with an argument"

# --- output files ---
script out.sh '--output=o/%A_%02a.out' '--error="o/%j.err"' '-J name'
echo 'echo wrong >&2' >>out.sh
SLURM_JOB_ID=77 run -- ./out.sh
said 'out.sh: #SBATCH lines: --output=o/%A_%02a.out, --error=o/%j.err followed'
[ ! -s out ] || fail "output here"
[ "$(cat o/77_02.out)" = "2 bash " ] || fail "the output of task 2"
[ "$(cat o/77_2.err)" = wrong ] || fail "the standard error of task 2"
expect_files o './77_01.out ./77_02.out ./77_03.out ./77_1.err ./77_2.err ./77_3.err '
# --output alone is for both, --error alone leaves sbatch's default for the other.
script merged.sh '-o o/%x_%u_%a'
echo 'echo wrong >&2' >>merged.sh
run -q -- ./merged.sh
[ "$(cat "o/merged.sh_$(id -un)_3")" = $'3 bash \nwrong' ] || fail "merged"
rm -r o
script error.sh '-e o/%a.err' '--chdir=o'
SLURM_JOB_ID=77 run -q -- ./error.sh
expect_files o './o/1.err ./o/2.err ./o/3.err ./slurm-77_1.out ./slurm-77_2.out ./slurm-77_3.out '
# The user's own options go first.
for mine in '--output group' '--output-file mine' '--tag'; do
	# shellcheck disable=SC2086
	run $mine -- ./out.sh
	expect_code 0
	[ ! -e o ] || fail "$mine does not go first"
	unsaid '--output='
done
# What cannot be followed is no error.
for bad in job.out '%N_%a.out' '/dev/stderr'; do
	script bad.sh "--output=$bad"
	run -- ./bad.sh
	expect_code 0
	said "not followed: --output=$bad ("
	[ "$(wc -l <out)" = 3 ] || fail "$bad: no output here"
done
run --array 1-2 -- ./out.sh {} ::: a b
said 'not followed: --output=o/%A_%02a.out, --error=o/%j.err (one file for all values'

# --- directory ---
script dir.sh '-D "a {b}"'
echo 'pwd' >>dir.sh
for how in ./dir.sh 'bash dir.sh'; do
	# shellcheck disable=SC2086
	run -k -- $how x
	said 'lines: --chdir=a {b} followed'
	[ "$(grep -c "^$WORK/a {b}\$" out)" = 3 ] || fail "$how: not in its directory"
done
run -q -k --cwd c -- "$WORK/dir.sh"
[ "$(grep -c "^$WORK/c\$" out)" = 3 ] || fail "--cwd does not go first"

# --- cores ---
script cores.sh --cpus-per-task=2
echo 'echo "$SLURM_CPUS_PER_TASK $OMP_NUM_THREADS"' >>cores.sh
unset OMP_NUM_THREADS
run -j 1 --master-works -k -- ./cores.sh
[ "$(grep -c '^2 2$' out)" = 3 ] || fail "cores of the script"
said 'lines: --cpus-per-task=2 followed'
run -j 1 --master-works -k -c 1 -- ./cores.sh
[ "$(grep -c '^1 1$' out)" = 3 ] || fail "-c does not go first"
script none.sh -c0
run -k -- ./none.sh
said 'not followed: --cpus-per-task=0 (no number of cores)'
# Cores, job and files are no part of what a task is.
script same.sh '-o o/%a'
run -q --run-dir same -- ./same.sh
sed -i 's/^#SBATCH -o.*/#SBATCH -c 2/' same.sh
SLURM_JOB_ID=78 run --run-dir same --resume -- ./same.sh
said 'all 3 tasks succeeded in earlier sessions'

# --- what is not followed ---
script others.sh '--mem=4G -t 1:00' '-n4 --nodes=1 --export=ALL -A account --mail-type=END'
run -k -- ./others.sh
[ "$(grep -c 'not followed' err)" = 1 ] || fail "not said once"
said 'others.sh: #SBATCH lines: not followed: --mem, --ntasks, --time$'

# --- elements are called by their numbers ---
run --run-dir named --output store --array 30-40 -- 'test "$SLURM_ARRAY_TASK_ID" != 33 && echo hello'
expect_code 1
grep -q '^  element 33 (task 4) on .*: exit code 1: ' err || fail "a failure: $(cat err)"
[ "$(paste <(column index named/journal.1.tsv) <(column element named/journal.1.tsv) | sort -n | sed -n '1p;4p' | xargs)" = '1 30 4 33' ] ||
	fail "the journal: $(column element named/journal.1.tsv | xargs)"
"$MPBATCH" report named >report
grep -q '^  element 33 (task 4) on ' report && grep -q ' 30 (task 1) ' report || fail "report: $(cat report)"
"$MPBATCH" report --csv named | grep -q '^1,4,33,1,' || fail "report --csv"
start --run-dir shown --array 30-31 -- 'until test -e go; do sleep 0.05; done'
shows_element() {
	"$MPBATCH" status shown 2>/dev/null | grep -q '^  element 30 (task 1) on '
}
wait_for shows_element
touch go
finish
run -q --run-dir plain --array 30-40 -- 'true'
"$MPBATCH" output plain 4 2>err
grep -q 'error: element 33 (task 4): its output was not stored' err || fail "output: $(cat err)"

# --- --check: SLURM_JOB_ID is the job's around, the same for all elements ---
cat >job.sh <<'LINES'
#!/bin/bash
#SBATCH --array=1-3
# no $SLURM_JOB_ID.txt
echo "job $SLURM_JOB_ID." $SLURM_JOB_ID $SLURM_JOB_IDS.x
mktemp -d /tmp/$SLURM_JOB_ID.XXXX; mkdir /tmp/$SLURM_JOB_ID.$SLURM_ARRAY_TASK_ID
WORK=/scratch/$SLURM_JOB_ID
wc <${SLURM_JOB_ID}_in >"out.$SLURM_JOB_ID"
LINES
[ ${#LAUNCHER[@]} -gt 0 ] || {
	run --check -- bash job.sh
	expect_code 1
	[ "$(sed -n 's/: the same for all elements, .*//p' out)" = 'job.sh:6:1: warning: WORK=/scratch/$SLURM_JOB_ID
job.sh:7:5: warning: ${SLURM_JOB_ID}_in
job.sh:7:25: warning: "out.$SLURM_JOB_ID"' ] || fail "--check of a script: $(cat out)"
}
