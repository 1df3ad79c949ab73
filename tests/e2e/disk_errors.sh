#!/usr/bin/env bash
# runs: local mpi3
# A disk that fails while a run goes on or as it begins (the n-th call on a file, by the helper disk.so): a journal
# that cannot be written or synced stops the run with exit code 4, nothing more is started, what ran is
# reported; short writes cut nothing; a run that cannot begin says what could not be made, and leaves nothing.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# failing CALL NAME FROM TO ERRNO COMMAND...
failing() {
	local plan="$1 $2 $3 $4 $5"
	shift 5
	export DISK_FAIL="$plan" LD_PRELOAD="$HELPERS/disk.so"
	"$@"
	unset DISK_FAIL LD_PRELOAD
}

# Ten tasks, some of which wait: what began is in ran/, what may end is in go.
for i in $(seq 10); do
	echo "echo >ran/$i; until test -e go; do sleep 0.05; done; echo $i"
done >waiting.txt
sed -i '1,2s/until.*done; //' waiting.txt

says_so() {
	grep -q "journal.1.tsv: cannot write the journal: $1: no further task is started" err
}

stops() { # CALL FIRST ERRNO TEXT
	rm -rf ran go waiting.txt.mpbatch
	mkdir ran
	failing "$1" journal.1.tsv "$2" 99 "$3" start -j 2 waiting.txt
	wait_for says_so "$4"
	began=$(ls ran | wc -l)
	touch go
	finish
	expect_code 4
	[ "$(ls ran | wc -l)" = "$began" ] || fail "$*: $began tasks had begun when the journal failed, then $(echo ran/*)"
	[ "$(sort -n out | xargs)" = "$(ls ran | sort -n | xargs)" ] || fail "$*: what ran has no output"
	grep -q "$began of 10.*succeeded\|$began succeeded" err || fail "$*: what ran is not reported"
	run -q --resume waiting.txt
	expect_code 0
	[ "$(ls ran | wc -l)" = 10 ] || fail "$*: the resume ran $(echo ran/*)"
}

# The first write and sync are of the head, before anything runs.
stops write 2 28 'No space left on device'
stops sync 2 5 'Input/output error'
stops sync 2 122 'Disk quota exceeded'
stops write 2 30 'Read-only file system'

# --- short writes ---
for i in $(seq 30); do echo "echo $i"; done >jobs.txt
failing write journal.1.tsv 2 9 0 run -q --output store jobs.txt
expect_code 0
[ "$(column reason | grep -c '^ok$')" = 30 ] || fail "short writes cut the journal"
failing write 1.0.1 1 9 0 run -q --restart -j 1 --output store jobs.txt
expect_code 0
[ ${#LAUNCHER[@]} -gt 0 ] || [ "$("$MPBATCH" output jobs.txt | sort -n | xargs)" = "$(seq 30 | xargs)" ] || fail "short writes cut outputs"

# --- what cannot begin ---
for name in journal.1.tsv run.json.new; do
	for what in 'open 1 28' 'write 1 5' 'sync 1 122' 'open 1 30'; do
		read -r call first error <<<"$what"
		rm -rf jobs.txt.mpbatch*
		failing "$call" "$name" "$first" 99 "$error" run jobs.txt
		expect_code 2
		[ "$(grep -c 'mpbatch: error: ' err)" = 1 ] || fail "$name, $what: not one line of error"
		grep -q "jobs.txt.mpbatch" err || fail "$name, $what: does not say what cannot be made"
		[ ! -e jobs.txt.mpbatch ] || fail "$name, $what: leaves $(echo jobs.txt.mpbatch/*)"
	done
done

# --- snapshots and lists are no reason to stop ---
for name in status.json.new failed.txt.new status.json; do
	for call in open write sync rename; do
		rm -rf jobs.txt.mpbatch*
		failing $call $name 1 99 28 run jobs.txt
		expect_code 0
	done
done
echo false >jobs.txt
failing write failed.txt.new 1 99 122 run --restart jobs.txt
expect_code 1
grep -q 'failed.txt: cannot be written' err || fail "no word about failed.txt"
[ ! -e jobs.txt.mpbatch/failed.txt.new ] || fail "half a failed.txt stays"
