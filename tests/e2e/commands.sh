#!/usr/bin/env bash
# runs: local mpi mpich asan
# Whatever a line says to a shell, it does here: directly or through sh, the answer is the same.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

touch a1 a2 'with space'
cat >lines <<'LINES'
printf '%s\n' "a  b" 'c"d' e\ f
ls a* | sort | tr '\n' ' '; echo
X=3; echo $((X + 4)) "$X" `echo back`
/bin/echo plain   words	here
true && echo and || echo or
[ -f a1 ] && echo there
V=1 env | grep ^V=
for i in 1 2 3; do printf $i; done; echo
echo err >&2; echo out
cat < /dev/null || echo not reached
(exit 3)
! false
cat
wc -c < a1
echo ~ | grep -c /
date -u -d @0 +%Y
echo # no comment
env printf %s= --rate=0.1; echo
ls
time true
GO=1
LINES
sed 's/$/\n/' lines >jobs.in
batch <jobs.in
# What a shell says to each line by itself, standard input empty.
code_wanted=0
while IFS= read -r line; do
	sh -c "$line" </dev/null >>want.out 2>>want.err || code_wanted=1
done <lines
rm -f jobs.in
[ "$code" = "$code_wanted" ] || fail "exit code $code, expected $code_wanted"
# ls sees our own files too: leave its lines out on both sides.
clean() { grep -v -e '^want' -e '^jobs' -e '^lines' -e '^out$' -e '^err$' -e '^clean' "$1" | sort; }
clean out >clean.got
clean want.out >clean.want
diff clean.want clean.got >clean.diff || fail "$(head -5 clean.diff)"
expect_of 4 via direct
expect_of 5 via sh
expect_of 11 exit 3
expect_of 1 via sh
expect_of 16 via direct

# Three letters, one letter, CRLF, no final newline, comments and blank lines, indented commands.
printf '# head\r\n\r\n  \t\r\n#\r\nw\r\n  pwd\r\n   # not a task\r\necho last' >jobs.txt
run --restart jobs.txt
[ "$(column index | wc -l)" = 3 ] || fail "$(column index | wc -l) tasks in a list with CRLF, expected 3"
grep -qx "$WORK" out && grep -qx last out || fail "CRLF reaches the command"

# A megabyte: through sh, as a script; and as one word of a direct command, which no kernel takes.
long=$(head -c 1000000 /dev/zero | tr '\0' x)
printf "printf %%s '%s' | wc -c\n: %s\n/bin/echo %s\n" "$long" "$long" "$long" | batch
expect_code 1
grep -qx 1000000 out || fail "a line of a megabyte is cut"
expect_of 2 exit 0
expect_of 3 exit 126

# A line that begins as an option is a command that does not exist, not an option of the shell's.
printf -- '-n echo\n+x echo\n--\n' | batch
expect_of 1 exit 127
expect_of 2 exit 127
expect_of 3 exit 127
