#!/usr/bin/env bash
# runs: local mpi3
# Crashes: at random instants processes of a run are killed by SIGKILL (rank 0, another rank, a keeper, an
# executor, mpirun, all of them), the run is resumed until it is whole, and what must hold is read from what
# the tasks themselves left: each ran to its end at least once; none that had ended more than two seconds before
# the kill ran again; and nothing goes on running. ROUNDS and SEED choose how many and which.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-5} SEED=${SEED:-$RANDOM}
RANDOM=$SEED
TASKS=60
echo "seed $SEED, $ROUNDS rounds"

# A task notes when it ended, in a file of its own, with one write.
for i in $(seq $TASKS); do
	echo "sleep 0.$((RANDOM % 3 + 1))$((RANDOM % 10)); date +%s%3N >>marks/$i"
done >jobs.txt

# What is to die: a pid, or several.
victims() {
	case $((RANDOM % 6)) in
	0) ranks | head -1 ;;                 # rank 0, most often
	1) ranks | shuf -n 1 --random-source=jobs.txt ;;
	2) processes | tail -1 ;;             # an executor
	3) processes | sed -n 2p ;;           # a keeper, or a rank
	4) echo "$pid" ;;                     # the launcher, or rank 0
	5) processes && echo "$pid" ;;        # everything
	esac
}

no_process() {
	[ -z "$(processes)" ]
}

# One session, killed at a random instant if $1 says so; its exit code is $code.
session() {
	start -j 4 --output store --resume -q jobs.txt
	if [ "$1" = kill ]; then
		sleep "$((RANDOM % 3)).$((RANDOM % 10))$((RANDOM % 10))"
		# shellcheck disable=SC2046 # pids
		kill -KILL $(victims) 2>/dev/null
		date +%s%3N | tr '\n' ' ' >>kills
	fi
	code=0
	timeout -k 5 120 tail --pid="$pid" -f /dev/null || fail "$where: mpbatch hangs"
	wait "$pid" 2>/dev/null || code=$?
	wait_for no_process
	if [ "$1" = kill ]; then date +%s%3N >>kills; fi
}

# Each mark of a task but its last must be younger than two seconds at a kill (a kill file's line: when it
# was, and when the last process was gone): what had ended before that was on disk, and must not run again.
ran_again() { # MARKS
	awk 'NR == FNR { kill[++n] = $1; gone[n] = $2; next }
		FNR > 1 {
			excused = 0
			for (k = 1; k <= n; k++)
				if (last > kill[k] - 2000 && last <= gone[k])
					excused = 1
			if (!excused)
				found = 1
		}
		{ last = $1 }
		END { exit !found }' kills "$1"
}

round() {
	rm -rf marks kills jobs.txt.mpbatch*
	mkdir marks
	local i n
	for n in 1 2 3; do
		session kill
		[ "$code" = 0 ] && break
	done
	for n in 1 2 3 4; do
		[ "$code" = 0 ] && break
		session whole
		[ "$code" != 2 ] || fail "$where: the resume is refused"
	done
	[ "$code" = 0 ] || fail "$where: not whole after 4 more sessions, exit code $code"
	for i in $(seq $TASKS); do
		[ -s marks/$i ] || fail "$where: task $i never ran to its end"
		! ran_again marks/$i || fail "$where: task $i had ended and ran again: $(xargs <marks/$i), kills $(xargs <kills)"
	done
	"$MPBATCH" status --json jobs.txt.mpbatch | grep -q '"state": *"finished"' ||
		fail "$where: $("$MPBATCH" status jobs.txt.mpbatch)"
}

for n in $(seq "$ROUNDS"); do
	where="seed $SEED, round $n"
	round
done
