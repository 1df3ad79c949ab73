#!/usr/bin/env bash
# runs: local mpi mpich asan
# No two slots of a host share a core while cores suffice; the journal has the mask that was read back.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

cores=$(nproc)
slots_of() { awk -F '\t' 'NR > 1' out | wc -l; }
for _ in $(seq 30); do echo "$HELPERS/printcpus; echo \$MPBATCH_CPUS; echo \$MPBATCH_SLOT; sleep 0.01"; done >jobs.txt
run --show-binding
expect_code 0
[ "$(head -1 out)" = "$(printf 'host\trank\tslot\tcores\tnuma')" ] || fail "no map"
slots=$(slots_of)
[ "$(cut -f 3 out | sort | uniq -d)" = '' ] || fail "a slot's number is not the host's own"
cp out map
run --restart jobs.txt
expect_code 0
paste - - - <out | sort -u >seen
while read -r mask variable slot; do
	[ "$mask" = "$variable" ] || fail "MPBATCH_CPUS is $variable, the mask $mask"
	want=$(awk -F '\t' -v s="$slot" '$3 == s { print $4 }' map)
	[ "$want" = "-" ] || [ "$want" = "$mask" ] || fail "slot $slot has $mask, the map $want"
	[ -n "$(paste <(column slot) <(column cores) | grep -Fx "$(printf '%s\t%s' "$slot" "$mask")")" ] ||
		fail "the journal has another mask for slot $slot"
done <seen
if [ "$slots" -le "$cores" ]; then
	[ "$(awk '{ print $1 }' seen | sort | uniq -d)" = '' ] || fail "two slots share a core"
else
	grep -q 'slots on' err || fail "no warning that there are more slots than cores"
fi

# Not bound; more slots than cores.
run --restart --bind none jobs.txt
expect_code 0
paste - - - <out | awk '{ print $1 }' | sort -u | diff - <($HELPERS/printcpus) >/dev/null ||
	[ ${#LAUNCHER[@]} -gt 0 ] || fail "--bind none binds"
run --restart -j $((cores + 1)) jobs.txt
expect_code 0
[ "$(grep -c 'not bound' err)" = 1 ] || fail "more slots than cores: not one warning"
# A user's own taskset is respected where no launcher is.
if [ ${#LAUNCHER[@]} = 0 ]; then
	taskset -c 0 "$MPBATCH" --show-binding >out
	[ "$(cut -f 4 out | tail -n +2)" = 0 ] || fail "taskset is not respected"
fi
