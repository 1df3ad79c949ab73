#!/usr/bin/env bash
# runs: local mpi3 asan
# --output line, none, files and store; --keep-order, --tag, --output-file.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- in the order of the tasks, though the first ends last, and large ones are among them ---
for i in $(seq 30); do echo "sleep 0.$(((30 - i) / 10)); seq -f '$i %g' $((i % 3 ? 5 : 20000)); echo err $i >&2"; done | batch -q -k -j 4
expect_code 0
for i in $(seq 30); do seq -f "$i %g" $((i % 3 ? 5 : 20000)); done | cmp - out || fail "outputs are not in order"
seq -f 'err %g' 30 | cmp - err || fail "standard errors are not in order"

# --- tags, and an unfinished last line ---
run -q -k --tag -- 'printf "one\ntwo {}"' ::: a b
expect_code 0
printf 'a\tone\na\ttwo a\nb\tone\nb\ttwo b\n' | cmp - out || fail "--tag"
run -q -k --tagstring 'task {#}' -- 'echo {}' ::: a b
printf 'task 1\ta\ntask 2\tb\n' | cmp - out || fail "--tagstring"
run -q --tag -- 'echo hi; : {}' ::: $'a\nb\r'
[ "$(cat out)" = 'a\nb\r'$'\thi' ] || fail "the end of a line in a tag: $(cat out)"

# --- lines as they come: the second task's line is out while the first one, which began before, still runs ---
cat >jobs.txt <<LINES
echo first; while ! test -e go; do sleep 0.01; done; printf 'unfinished'
sleep 0.2; echo second >&2; echo second
LINES
start --restart -q -j 2 --output line --tag jobs.txt
wait_for grep -q first out
wait_for grep -q second out
touch go
finish
expect_code 0
[ "$(wc -l <out)" = 3 ] || fail "--output line: $(cat out)"
grep -q 'unfinished$' out || fail "an unfinished last line is lost"
# Many lines of many tasks: none is torn, none is lost; a slow reader loses nothing.
for i in $(seq 8); do echo "i=0; while [ \$i -lt 3000 ]; do echo $i \$i; i=\$((i+1)); [ \$((i % 1000)) != 0 ] || sleep 0.06; done"; done >jobs.txt
"${LAUNCHER[@]}" "$MPBATCH" --restart -q -j 4 --output line jobs.txt 2>err </dev/null | (sleep 0.5; cat) >out
[ "$(sort -u out | wc -l)" = 24000 ] && [ "$(wc -l <out)" = 24000 ] || fail "--output line: $(wc -l <out) lines"
! grep -vqE '^[1-8] [0-9]{1,4}$' out || fail "--output line tears lines"

# --- none ---
echo 'echo lost; echo last words >&2; exit 3' | batch --output none
expect_code 1
[ ! -s out ] || fail "--output none prints"
grep -q 'last words' err || fail "the summary of a failure has no last line"
expect_of 1 stdout 5

# --- files ---
cat >jobs.txt <<LINES
echo out 1; echo err 1 >&2
echo out 2; exit 1
true
LINES
run --restart -q --stdout 'o/{#}/out' --stderr 'o/{#}/err' --remove-empty jobs.txt
expect_code 1
[ "$(cat o/1/out o/1/err o/2/out)" = $'out 1\nerr 1\nout 2' ] || fail "--stdout, --stderr"
[ ! -e o/2/err ] && [ ! -e o/3/out ] || fail "--remove-empty"
[ ! -s out ] || fail "--output files prints"
run --restart -q --stdout 'k/{#}' --keep-output failed jobs.txt
[ ! -e k/1 ] && [ -e k/2 ] || fail "--keep-output failed"
run --restart -q --stdout 'm/{#}' --stderr 'm/{#}' -- ': {}; for i in 1 2 3; do echo o$i; echo e$i >&2; done; echo again >/dev/stderr' ::: x
[ "$(xargs <m/1)" = 'o1 e1 o2 e2 o3 e3 again' ] || fail "both into one file: $(xargs <m/1)"
run -q --cwd 'c/{}' --stdout out.txt -- 'echo {}' ::: 1 2
[ "$(cat c/1/out.txt c/2/out.txt)" = $'1\n2' ] || fail "--stdout below --cwd"
run -q --stdout /dev/null --stderr 'n/{}' -- 'echo lost; echo kept {} >&2' ::: 1 2
[ "$(cat n/1 n/2)" = $'kept 1\nkept 2' ] || fail "--stdout /dev/null of several tasks"
refused 'same output file' --stdout 'same' -- 'echo {}' ::: 1 2
refused 'same output file' --cwd 'c/{}' --stdout ../same -- 'echo {}' ::: 1 2
refused 'same output file' --cwd 'c/{1}' --stdout '{2}' -- 'echo {1}' ::: 1 2 :::+ x "$PWD/c/1/../1/x"
refused 'same output file' --stdout '{#}' --stderr '{#}1' -- echo ::: {1..20}
refused 'error of task 1 have the same' --stdout '{#}' --stderr './{#}' -- echo ::: 1 2
mkfifo fifo
echo 1 >fifo &
refused '{#}' -a fifo --stdout 'f{}' -- echo
refused 'output files' --output files -- echo ::: 1
echo x >file
run -q --stdout 'file/{#}' -- echo ::: 1
expect_code 1

# --- store ---
for i in $(seq 50); do echo "seq -f '$i %g' $((i % 10 ? 3 : 30000)); echo err $i >&2; exit $((i == 7))"; done >jobs.txt
run --restart -q -j 2 --output store jobs.txt
expect_code 1
[ ! -s out ] || fail "--output store prints"
[ "$(find jobs.txt.mpbatch -name 'output.*' | wc -l)" -le 8 ] || fail "the store has many files"
[ "$("$MPBATCH" output jobs.txt 17)" = $'17 1\n17 2\n17 3' ] || fail "mpbatch output RUN 17"
[ "$("$MPBATCH" output jobs.txt.mpbatch 20 | wc -l)" = 30000 ] || fail "mpbatch output RUN 20"
[ "$("$MPBATCH" output jobs.txt --stderr 17)" = 'err 17' ] || fail "mpbatch output --stderr"
[ "$("$MPBATCH" output jobs.txt --failed --stderr)" = 'err 7' ] || fail "mpbatch output --failed"
"$MPBATCH" output jobs.txt --grep '^1[12] 2$' | sort | cmp - <(printf '11:2:11 2\n12:2:12 2\n') || fail "mpbatch output --grep"
"$MPBATCH" output jobs.txt --export exported
[ "$(cat exported/3.out exported/3.err)" = $'3 1\n3 2\n3 3\nerr 3' ] || fail "mpbatch output --export"
"$MPBATCH" output jobs.txt --export exported 2>err && fail "mpbatch output --export over files that are there"
[ "$(wc -l <err)" = 11 ] && grep -q '^mpbatch: error: 100 outputs' err || fail "mpbatch output --export: $(wc -l <err) lines of error"
refused 'run-dir' --output store --no-run-dir -- echo ::: 1

# --- into a file, past the launcher ---
for i in $(seq 20); do echo "$HELPERS/blob 1000000"; done >jobs.txt
run --restart -q --output-file all.out jobs.txt
expect_code 0
[ ! -s out ] && [ "$(wc -c <all.out)" = 20000000 ] || fail "--output-file has $(wc -c <all.out) bytes"

refused 'go with --output files' --output store --stdout x jobs.txt
refused 'keep-order' -k --output line jobs.txt
refused 'group, line, none, files or store' --output fast jobs.txt
