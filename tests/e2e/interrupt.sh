#!/usr/bin/env bash
# runs: local mpi3 mpich asan
# An interrupt: nothing new starts, what runs is ended and recorded as cancelled, what ended stays as it
# was, and no process is left.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for signal in INT TERM; do
	rm -rf started.* jobs.txt.mpbatch
	{
		echo true
		for i in $(seq 10); do echo "touch started.$i; sleep 98765 & setsid sleep 98765"; done
	} >jobs.txt
	start -j 2 jobs.txt
	slots=2
	[ ${#LAUNCHER[@]} -gt 0 ] && slots=6
	all_started() { [ "$(find . -name 'started.*' | wc -l)" = $slots ]; }
	wait_for all_started
	kill -$signal $pid
	finish
	[ ${#LAUNCHER[@]} -gt 0 ] || expect_code 3
	[ "$(column reason | sort | uniq -c | tr -s ' \n' ' ')" = " $slots cancelled 1 ok " ] ||
		fail "$signal: the journal has $(column reason | sort | uniq -c | tr -s ' \n' ' ')"
	all_started || fail "$signal: something new was started"
	wait_for unmarked 'sleep 98765'
done

# A task that ignores TERM is killed after the grace; a second interrupt does not wait for that.
if [ ${#LAUNCHER[@]} = 0 ]; then
	echo "$HELPERS/ignoreterm 9876 & trap '' TERM; touch ignoring; wait; sleep 9876" >jobs.txt
	for times in 2 1; do
		rm -f ignoring
		start --restart jobs.txt
		wait_for test -e ignoring
		kill -INT $pid
		[ $times = 2 ] && wait_for grep -q interrupted err && kill -INT $pid
		finish
		expect_code 3
		expect_of 1 reason cancelled
		expect_of 1 signal 9
		wait_for unmarked 'ignoreterm 9876'
	done
fi

# Output that nobody reads: the second interrupt ends the run all the same, and what is not out has no record.
if [ ${#LAUNCHER[@]} = 0 ]; then
	mkfifo unread
	exec 8<>unread
	echo 'head -c 5000000 /dev/zero; touch printed' >jobs.txt
	for order in '' --keep-order; do
		rm -f printed
		"$MPBATCH" --restart $order jobs.txt >unread 2>err 8>&- &
		pid=$!
		wait_for test -e printed
		kill -INT $pid
		wait_for grep -q interrupted err
		kill -INT $pid
		finish
		expect_code 3
		[ -z "$(column index)" ] || fail "a task whose output nobody has read is recorded"
	done
	exec 8>&-
fi

# What comes behind the last task can take long, too: a late signal ends that.
if [ ${#LAUNCHER[@]} = 0 ]; then
	start --run-dir wide --where 'x<0' --sweep x=1..1000000 --sweep y=1..1000000 -- echo '{x}' '{y}'
	wait_for test -e wide/run.json
	signalled() {
		kill -INT $pid 2>/dev/null || return 0
		sleep 0.5
		return 1
	}
	wait_for signalled
	finish
	expect_code 3
fi

# Standard error that nobody reads holds up neither tasks nor the interrupt.
if [ ${#LAUNCHER[@]} = 0 ]; then
	mkfifo unread_errors
	exec 8<>unread_errors
	{
		for i in 1 2 3; do echo "head -c 100000 /dev/zero >&2; touch said.$i"; done
		echo 'touch last; sleep 98765'
	} >jobs.txt
	"$MPBATCH" -j 1 --restart --progress-interval 1 jobs.txt >out 2>unread_errors 8>&- &
	pid=$!
	wait_for test -e last
	sleep 2
	kill -INT $pid
	wait_for unmarked 'sleep 98765'
	kill -INT $pid
	timeout 60 cat <&8 >err & # the closing lines have a reader
	reader=$!
	finish
	kill $reader
	expect_code 3
	exec 8>&-
fi
