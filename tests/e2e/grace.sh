#!/usr/bin/env bash
# runs: local mpi3 mpich asan
# A task's time to end is its whole tree's: with a timeout or an interrupt every process of it hears TERM,
# once, and has the rest of the time to save its work, however it was started and whoever dies first.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# ways MS: tasks that run saver, which needs MS to save, in one way each; the file is sN.
ways() {
	local saver=$HELPERS/saver
	cat <<LINES
$saver s1 $1
cd . && $saver s2 $1
$saver s3 $1 | cat
$saver s4 $1 >from4
sh -c '$saver s5 $1; :'; :
setsid $saver s6 $1; :
setsid sh -c '$saver s7 $1 & exec sleep 98764'; :
(setsid $saver s8 $1 &); sleep 98764
LINES
}

all_ready() { [ "$(cat s[1-8] 2>/dev/null | grep -c ready)" = 8 ]; }

expect_saved() {
	for i in 1 2 3 4 5 6 7 8; do
		[ "$(tr '\n' ' ' <s$i)" = "ready term saved " ] || fail "$1, way $i: $(tr '\n' ' ' <s$i)"
	done
	wait_for unmarked 'sleep 98764'
}

# With a time limit, under mpirun too. It must be long enough for all to be ready on a busy machine.
limit=1
for _ in 1 2 3 4; do
	rm -rf s? jobs.txt.mpbatch
	ways 700 >jobs.txt
	run -j 8 --timeout $limit jobs.txt
	all_ready && break
	limit=$((limit * 3))
done
expect_code 1
expect_saved "--timeout"
[ "$(column reason | sort | uniq -c | tr -s ' \n' ' ')" = " 8 timeout " ] || fail "not all are timeouts"

# With an interrupt. Launchers leave a rank little time: there it is enough that all hear of it.
expect_told() {
	for i in 1 2 3 4 5 6 7 8; do
		[[ $(tr '\n' ' ' <s$i) =~ ^'ready term '(saved )?$ ]] || fail "$1, way $i: $(tr '\n' ' ' <s$i)"
	done
	wait_for unmarked 'sleep 98764'
}
ms=700 expect=expect_saved
[ ${#LAUNCHER[@]} -gt 0 ] && ms=0 expect=expect_told
for signal in INT TERM; do
	rm -rf s? jobs.txt.mpbatch
	ways $ms >jobs.txt
	start -j 8 jobs.txt
	wait_for all_ready
	kill -$signal $pid
	finish
	expect_stopped
	$expect $signal
done

# A second interrupt does not wait, nor does one that comes while a task ends of its time limit.
if [ ${#LAUNCHER[@]} = 0 ]; then
	rm -rf s? jobs.txt.mpbatch
	echo "cd . && $HELPERS/saver s1 60000" >jobs.txt
	start jobs.txt
	wait_for grep -qs ready s1
	kill -INT $pid
	wait_for grep -q term s1
	kill -INT $pid
	finish
	expect_code 3
	[ "$(tr '\n' ' ' <s1)" = "ready term " ] || fail "INT twice: $(tr '\n' ' ' <s1)"
fi

# What a task leaves has a moment after TERM, which comes once, too; a shell's trap can work meanwhile.
rm -rf s? jobs.txt.mpbatch
batch <<LINES
setsid $HELPERS/saver s1 0 & while ! grep -qs ready s1; do sleep 0.01; done
LINES
expect_code 0
[ "$(tr '\n' ' ' <s1)" = "ready term saved " ] || fail "a stray: $(tr '\n' ' ' <s1)"
batch --timeout 1 <<'LINES'
trap 'sh -c "sleep 0.4; echo trapped >t1"; exit 0' TERM; while :; do sleep 0.05; done
LINES
expect_code 1
grep -qx trapped t1 || fail "the helper of a trap is ended"
