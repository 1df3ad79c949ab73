#!/usr/bin/env bash
# runs: local mpi3
# Under force: in every output mode processes of a run are killed, stopped, continued and interrupted at random
# instants, but for its ranks, which are only stopped. Then every task has been recorded once or remains, none ran
# twice, no rank has more descriptors than at its start or spins, the run ends, and nothing is left; and a resume
# completes it. ROUNDS and SEED choose how many rounds and which.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-6} SEED=${SEED:-$RANDOM}
RANDOM=$SEED
TASKS=150 SLOTS=4
MODES=("" "--output line" "--output none" "--stdout outs/{#}.txt" "--output store" "--keep-order")
echo "seed $SEED, $ROUNDS rounds"

# A task notes that it ran; the first ones wait for "go", the last for "release".
{
	for i in $(seq 1 $((3 * SLOTS))); do
		echo "echo >>marks/$i; until [ -e go ]; do sleep 0.02; done"
	done
	for i in $(seq $((3 * SLOTS + 1)) $((TASKS - 1))); do
		case $((RANDOM % 6)) in
		0) echo "echo >>marks/$i; sleep 0.$((RANDOM % 4))" ;;
		1) echo "echo >>marks/$i; head -c 300000 /dev/zero | tr '\0' x" ;;
		2) echo "echo >>marks/$i; sleep 98767 & setsid sleep 98767" ;;
		*) echo "echo >>marks/$i; echo line $i" ;;
		esac
	done | sed 's/sleep 98767 & setsid sleep 98767/(sleep 98767 \& setsid sleep 98767 \&)/'
	echo "echo >>marks/$TASKS; until [ -e release ]; do sleep 0.02; done"
} >jobs.txt

executors() { ours '^mpbatch:[0-9]'; }
keepers() { ours '^mpbatch:keeper'; }
one_of() { shuf -n 1 --random-source=<(yes $RANDOM); }
descriptors() { for p in $(ranks); do find "/proc/$p/fd" -mindepth 1 2>/dev/null; done | wc -l; }
cpu_ticks() { for p in $(ranks); do cut -d ' ' -f 14,15 "/proc/$p/stat"; done 2>/dev/null | tr ' ' '\n' | awk '{ s += $1 } END { print s + 0 }'; }
alive() { kill -0 "$pid" 2>/dev/null; }
records() { awk 'NR > 2' jobs.txt.mpbatch/journal.1.tsv 2>/dev/null | wc -l; }
first_ones() { [ "$(find marks -type f | wc -l)" -ge "$SLOTS" ]; }
no_process() { [ -z "$(processes)" ]; }

# force: one act of it; what is stopped is continued by the next one that does so
force() {
	local victim
	case $((RANDOM % 8)) in
	0 | 1) victim=$(executors | one_of) && kill -KILL $victim ;;
	2 | 3) victim=$(executors | one_of) && kill -STOP $victim ;;
	4) victim=$(keepers | one_of) && kill -STOP $victim ;;
	5) victim=$(ranks | one_of) && kill -STOP $victim ;;
	6) [ $((RANDOM % 4)) != 0 ] || { victim=$(keepers | one_of) && kill -KILL $victim; } ;;
	7) go_on ;;
	esac
} 2>/dev/null

go_on() {
	# shellcheck disable=SC2046 # pids
	kill -CONT $(processes)
} 2>/dev/null

# over: all but the last task are recorded, or the run has ended
over() { ! alive || [ "$(records)" -ge $((TASKS - 1)) ]; }

# calm: what a rank holds and does when it has nothing to do but to wait
calm() {
	local ticks
	[ "$(descriptors)" -le $((before + 3 * ${#LAUNCHER[@]})) ] ||
		fail "$where: $(descriptors) descriptors, $before at the start: $(for p in $(ranks); do ls -l /proc/$p/fd; done)"
	ticks=$(cpu_ticks)
	sleep 1
	ticks=$(($(cpu_ticks) - ticks))
	[ $ticks -lt 50 ] || fail "$where: a rank spins: $ticks ticks in a second"
}

round() {
	local n=$1 mode=${MODES[$(($1 % ${#MODES[@]}))]} interrupt=$((RANDOM % 3)) before i
	where="seed $SEED, round $n ($mode)"
	rm -rf marks outs go release jobs.txt.mpbatch*
	mkdir marks
	# shellcheck disable=SC2086 # words of an option
	start -j $SLOTS -q $mode jobs.txt
	wait_for first_ones
	before=$(descriptors)
	touch go
	for i in $(seq 12); do
		sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
		force
	done
	if [ $interrupt = 0 ]; then
		kill -TERM $pid 2>/dev/null
		[ ${#LAUNCHER[@]} = 0 ] || go_on # mpirun has its own ways with a stopped rank
		for i in $(ranks); do kill -CONT "$i"; done 2>/dev/null
	else
		for i in $(seq 600); do
			go_on
			over && break
			sleep 0.05
		done
		over || fail "$where: tasks that do nothing do not end: $(records) records"
		[ $interrupt = 1 ] && alive && calm
		touch release
	fi
	finish
	first=$code
	wait_for no_process
	wait_for unmarked 'sleep 98767'
	judge
	touch release
	for i in 1 2 3; do
		[ "$code" = 0 ] && break
		# shellcheck disable=SC2086 # words of an option
		run -j $SLOTS -q --resume $mode jobs.txt
	done
	[ "$code" = 0 ] || fail "$where: not whole after three more sessions"
	for i in $(seq $TASKS); do
		[ -s marks/$i ] || fail "$where: task $i never ran"
	done
}

# judge: the first session, by its journal and by the tasks' own marks
judge() {
	local twice i
	twice=$(column index | sort | uniq -d | xargs)
	[ -z "$twice" ] || fail "$where: recorded twice: $twice"
	for i in marks/*; do # 0: killed between the opening of its mark and the line
		[ "$(wc -l <$i)" -le 1 ] || fail "$where: $i ran $(wc -l <$i) times in one session"
	done
	[ ${#LAUNCHER[@]} -gt 0 ] && [ $first != 0 ] && [ $first != 1 ] && return # mpirun may end ranks first
	for i in marks/*; do
		column index | grep -qx "${i#marks/}" || fail "$where: task ${i#marks/} ran and has no record, exit code $first"
	done
	[ $first != 0 ] || [ "$(column reason | sort -u)" = ok ] || fail "$where: exit code 0 of a run with failures"
}

for n in $(seq "$ROUNDS"); do round $n; done
