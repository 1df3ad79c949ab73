#!/usr/bin/env bash
# runs: local mpi3 asan
# Command templates: the same answers as GNU parallel and xargs; placeholders; values are data; tables;
# what each task has of its own; --dry-run and --count.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
argv=$HELPERS/argv

# expect TEXT: that is what came out, in the order of the tasks.
expect() {
	expect_code 0
	[ "$(cat out)" = "$1" ] || fail "expected '$1'"
}

# --- as GNU parallel ---
printf 'a/b.c.d\n.bashrc\ndir.x/file\n/\na/\n\na//b\nx y\n$(id)\n' >values
printf '1\n2\n' >numbers
printf 'a\nb' >unended
: >empty
if command -v parallel >/dev/null; then
	while read -r -a words; do
		parallel --will-cite -k "$argv" "${words[@]}" >want </dev/null 2>/dev/null
		run -q -k "$argv" "${words[@]}"
		expect_code 0
		diff want out >changes || fail "not as parallel: ${words[*]}: $(cat changes)"
	done <<'CASES'
{} ::: a b c
::: a b c
x{}y ::: a b
::: a b ::: 1 2 3
{1}-{2} ::: a b ::: 1 2 3
{2} {1} {} ::: a b :::+ 1 2 ::: x y
{1} {2} ::: a b c :::+ 1 2
{} :::: values
{.} {/} {//} {/.} :::: values
{1.} {1/} {1//} {1/.} {2} :::: values ::: z
{} {#} :::: values numbers
{} ::: x :::: values :::+ y
{#} ::: a b c
:::
{1}-{2} ::: a b :::+ 1 2 3
{1}{2}{3} ::: a b ::: 1 2 :::+ x y
{1}-{2} :::: values ::::+ numbers
{} :::: unended
{} :::: empty
{.} {/} {//} {/.} ::: .a.b a. a.. .. // a/b/ /a.b/ a.b/c
{1}{} ::: a b ::: c
A=1 {} ::: a
x {} | cat ::: $x a*b
CASES
fi

# --- as xargs ---
printf 'a b\nc\n' | xargs -d '\n' -n 1 "$argv" -x >want
printf 'a b\nc\n' >lines
run -q -k -a lines -- "$argv" -x
diff want out >/dev/null || fail "not as xargs"
# shellcheck disable=SC2016
printf 'one\ntwo\n' | "$MPBATCH" -q -k -- "$argv" >out 2>err || fail "values from standard input"
[ "$(cat out)" = $'<one>\n<two>' ] || fail "values from standard input"

# --- values are data ---
values=('' ' ' '$(touch ran)' '`touch ran`' "it's" '"' "\\" $'new\nline' '-n' '*' '~' '#x' ';touch ran' '{}' $'\x01\xff' '!')
run -q -k -- "$argv" ::: "${values[@]}"
expect_code 0
printf '<%s>\n' "${values[@]}" | diff - out >/dev/null || fail "values arrive changed without a shell"
run -q -k -- "$argv {} | cat" ::: "${values[@]}"
printf '<%s>\n' "${values[@]}" | diff - out >/dev/null || fail "values arrive changed through the shell"
[ ! -e ran ] || fail "a value was run"
run -q -k -- "$argv" '{=}' ::: '-foo 123' '-bar 456'
expect $'<-foo><123>\n<-bar><456>'

# ... also where plain letters would change the word they touch.
run -q -k 'echo {}>o.{}' ::: 1 2 abc
expect ''
[ "$(cat o.1 o.2 o.abc)" = $'1\n2\nabc' ] || fail "digits before > are a descriptor: $(cat o.1 o.2 o.abc)"
run -q -k 'A=p; echo $A{} "$A{}" $A{#}' ::: x /x
expect $'px px p1\np/x p/x p2'
touch b
run -q -k 'echo [{}]' ::: a-c
expect '[a-c]'
rm b

# --- after "--" several words are an argv, exactly, as with xargs; without it they are joined ---
echo 'FOO=foo' >env.inc
run -q -k -- bash -c 'source ./env.inc; echo "$FOO"  {}' ::: 1 2
expect $'foo 1\nfoo 2'
run -q -k -- "$argv" 'a|b' '1p;2p' '<%s>\n' '$HOME' '' 'two  words' '*' ';x' '{}' ::: '>'
expect '<a|b><1p;2p><<%s>\n><$HOME><><two  words><*><;x><>>'
run -q -k "$argv" 'two  words' '$((1+1))' '{}' '|' cat ::: a
expect '<two><words><2><a>'
run --dry-run -- printf '<%s>\n' {} ::: 'a b'
expect "printf '<%s>\\n' 'a b'"
refused "word 3: .*no shell sees '>': expected one word: -- 'echo {} > o.{#}'" -- echo {} '>' 'o.{#}' ::: 1
refused "sees 'A=1'" -- A=1 "$argv" ::: 1
refused "'-- echo' behind :::, where values stand" -a lines ::: a b -- echo '{1}' '{2}'
run -q -k "$argv" ::: a -- b
expect $'<a>\n<-->\n<b>'

# Values without a command are commands.
run -q -k ::: 'echo a' 'echo b | tr b c'
expect $'a\nc'

# --- nothing to run, and why ---
# none WHY ARG...: no task, exit code 0, and which input has no values.
none() {
	local why=$1
	shift
	run "$@"
	expect_code 0
	grep -qxF "mpbatch: nothing to run: $why" err || fail "$*: not said: $why"
}
printf 'x\n' >"head"
: >empty
none '::: has no values' -- "$argv" :::
none 'head has no values' --header -a head -- "$argv"
none 'input 2 of 4, :::, has no values; input 4 of 4, :::, has no values' -- "$argv" ::: a ::: ::: b :::
none 'input 2 of 2, empty, has no values' -- "$argv" ::: a :::: empty
none 'input 1 of 2, /dev/null, has no values' -a /dev/null -- "$argv" ::: a
none "none of 1 row meets --where '{1}==3'" --where '{1}==3' -a head -- "$argv"
none 'the task list is empty' empty

# --- placeholders ---
run -q -k -- "$argv" '{0#}' '{{}' ::: a b c d e f g h i j
[ "$(sed -n '1p;10p' out)" = $'<01><{}>\n<10><{}>' ] || fail "{0#} or {{: $(sed -n '1p;10p' out)"
run -q -j 1 -- "$argv" '{%}' ::: a
expect_code 0
grep -qx '<[1-9]*>' out || fail "{%} is not the slot"
refused 'unknown placeholder {rat}: known are .*{1}' -- "$argv" '{rat}' ::: 1
# What the first row looks like says which option was forgotten.
hint() {
	local says="; or $1, as the first row is '$2'"
	printf "$2\\n1 2\\n" >table
	shift 2
	refused "unknown placeholder .*$says\$" -a table "$@"
}
hint "--colsep ';'" '1,5;2' -- "$argv" '{2}'
hint "--csv" '1, 2' -- "$argv" '{1}' '{2}'
hint "--colsep ' '" '1 2' --cwd 'd.{2}' -- "$argv"
hint "--colsep ';' --header" 'a;"b c"' -- "$argv" '{b c}'
hint "--colsep ';'" 'a;b' --csv --header -- "$argv" '{b}'
hint "--header" a -- "$argv" '{a}'
hint "--csv --header" 'a,b' -- "$argv" '{b}'
refused "unknown placeholder {a}: .*; or --header, as the first row is 'a'$" -- "$argv" '{1}' '{a}' ::: 1 ::: a 2
printf 'a,b\n1,2\n' >table
refused 'unknown placeholder {c}: .*brace)$' --csv -a table -- "$argv" '{c}'
mkfifo fifo
echo 1 >fifo &
refused 'pipe' -a fifo -- "$argv" '{0#}'
refused 'before it' -- "$argv" :::+ 1

# --- tables ---
printf '\xef\xbb\xbfrate,name\r\n0.1,"a ""b"", c"\r\n0.2,"two\nlines"\r\n' >points.csv
run -q -k --csv --header -a points.csv -- "$argv" '{rate}' '{name}' '{2}'
expect $'<0.1><a "b", c><a "b", c>\n<0.2><two\nlines><two\nlines>'
printf 'x\ty z\n1\t2\n' >points.tsv
run -q -k --tsv --header -a points.tsv -- "$argv" '{y z}{x}'
expect '<21>'
printf 'a,b\n1,2\n1,2,3\n' >bad.csv
refused 'bad.csv:3:5: ' --csv --header -a bad.csv -- "$argv" '{a}'
printf 'a,b\n1\n' >bad.csv
refused 'bad.csv:2:' --csv --header -a bad.csv -- "$argv" '{a}'

# --- each task's own ---
mkdir -p in
echo first >in/1 && echo second >in/2
run -q -k --cwd 'runs/{}' --stdin "$PWD/in/{}" --env 'SEED=s{}' --env 'FIX=$(id)' -- 'pwd; cat; echo "$SEED $FIX"' ::: 1 2
expect "$(printf '%s\nfirst\ns1 $(id)\n%s\nsecond\ns2 $(id)' "$PWD/runs/1" "$PWD/runs/2")"
run -q --timeout 0.2s -- sleep {} ::: 30
expect_code 1
refused 'nope' --stdin 'missing/{nope}' -- cat ::: 1
refused 'NAME=TEMPLATE' --env '1X=2' -- cat ::: 1

# --- one list or a template ---
echo 'echo listed' >jobs.txt
refused 'before options' jobs.txt -a lines
refused 'expected one list' jobs.txt jobs.txt
run --restart jobs.txt -q -j 1
expect listed

# --- instead of a run: a dry run is a list that does the same ---
run --count -- true ::: 1 2 ::: 1 2 3
expect 6
# A number is all that --count prints, or nothing.
mkfifo late
printf 'a,b\n1,2\n3\n' >late &
refused 'late:3:2' --count --csv --header -a late -- true '{a}'
[ ! -s out ] || fail "--count of a bad table prints $(cat out)"
run --dry-run --cwd 'd {}' --env 'V={} x' --timeout 10s --stdin /dev/null -- "$argv" "{}" 'n{#}' ::: "${values[@]}"
expect_code 0
grep -q '^#MPBATCH ' out || fail "a dry run says nothing of directories"
grep -av '^#' out >lines
[ "$(wc -l <lines)" = ${#values[@]} ] || fail "a dry run is not a command a line"
cp out dry.txt
run -q -k -j 1 --run-dir dry.run dry.txt
cp out again
run -q -k -j 1 --cwd 'd {}' --env 'V={} x' --timeout 10s --stdin /dev/null -- "$argv" "{}" 'n{#}' ::: "${values[@]}"
diff out again >/dev/null || fail "the list of a dry run does something else"
