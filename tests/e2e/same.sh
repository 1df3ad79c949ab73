#!/usr/bin/env bash
# runs: local mpi3 asan
# Random lists with directives, and templates over random bytes: the list of --dry-run does the same, and
# failed.txt the same as those tasks that failed. SEED and ROUNDS can be given.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
seed=${SEED:-$RANDOM}
rounds=8
[ ${#LAUNCHER[@]} = 0 ] || rounds=2
rounds=${ROUNDS:-$rounds}
echo "seed $seed"

cat >make.py <<'PYTHON'
import os, random, sys

r = random.Random(int(sys.argv[1]))
special = [bytes([c]) for c in b"'\"\\$`\n\r \t#%-*{}~!;&|<>()=,\x81\xff"]


def value(without=b""):
    text = b"".join(r.choice(special) if r.random() < 0.7 else bytes([r.randrange(1, 256)]) for _ in range(r.randrange(8)))
    return text.translate(None, without)


def quoted(text):
    return b"'" + text.replace(b"'", b"'\\''") + b"'"


show = quoted(os.environ["HELPERS"].encode() + b"/argv") + b" "


def word(text):
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def setting():
    name = r.choice([b"A", b"B", b"C"])
    return r.choice([
        lambda: b"cwd=" + word(b"d" + value(b"/")),
        lambda: b"cwd=",
        lambda: b"stdin=" + word(os.getcwd().encode() + b"/" + r.choice([b"in 1", b"in\n2"])),
        lambda: b"stdin=",
        lambda: b"env:Z_" + name + b"=" + word(value()),
        lambda: b"-env:Z_" + name,
        lambda: b"prefix=" + r.choice([b"env", b'"Z_P=1 env"', b""]),
        lambda: b"suffix=" + r.choice([b"'; echo \"behind\"'", b""]),
        lambda: b"timeout=" + r.choice([b"10m", b"1.5h", b""]),
        lambda: b"reset",
        lambda: b"barrier",
    ])()


def command():
    words = b" ".join(quoted(value(b"\n")) for _ in range(r.randrange(4)))
    ending = r.choice([b"", b"", b" # comment", b"; pwd; env | grep -a ^Z_ | sort; cat; false"])
    return r.choice([b"", b" \t"]) + show + words + ending


for name in (b"in 1", b"in\n2"):
    with open(name, "wb") as file:
        file.write(value() + b"\n")
with open("list.txt", "wb") as file:
    for _ in range(12):
        line = command() if r.random() < 0.6 else b"#MPBATCH " + b" ".join(setting() for _ in range(r.randrange(1, 4)))
        file.write(line + r.choice([b"\n", b"\r\n"]))
with open("values.csv", "wb") as file:
    file.write(b"a,b\n")
    for _ in range(6):
        file.write(b",".join(b'"' + value().replace(b'"', b'""') + b'"' for _ in range(2)) + b"\n")
PYTHON

# known RUN COLUMN [REASON]: what its tasks are known by, but those whose command was written anew, for its newlines.
known() {
	awk -F '\t' -v column="$2" -v reason="${3:-}" 'NR == 2 { for (i = 1; i <= NF; i++) c[$i] = i }
		NR > 2 && (reason == "" || $c["reason"] != "ok") && $c["command"] !~ /\\n|^eval/ { print $c[column] }' \
		"$1/journal.1.tsv" | LC_ALL=C sort
}

# same ARG...: compares.
same() {
	local by=id # where a template has the number, its place is in the identity, not the number
	[[ $* != *'#}'* ]] || by="command"
	rm -rf first second third
	run --dry-run "$@"
	expect_code 0
	mv out dry.txt
	run -q -k --run-dir first "$@"
	local first=$code
	mv out expected
	run -q -k --run-dir second dry.txt
	[ "$code" = "$first" ] || [ ${#LAUNCHER[@]} -gt 0 ] || fail "seed $seed, $*: exit codes $first and $code"
	cmp -s out expected || fail "seed $seed, $*: the dry run's list does something else"
	[ "$(known first $by)" = "$(known second $by)" ] || fail "seed $seed, $*: tasks are known by something else"
	if [ -e first/failed.txt ]; then
		run -q --run-dir third first/failed.txt
		[ "$(known first $by failed)" = "$(known third $by)" ] || fail "seed $seed, $*: failed.txt has other tasks"
		[ "$(known third $by failed)" = "$(known third $by)" ] || fail "seed $seed, $*: failed.txt does something else"
	fi
}

for ((round = 0; round < rounds; round++, seed++)); do
	python3 make.py "$seed" || fail "make.py"
	same list.txt
	same --csv --header -a values.csv --cwd 'd/{#}' --env 'Z_V={b}' --stdin "$WORK/in 1" --timeout 100.5 \
		-- "'$HELPERS/argv' {a} x{0#}y \"{b}\"; pwd; env | grep -a ^Z_; cat; test {#} -lt 4"
	same --array 1-9:2 --env 'Z_N={#}' -- "$HELPERS/argv {} \$SLURM_ARRAY_TASK_ID {#}"
done
