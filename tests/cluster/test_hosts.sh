#!/bin/bash
# mpirun over three hosts with two ranks each:
#   every task exactly once, on all hosts, each slot on cores of its own
#   one map of the binding
#   parameters arrive whole, and each host writes the files of its tasks
#   status and stored outputs, seen from another host, while it runs
#   the death of a rank takes every task of every host with it
#   a host dies; what is left runs on the others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cluster_enter hosts "$@"
need_mpbatch

run() {
    timeout --kill-after=10 60 on h1 mpirun -H h1:2,h2:2,h3:2 -n 6 mpbatch --run-dir run "$@"
}

step "a list over three hosts"
task_list 120 >jobs.txt
run --master-works jobs.txt >output || fail "mpirun returned $?"
check_run run output 120 h1 h2 h3
assert_clean 10

step "--show-binding"
rm -r run
run --master-works --show-binding jobs.txt >map || fail "mpirun returned $?"
for host in h1 h2 h3; do grep -qw $host map || fail "no $host in the map: $(<map)"; done
twice=$(grep -w 'h[1-3]' map | sort | uniq -d)
[[ -z $twice ]] || fail "more than one map: $(<map)"
assert_clean 10

step "a sweep: directory, input, variable, files"
for n in {1..6}; do echo "input $n" >"in $n.txt"; done
cat >show <<'END'
#!/bin/sh
cat; pwd; hostname >&2
printf '%s|' "$V" "$@"
END
cat >study <<'END'
mpbatch --master-works --run-dir study.run --sweep n=1..6 --sweep 'w=a b,$(x),`y`"z' --cwd 'd/{n}' \
    --stdin "$PWD/in {n}.txt" --env 'V=<{w}>' --stdout 'o {w}/{#}' --stderr '/tmp/study/{#}' -- "$PWD/show" '{w}' '{n}'
END
chmod 755 show
timeout --kill-after=10 60 on h1 mpirun -H h1:2,h2:2,h3:2 -n 6 sh study || fail "mpirun returned $?"
index=0
for n in {1..6}; do
    # shellcheck disable=SC2016 # it is data
    for w in 'a b' '$(x)' '`y`"z'; do
        file="d/$n/o $w/$((index += 1))"
        problems=$(diff <(printf 'input %s\n%s\n<%s>|%s|%s|' "$n" "$PWD/d/$n" "$w" "$w" "$n") "$file") ||
            fail "$file: $problems"
    done
done
problems=$(diff <(journal study.run/journal.1.tsv index host | sort -n) \
    <(for host in h1 h2 h3; do on $host 'cd /tmp/study 2>/dev/null && grep -H "" *' | tr : '\t'; done | sort -n)) ||
    fail "hosts by the journal (<) and by the files there (>): $problems"
for host in h1 h2 h3; do on $host rm -rf /tmp/study; done
assert_clean 10

step "status and output of another host's run"
for i in {1..12}; do echo "echo out $i; echo err $i >&2; test $i -le 6 || until test -e go; do sleep 0.05; done"; done >jobs.txt
rm -rf run
run -q --master-works --output store jobs.txt &
mpirun=$!
six_done_six_running() {
    on h3 mpbatch status run >seen 2>&1 || return 1
    grep -q ' 6 of 12 succeeded' seen && grep -q '^running   6 ' seen
}
wait_until 30 six_done_six_running || fail "status: $(<seen)"
grep -q '^run: running, session 1' seen || fail "status: $(<seen)"
problems=$(diff <(seq 6 | sed 's/^/out /') <(on h3 mpbatch output run | sort)) || fail "while it runs: $problems"
if on h3 mpbatch --run-dir run --resume jobs.txt >output 2>&1; then fail "two runs at a time"; fi
grep -q 'run is in use by process .* on h1' output || fail "$(<output)"
touch go
wait $mpirun || fail "mpirun returned $?"
problems=$(diff <(seq 12 | sed 's/^/err /') <(on h3 mpbatch output --stderr run)) || fail "afterwards: $problems"
[[ $(find run -name 'output.*' | wc -l) = 6 ]] || fail "not a file per slot: $(ls run)"
assert_clean 10

step "kill -9 of a rank"
rm -rf run
for _ in {1..12}; do echo "setsid sleep 7777 & sleep 7777"; done >jobs.txt
run --master-works jobs.txt >output 2>&1 &
mpirun=$!
wait_until 20 count_is 12 sleep 7777 || fail "tasks did not start: $(<output)"

# A rank is a child of its host's daemon; keeper and executors are not.
uts=$(readlink "/proc/$(<$shared/hosts/h2)/ns/uts")
rank=
for pid in $(pgrep --parent "$(pgrep --delimiter , --exact 'orted|prted')" --exact mpbatch); do
    if [[ $(readlink "/proc/$pid/ns/uts") = "$uts" ]]; then rank=$pid; fi
done
[[ -n $rank ]] || fail "no rank on h2: $(ps -e -o pid,ppid,args)"
kill -KILL "$rank"
wait_until 15 count_is 0 sleep 7777 || fail "tasks live on: $(ps -e -o pid,ppid,args)"
if wait $mpirun; then fail "mpirun returned 0"; fi
assert_clean 10

step "a host dies"
rm -rf run go
for i in {1..24}; do echo "test $i -le 18 || test -e go || sleep 7777; echo $i | tee -a ran"; done >jobs.txt
run -q --master-works --output store jobs.txt >output 2>&1 &
mpirun=$!
wait_until 20 count_is 6 sleep 7777 || fail "tasks did not start: $(<output)"
recorded() { [[ $(grep -c '[[:space:]]ok[[:space:]]' run/journal.1.tsv) = 18 ]]; }
wait_until 20 recorded || fail "journal: $(<run/journal.1.tsv)"
host_dies h2
wait_until 30 count_is 0 sleep 7777 || fail "tasks live on: $(ps -e -o pid,ppid,args)"
wait $mpirun || true
touch go
timeout --kill-after=10 60 on h1 mpirun -H h1:2,h3:2 -n 4 mpbatch -q --run-dir run --output store --resume jobs.txt ||
    fail "mpirun returned $?"
problems=$(diff <(seq 24) <(sort -n ran)) || fail "not everything just once: $problems"
problems=$(diff <(seq 24) <(on h3 mpbatch output run)) || fail "stored outputs: $problems"
assert_clean 10

step "done"
