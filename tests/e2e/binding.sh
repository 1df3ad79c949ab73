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
	[ "$want" = "$mask" ] || fail "slot $slot has $mask, the map $want"
	[ -n "$(paste <(column slot) <(column cores) | grep -Fx "$(printf '%s\t%s' "$slot" "$mask")")" ] ||
		fail "the journal has another mask for slot $slot"
done <seen
if [ "$slots" -le "$cores" ]; then
	[ "$(awk '{ print $1 }' seen | sort | uniq -d)" = '' ] || fail "two slots share a core"
else
	grep -q 'warning: too few cores' err || fail "no warning that there are more slots than cores"
fi

# Not bound: wherever the launcher has put its rank, a task may run on every usable core. The same where
# there are more slots than cores.
anywhere() {
	expect_code 0
	paste - - - <out | awk '{ print $1 }' | sort -u | diff - <("$HELPERS/printcpus") >/dev/null ||
		fail "$1: tasks may run on CPUs $(paste - - - <out | sort -u | head -3 | tr '\t\n' ' ;') not on $("$HELPERS/printcpus")"
	[ "$(column cores | sort -u)" = "$("$HELPERS/printcpus")" ] || fail "$1: the journal has other cores"
}
run --restart --bind none jobs.txt
anywhere "--bind none"
run --restart -j $((cores + 1)) jobs.txt
anywhere "more slots than cores"
[ "$(grep -c 'warning: too few cores' err)" = 1 ] || fail "more slots than cores: not one warning"
run --show-binding -j $((cores + 1))
[ "$(tail -n +2 out | cut -f 4 | sort -u)" = "$("$HELPERS/printcpus")" ] || fail "more slots than cores: another map"
# A user's own taskset is respected where no launcher is.
if [ ${#LAUNCHER[@]} = 0 ]; then
	taskset -c 0 "$MPBATCH" --show-binding >out
	[ "$(cut -f 4 out | tail -n +2)" = 0 ] || fail "taskset is not respected"
	taskset -c 0 "$MPBATCH" -j 3 --bind none --show-binding >out
	[ "$(cut -f 4 out | tail -n +2 | sort -u)" = 0 ] || fail "taskset is not respected where nothing is bound"
	# In a batch job without a launcher, what the job was given is all there is.
	if [ "$cores" -gt 1 ]; then
		SLURM_CPUS_ON_NODE=1 run --restart jobs.txt
		expect_code 0
		[ "$(column cores | sort -u)" = 0 ] || fail "SLURM_CPUS_ON_NODE=1: tasks on $(column cores | sort -u)"
		[ "$(grep -c "$((cores - 1)) of $cores cores of .* left alone" err)" = 1 ] || fail "cores are left out in silence"
	fi
fi
