#!/usr/bin/env bash
# runs: local mpi mpich asan
# A line that only bash understands is run by bash, whatever sh is; --shell and shell= decide otherwise.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

echo 'FOO=sourced' >env.inc
greet() { echo "hello $1"; }
export -f greet
cat >lines <<'LINES'
sh -c 'echo out; echo err >&2' &> both
[[ abc == a* ]] && echo matched
echo n{1..3}
source env.inc; echo "$FOO"
cat <(echo from a process)
greet you
v=abc; echo ${v/b/x} ${v^^} ${v:1:1}
printf %s $'a\tb'; echo
sh -c 'echo piped >&2' |& tr p P
x=(1 2 3); echo ${#x[@]}
test -n "$RANDOM" && echo random
false | true
LINES
cp lines jobs.txt
run jobs.txt
expect_code 0
sort out >got
printf '%s\n' 'a	b' 'axc ABC b' 'from a process' 'hello you' matched 'n1 n2 n3' 'PiPed' random sourced 3 | sort >want
diff want got >differs || fail "$(cat differs)"
[ "$(sort both | tr '\n' ' ')" = 'err out ' ] || fail "&> has given: $(cat both)"
for i in 1 2 3 4 5 6 7 8 9 10 11; do expect_of $i via bash; done
expect_of 12 via sh
[ "$(grep -c "only bash understands are run by .*/bash: line 1 has '&>'" err)" = 1 ] || fail "not said, or not once"

# What decides otherwise. pipefail: the exit code of a pipe's first program.
run --restart --shell 'bash -o pipefail' jobs.txt
expect_code 1
expect_of 12 via bash
expect_of 12 exit 1
grep -q 'only bash' err && fail "said although --shell is given"
printf '#MPBATCH shell=/bin/sh\n[[ a ]]\n#MPBATCH shell="bash -o pipefail"\nfalse | true\n#MPBATCH shell=\nfalse | true\n' | batch
expect_code 1
expect_of 1 via sh
expect_of 2 via bash
expect_of 2 exit 1
expect_of 3 via sh
printf 'no shell of these\n' | batch --shell "$(command -v cat) -u"
expect_of 1 via shell

# --dry-run shows it, as a list that does the same; the line is found anew in failed.txt.
"$MPBATCH" --dry-run lines >list 2>err || fail "--dry-run fails"
grep -q '^#MPBATCH shell="/.*/bash"$' list || fail "--dry-run does not show bash"
grep -q "line 1 has '&>'" err || fail "--dry-run does not say so"
cp list jobs.txt
run --restart jobs.txt
expect_code 0
sort out >got
diff want got >differs || fail "of the list of --dry-run: $(cat differs)"
printf '[[ a == b ]]\n' | batch
"$MPBATCH" --check jobs.txt >checked 2>err || fail "--check: $(cat checked)"
grep -q "line 1 has '\[\['" err || fail "--check does not say so"
[ "$(head -n 1 jobs.txt.mpbatch/failed.txt | grep -c '^#MPBATCH shell="/.*/bash"$')" = 1 ] ||
	fail "failed.txt: $(cat jobs.txt.mpbatch/failed.txt)"

# Words after -- are the program's; a template's values stay data for bash, too.
run -- '[[ {} == "a b" ]] && printf $'"'%s\\n'"' {} {}{{1..2}' ::: 'a b' "it's"
expect_code 1
printf '%s\n' 'a b' 'a b1' 'a b2' | diff - out >differs || fail "$(cat differs)"
grep -q "the template has '\[\['" err || fail "not said of a template"
run -k -- 'echo {{a,{}}' ::: x,y 3 1..2
printf 'a %s\n' x,y 3 1..2 | diff - out >differs || fail "$(cat differs)"
run -- 'echo n{{1..{}}' ::: 3
printf '%s\n' 'n1 n2 n3' | diff - out >differs || fail "$(cat differs)"

# A megabyte through bash.
long=$(head -c 1000000 /dev/zero | tr '\0' x)
printf '[[ x ]] && printf %%s %s | wc -c\n' "$long" | batch
expect_code 0
grep -qx 1000000 out || fail "a line of a megabyte is cut"

# Without bash: an error before anything is run; of a pipe the others run.
mkdir bin && ln -s "$(command -v touch)" "$(command -v sh)" bin/
printf 'touch ran\n  [[ x ]]\n' >jobs.txt
without_bash() {
	code=0
	cat jobs.txt | PATH=$WORK/bin "$timeout" -k 5 60 "$MPBATCH" "$@" >out 2>err || code=$?
}
if [ -z "$LAUNCH" ]; then
	timeout=$(command -v timeout)
	without_bash --restart jobs.txt
	expect_code 2
	[ -e ran ] && fail "something was run"
	grep -q "^mpbatch: error: jobs.txt:2:3: '\[\[': only bash understands this" err || fail "no such error"
	without_bash -- '[[ {} ]]' ::: 1
	expect_code 2
	grep -q "^mpbatch: error: the command template:1: '\[\[': only bash" err || fail "no such error of a template"
	without_bash -
	[ -e ran ] || fail "what needs no bash was not run"
fi

# What is wrong is said where it stands.
echo true >jobs.txt
for shell in nowhere ./sh /etc; do
	run --restart --shell $shell jobs.txt
	expect_code 2
	grep -q "option --shell: got '$shell': expected a shell's absolute path" err || fail "--shell $shell"
done
printf 'true\n#MPBATCH shell=nowhere\n' | batch
expect_code 2
grep -q "jobs.txt:2:10: shell=nowhere, expected a shell's absolute path" err || fail "shell=nowhere"

# A success that leaves processes behind is counted.
printf 'sleep 100 & true\ntrue\n' | batch
expect_code 0
grep -q '1 task that succeeded left processes behind, which were ended' err || fail "strays are not counted"
printf 'sleep 0.1 & true\ntrue\n' | batch --stray keep
grep -q 'left processes' err && fail "strays that are kept are counted"
exit 0
