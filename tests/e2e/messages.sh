#!/usr/bin/env bash
# runs: local mpi3
# A row for each wrong input: what the one line of error must say, and the arguments. Exit code 2, and nothing
# has run: every command here would leave a file.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

printf 'touch ran\n' >jobs.txt
printf 'a\nb\n' >values

# --- options that are not written out, or of other tools ---
refused 'unknown option --tim=10: expected --timeout, written out' --tim=10 jobs.txt
refused 'unknown option --res: expected one of --resume, --resume-changed, --restart' --res jobs.txt
refused 'unknown option --jbos=2: expected --jobs' --jbos=2 jobs.txt
refused 'unknown option -help: expected --help' -help
refused 'unknown option -jobs: expected --jobs' -jobs jobs.txt
refused 'option --joblog needs a value, FILE: expected it before --quiet' --joblog --quiet jobs.txt
refused 'expected --resume=failed, in one word' --resume failed jobs.txt
refused 'unknown option --time=10: expected --timeout TIME' --time=10 jobs.txt
refused 'unknown option --retries: .*expected --resume=failed' --retries 3 jobs.txt
refused 'unknown option --halt: .*barrier check' --halt now,fail=1 jobs.txt
refused 'unknown option -C: expected --csv, --tsv or --colsep C' -C , -a values -- touch
refused "option --colsep: ' +' is not one character" --colsep ' +' -a values -- touch
refused 'unknown option --results: expected --output store' --results dir jobs.txt
refused 'unknown option --delay: mpbatch has nothing of the kind' --delay 1 jobs.txt
refused 'unknown option -N: .*one value of each input' -N 2 touch ::: a b
refused 'unknown option -n in -qn2: .*one value of each input' -qn2 touch ::: a b
refused 'unknown option --pipe: .*expected --stdin' --pipe cat
refused 'unknown option -S: .*mpirun --host' -S host jobs.txt
refused 'unknown option -P: expected -j' -P 4 jobs.txt
refused 'unknown option --mem=4G: .*sbatch' --mem=4G jobs.txt
refused 'unknown option --ntasks=4: .*mpirun -n' --ntasks=4 jobs.txt
refused 'unknown option -I: the placeholder is always {}' -I% touch % ::: a b
refused 'unknown option -x' -x jobs.txt
refused "option --timeout: '1h30' is not a time: its last number lacks a unit, as the m in 1h30m" --timeout 1h30 jobs.txt
refused "option --timeout: '1:60' is not a time such as 90 (seconds)" --timeout 1:60 jobs.txt

refused "option --color: 'yes' is not auto, always or never" --color yes jobs.txt

# --- a list, or a command ---
refused 'no task list: expected mpbatch .*LIST, where - is standard input, or -- COMMAND'
refused "argument 'ran' after the task list 'touch': .*for a command, mpbatch -- touch ran" touch ran
refused "argument 'a{}' after the task list 'touch': .* mpbatch -- touch a{}" touch 'a{}'
refused "argument 'jobs.txt' after the task list 'satus': .*'mpbatch status jobs.txt'" satus jobs.txt
refused 'the command ha[sd] no values: expected ::: VALUE' -- touch ran

