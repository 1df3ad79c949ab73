#!/usr/bin/env bash
# runs: local mpi3
# What a task sets on its standard output and error, O_NONBLOCK above all, is not the next task's: that one
# would lose what the pipe has no room for.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

{
	echo "python3 -c 'import os; os.set_blocking(1, False); os.set_blocking(2, False)'"
	echo 'head -c 5000000 /dev/zero; head -c 2000000 /dev/zero >&2'
} >jobs.txt
[ ${#LAUNCHER[@]} = 0 ] || LAUNCHER=("${LAUNCHER[@]:0:${#LAUNCHER[@]}-1}" 2) # one slot for both tasks
for mode in group line store files; do
	paths=()
	[ $mode != files ] || paths=(--stdout 'o.{#}' --stderr 'e.{#}')
	run -j 1 --restart --output $mode "${paths[@]}" jobs.txt
	[ "$code" = 0 ] || fail "$mode: exit code $code"
	[ "$(of 2 stdout) $(of 2 stderr)" = "5000000 2000000" ] ||
		fail "$mode: $(of 2 stdout) and $(of 2 stderr) bytes of 5000000 and 2000000"
done
