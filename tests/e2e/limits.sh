#!/usr/bin/env bash
# runs: local mpi3 asan
# Few descriptors, many slots, no room for another process: it works, or one line names the limit.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# two_thousand_slots: all of them start, and each runs something.
slots=2000
case $MPBATCH in *asan*) slots=200 ;; esac # each executor's shadow memory takes its time
[ ${#LAUNCHER[@]} = 0 ] || slots=700
seq $((3 * slots)) | sed 's/.*/true/' >jobs.txt
run --restart -j $slots jobs.txt
expect_code 0
[ "$(column reason | sort | uniq -c | tr -s ' ')" = " $((3 * slots)) ok" ] || fail "not all of $slots slots' tasks succeeded"

# A soft limit of descriptors is raised to the hard one, and tasks keep it.
echo 'ulimit -Sn >soft; ulimit -Hn >hard' | (ulimit -Sn 64 && batch -j 100 && expect_code 0) || exit 1
[ "$(cat soft)" = 64 ] || fail "the task's soft limit is $(cat soft)"
[ "$(cat hard)" = "$(ulimit -Hn)" ] || fail "the task's hard limit is $(cat hard)"

# A hard one that does not suffice is named, before anything is there.
if [ ${#LAUNCHER[@]} = 0 ]; then
	rm -rf jobs.txt.mpbatch
	(ulimit -n 64 && refused '100 slots .* limit of 64 .* carries [1-9][0-9]* slots' -j 100 jobs.txt) || exit 1
	[ ! -e jobs.txt.mpbatch ] || fail "a refused run left its directory"
fi

# Nor does that of another rank, which says so itself, and all end.
if [ ${#LAUNCHER[@]} -gt 0 ]; then
	low=('sh' -c '[ "$OMPI_COMM_WORLD_RANK" != 1 ] || ulimit -n 64; exec "$@"' sh)
	timeout -k 5 120 "${LAUNCHER[@]}" "${low[@]}" "$MPBATCH" -j 100 jobs.txt >out 2>err </dev/null
	code=$?
	[ $code != 0 ] && [ $code != 124 ] || fail "a rank with few descriptors: exit code $code"
	grep -q 'limit of 64' err || fail "no word about a rank's limit"
fi

# No process can be made: the limit is named, the tasks wait for room, and all run once there is.
# RLIMIT_NPROC counts all processes of a user and spares root: this run has a user of its own.
if [ ${#LAUNCHER[@]} = 0 ] && [ "$(id -u)" = 0 ] && command -v setpriv prlimit >/dev/null; then
	user=$((60000 + RANDOM % 5000))
	mkdir -m 777 crowd crowd/ran && cd crowd || exit 1
	as_user() { setpriv --reuid $user --regid $user --clear-groups "$@"; }
	# run_directory_without_an_absolute_path: no journal could be kept, and that was not said.
	echo true >jobs.txt
	chmod 700 ..
	as_user "$MPBATCH" jobs.txt >../out 2>../err </dev/null
	[ $? = 2 ] && grep -q 'absolute path' ../err || fail "no word about a path that cannot be found"
	rm -rf jobs.txt.mpbatch
	chmod 755 ..
	executors() { pgrep -u $user '^mpbatch:[0-9]'; }
	# limit PROCESSES: what each executor's user may have
	limit() { for p in $(executors); do as_user prlimit --pid "$p" --nproc="$1:4000"; done; }
	for i in 1 2; do echo "touch begun.$i; until [ -e full ]; do :; done"; done >jobs.txt
	for i in $(seq 20); do echo "echo >>ran/$i"; done >>jobs.txt
	as_user "$MPBATCH" -j 2 jobs.txt >../out 2>../err </dev/null &
	pid=$!
	wait_for test -e begun.1 -a -e begun.2
	limit 1
	touch full
	wait_for grep -q 'no process can be made: this user may have 1 (ulimit -u)' ../err
	limit 4000
	code=0
	wait $pid || code=$?
	cd .. || exit 1
	expect_code 0
	[ "$(cat crowd/ran/* | wc -l)" = 20 ] || fail "the tasks ran $(cat crowd/ran/* | wc -l) times"
	[ "$(grep -c 'no process can be made' err)" = 1 ] || fail "more than one word about the limit"
fi