# --- variables ---
variable() {
	local set=$1
	shift
	export "${set?}"
	refused "$@"
	unset "${set%%=*}"
}
variable MPBATCH_JBOS=2 'unknown environment variable MPBATCH_JBOS: expected MPBATCH_JOBS' jobs.txt
variable MPBATCH_SOMETHING=2 'unknown environment variable MPBATCH_SOMETHING: expected MPBATCH_ and' jobs.txt
[ ${#LAUNCHER[@]} -gt 0 ] || variable TMPDIR=/dev/null/x 'variable TMPDIR: /dev/null/x: Not a directory' jobs.txt
refused 'option --tmpdir: /dev/null/x: Not a directory' --tmpdir /dev/null/x jobs.txt
variable MPBATCH_CHECK=1 'MPBATCH_CHECK: expected option --check' jobs.txt
refused '--csv, --tsv and --colsep: expected one' --csv --tsv -a values -- touch

# --- a run directory that is another's, and closed ---
if [ ${#LAUNCHER[@]} = 0 ] && [ "$(id -u)" = 0 ] && chmod 755 . &&
	setpriv --reuid nobody --clear-groups test -x "$MPBATCH"; then
	mkdir -m 700 closed
	for words in '--run-dir closed jobs.txt' '--run-dir closed --restart jobs.txt' '--run-dir closed/in jobs.txt' \
		'status closed' 'status --watch closed' 'status closed/in' 'output closed' 'report closed'; do
		# shellcheck disable=SC2086 # several words
		setpriv --reuid nobody --clear-groups timeout 60 "$MPBATCH" $words >out 2>err </dev/null && code=0 || code=$?
		[ "$code" = 2 ] || fail "$words: exit code $code, expected 2"
		[[ "$(tail -n 1 err)" = 'mpbatch: error: '*closed*': Permission denied'* ]] || fail "$words: not said why"
	done
	rmdir closed
fi

[ ! -e ran ] && [ ! -e a ] || fail "something has run"
[ "$(echo *)" = "err jobs.txt out values" ] || fail "left behind: $(echo *)"

# --- and what is fine ---
# --eta and --progress are --bar, and take no value.
run -q --progress touch ran ::: a
expect_code 0
run -q --eta jobs.txt
expect_code 0
# GNU parallel's ":" behind --header means that there is one.
if [ ${#LAUNCHER[@]} = 0 ]; then # mpirun takes the colon for its own
	run -k --header : echo '{a}-{b}' ::: a 1 2 ::: b 3
	expect_code 0
	[ "$(cat out)" = $'1-3\n2-3' ] || fail "--header : gives '$(cat out)'"
fi
# The variables of a task are known to an mpbatch that is the task.
printf '%s -q -j 1 %s\n' "$MPBATCH" "$WORK/jobs.txt --restart" >nested.txt
[ ${#LAUNCHER[@]} -gt 0 ] || run nested.txt
expect_code 0

# The command line goes before variables of the same matter; variables of tables are not for lists.
goes() {
	local set=$1
	shift
	export "${set?}"
	run -q "$@"
	[ "$code" = 0 ] || fail "$set $*: exit code $code: $(head -1 err)"
	unset "${set%%=*}"
}
goes MPBATCH_RESUME=1 --restart jobs.txt
goes MPBATCH_RESTART=1 --resume jobs.txt
goes MPBATCH_OUTPUT=group --restart --stdout 'o.{#}' jobs.txt
goes MPBATCH_KEEP_ORDER=1 --restart --output line jobs.txt
goes MPBATCH_TAG=1 --restart --output none jobs.txt
goes 'MPBATCH_STDOUT=p.{#}' --restart --output none jobs.txt
[ ! -e p.1 ] || fail "a variable's --stdout goes before --output none"
goes MPBATCH_CSV=1 --restart jobs.txt
goes MPBATCH_CSV=1 --tsv -a values -- touch {}
goes MPBATCH_CSV=1 --colsep ';' -a values -- touch {}
goes 'MPBATCH_COLSEP=;' --csv -a values -- touch {}
# One that is off switches nothing else off.
printf 'x,y\n1,2\n' >table.csv
export MPBATCH_CSV=1 MPBATCH_TSV=
run -q --header -a table.csv -- echo '{y}'
[ "$(cat out)" = 2 ] || fail "MPBATCH_TSV= switches --csv off: $(cat out err)"
unset MPBATCH_CSV MPBATCH_TSV
# GNU parallel's \t is a tab.
printf 'x;y\n"1;";2\t3\n' >table
run -q --header --colsep ';' -a table -- echo '{x}' '{y}'
[ "$(cat out)" = $'1; 2\t3' ] || fail "--colsep ';': $(cat out err)"
printf '1 \t;2\n' >table
run -q --colsep '\t' -a table -- echo '{2}'
[ "$(cat out)" = ';2' ] || fail "--colsep '\\t': $(cat out err)"
rm table
