#!/usr/bin/env bash
# runs: local mpi3 asan
# Whatever file a task names: it holds up nobody else, and a time limit and an interrupt end the task.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# A named pipe as input waits for its writer.
mkfifo pipe
echo 'cat; echo end' | batch --timeout 0.2 --stdin pipe
expect_code 1
expect_of 1 reason timeout
rm -rf jobs.txt.mpbatch
start --stdin pipe jobs.txt
echo fed >pipe
finish
expect_code 0
[ "$(tr '\n' ' ' <out)" = "fed end " ] || fail "from a pipe: $(cat out)"
rm -rf jobs.txt.mpbatch
start --stdin pipe jobs.txt
wait_for marked '^sh -c exec .* pipe'
kill -INT $pid
finish
expect_stopped
expect_of 1 reason cancelled

# A stream of the process that opens it means something else to each process.
for path in /dev/stdout /dev/stderr //dev/./fd/1 /proc/self/fd/2 /proc/thread-self/fd/1 /dev/tty; do
	refused 'not a stream' --restart --stderr $path jobs.txt
	refused 'not a stream' --restart --stdout $path jobs.txt
	refused 'not a stream' --restart --stdin $path jobs.txt
	printf '#MPBATCH stdout=%s\ntrue\n' $path >list
	refused 'not a stream' --restart list
done
refused 'not a stream' --restart --stdin /dev/stdin jobs.txt
ln -s /dev/stderr link.1
printf 'touch ran; echo x >&2\necho y >&2\n' | batch --stdout '{#}.out' --stderr 'link.{#}'
expect_code 1
expect_of 1 reason output
expect_of 2 reason ok
[ ! -e ran ] && [ "$(cat link.2)" = y ] || fail "a link to a stream"

# Files that no task can open: the run does not go on to the end of the list. One that can is enough to do so.
echo >a-file
for i in $(seq 3000); do echo "echo $i >ran.out"; done | batch -j 2 --stdout 'a-file/{#}'
expect_code 4
grep -q 'could open its output file' err || fail "no word about output files that cannot be opened"
[ "$(column reason | sort -u)" = output ] || fail "reasons: $(column reason | sort | uniq -c | xargs)"
[ "$(column reason | wc -l)" -lt 3000 ] || fail "the whole list is through"
[ ! -e ran.out ] || fail "a task without output file ran"
{
	echo '#MPBATCH stdout=good'
	echo true
	echo '#MPBATCH stdout= barrier'
	for _ in $(seq 20); do echo true; done
} | batch --stdout 'a-file/{#}'
expect_code 1
[ "$(column reason | sort | uniq -c | xargs)" = '1 ok 20 output' ] || fail "$(column reason | sort | uniq -c | xargs)"
