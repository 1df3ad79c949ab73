#!/usr/bin/env bash
# runs: local asan
# A journal that cannot be written stops the run with exit code 4; a standard output that is closed or
# full stops it too; a spool without room slows tasks down and loses nothing.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- a limit on the size of files (ulimit -f) is a full disk, not the end of mpbatch ---
echo 'head -c 300000 /dev/zero' >jobs.txt
(
	ulimit -f 100
	run --output-file limited jobs.txt
	[ ${#LAUNCHER[@]} -gt 0 ] || expect_code 4
	grep -q 'File too large' err || fail "no word about a limit on the size of files"
) || exit 1
rm -rf jobs.txt*

# `head` closes our standard output: the run stops, and can be resumed.
for i in $(seq 200); do echo "seq 2000"; done >jobs.txt
code=0
timeout -k 5 60 bash -c '"$1" --restart jobs.txt 2>err | head -1 >out; exit "${PIPESTATUS[0]}"' - "$MPBATCH" || code=$?
expect_code 3
grep -q 'standard output' err || fail "no word about the closed standard output"
[ "$(column reason | grep -c ok)" -lt 200 ] || fail "outputs that nobody took are recorded as successes"
timeout -k 5 60 "$MPBATCH" --restart jobs.txt >/dev/full 2>err && fail "a full standard output is no failure"
grep -q 'standard output' err || fail "no word about the full standard output"

[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "a small file system needs root"
mkdir -p small
cat >inside <<'IN'
mount -t tmpfs -o size=100k tmpfs small || exit 77
code=0
"$MPBATCH" --run-dir small/run jobs.txt >out 2>err || code=$?
cp small/run/journal.1.tsv . 2>/dev/null
exit $code
IN
long=$(head -c 3000 /dev/zero | tr '\0' y)
for i in $(seq 2000); do echo ": $i $long"; done >jobs.txt
code=0
MPBATCH=$MPBATCH timeout -k 5 60 unshare -m sh inside || code=$?
[ $code = 77 ] && skip "no tmpfs can be mounted"
expect_code 4
grep -q 'journal' err || fail "no word about the journal that cannot be written"

cat >inside <<'IN'
mount -t tmpfs -o size=100k tmpfs small || exit 77
exec "$MPBATCH" --restart --tmpdir small jobs.txt >out 2>err
IN
echo "$HELPERS/blob 3000000" >jobs.txt
code=0
MPBATCH=$MPBATCH timeout -k 5 60 unshare -m sh inside || code=$?
expect_code 0
[ "$(wc -c <out)" = 3000000 ] || fail "without room for the spool $(wc -c <out) bytes arrived"

# A store or files without room: the tasks fail, nothing is cut short and called a success, and with room again
# a resume makes them whole.
cat >inside <<'IN'
mount -t tmpfs -o size=300k tmpfs small || exit 77
"$MPBATCH" -q --restart --output store --run-dir small/run jobs.txt >out 2>err
echo $? >code
cp small/run/journal.1.tsv .
mount -o remount,size=20m small
"$MPBATCH" -q --resume --output store --run-dir small/run jobs.txt >out 2>>err || exit 9
"$MPBATCH" output small/run 1 | cksum >stored
rm -rf small/*
mount -o remount,size=300k small
"$MPBATCH" -q --run-dir files.run --stdout small/{#} -- "$HELPERS/blob {}" ::: 3000000 >out 2>>err
[ $? = 1 ] || exit 8
cp files.run/journal.1.tsv files.tsv
IN
printf '%s\necho small\n' "$HELPERS/blob 3000000" >jobs.txt
code=0
MPBATCH=$MPBATCH HELPERS=$HELPERS timeout -k 5 60 unshare -m bash inside || code=$?
expect_code 0
[ "$(cat code)" = 1 ] || fail "a store without room: exit code $(cat code)"
[ "$(column reason journal.1.tsv | sort | xargs)" = 'ok output' ] || fail "a store without room: $(column reason journal.1.tsv | xargs)"
[ "$(column reason files.tsv)" = output ] || fail "files without room: $(column reason files.tsv)"
"$HELPERS/blob" 3000000 | cksum | cmp - stored || fail "a stored output is not whole after the resume"

# A disk that stays full ends the run, and with room again a resume does what is left.
cat >inside <<'IN'
mount -t tmpfs -o size=300k tmpfs small || exit 77
"$MPBATCH" -q -j 2 --run-dir full.run --stdout 'small/{#}' -- "$HELPERS/blob 2000{}" ::: {10..59} >out 2>err
echo $? >code
mount -o remount,size=30m small
exec "$MPBATCH" -q --resume --run-dir full.run --stdout 'small/{#}' -- "$HELPERS/blob 2000{}" ::: {10..59} >out 2>>err
IN
code=0
MPBATCH=$MPBATCH HELPERS=$HELPERS timeout -k 5 60 unshare -m bash inside || code=$?
expect_code 0
[ "$(cat code)" = 4 ] || fail "a disk that stays full: exit code $(cat code)"
grep -q 'outputs of 1[0-9] tasks in a row' err || fail "no word about a disk that stays full"
[ "$(wc -l <full.run/journal.1.tsv)" -lt 20 ] || fail "the run went on with a full disk"

# Ten outputs that a disk does not take end nothing where it takes others between them, though these are empty.
cat >inside <<'IN'
mount -t tmpfs -o ro tmpfs small || exit 77
exec "$MPBATCH" -q --restart mixed.txt >out 2>err
IN
for i in $(seq 200); do echo "#MPBATCH stdout=$( ((i % 10)) && echo fine || echo small)/$i"$'\n'": $i"; done >mixed.txt
code=0
MPBATCH=$MPBATCH timeout -k 5 60 unshare -m sh inside || code=$?
expect_code 1
[ "$(column reason mixed.txt.mpbatch/journal.1.tsv | grep -c ok)" = 180 ] || fail "a disk that takes nothing ended what another takes"

# Without room for what waits for its turn the task fails, the run is stopped, and what waits already appears.
cat >inside <<'IN'
mount -t tmpfs -o size=300k tmpfs small || exit 77
exec "$MPBATCH" -q --restart -k -j 2 --tmpdir small jobs.txt >out 2>err
IN
printf '%s\n' 'while ! grep -q turn err; do sleep 0.05; done; echo first' 'echo second' \
	"while ! grep -q second jobs.txt.mpbatch/journal.1.tsv; do sleep 0.05; done; $HELPERS/blob 3000000" >jobs.txt
code=0
MPBATCH=$MPBATCH timeout -k 5 60 unshare -m sh inside || code=$?
expect_code 4
[ "$(xargs <out)" = 'first second' ] || fail "without room for what waits: $(head -c 100 out)"
[ "$(of 1 reason) $(of 2 reason) $(of 3 reason)" = 'ok ok output' ] ||
	fail "without room for what waits: $(column reason | xargs)"
