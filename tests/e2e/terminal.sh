#!/usr/bin/env bash
# runs: local
# On a terminal one line of progress, redrawn in place and gone at the end; elsewhere a plain line now
# and then; -q: silence. In a real terminal (tmux): narrow, resized, Ctrl-C, background.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "no script(1) to make a terminal"
for i in $(seq 20); do echo "echo $i; sleep 0.05"; done >jobs.txt
script -qec "stty cols 60; '$MPBATCH' --restart jobs.txt" /dev/null >terminal </dev/null ||
	fail "it fails on a terminal"
grep -q 'tasks ended' terminal || fail "no progress on a terminal"
tr '\r' '\n' <terminal | sed 's/\x1b\[[?0-9]*[A-Za-z]//g' | grep 'tasks ended' | while IFS= read -r line; do
	[ ${#line} -lt 60 ] || fail "progress is wider than the terminal: ${#line}"
done
tr '\r' '\n' <terminal | grep -q '20 tasks: 20 succeeded' || fail "no summary"

# The closing lines are broken between words on a terminal, and nowhere else.
said="1 task that succeeded left processes behind, which were ended (--stray keep lets them go on)"
echo 'sleep 100 &' >stray.txt
script -qec "stty cols 60; '$MPBATCH' --restart stray.txt" /dev/null >terminal </dev/null ||
	fail "it fails on a terminal of 60 columns"
tr -d '\r' <terminal | grep -q '^         [a-z]' || fail "a long line is not broken: $(cat terminal)"
tr -d '\r' <terminal | sed 's/^ *//' | tr '\n' ' ' | grep -qF "$said" || fail "a word is broken: $(cat terminal)"
run --restart stray.txt
grep -qxF "mpbatch: $said" err || fail "a line is broken where there is no terminal"

run --restart jobs.txt
! grep -q 'tasks ended' err || fail "progress at once where there is no terminal"
run --restart --bar jobs.txt
grep -q $'\r.*tasks ended' err || fail "--bar draws nothing"
run --restart -q --bar jobs.txt
[ ! -s err ] || fail "-q is not silent"
for i in $(seq 3); do echo "sleep 0.8"; done >slow.txt
run --restart --progress-interval 1 -j 1 slow.txt
grep -q '^mpbatch: [0-3]/3 tasks ended' err || fail "--progress-interval: no plain line"
! grep -q $'\r' err || fail "--progress-interval: a drawn line"

# A terminal that cannot redraw (TERM=dumb) gets plain lines.
if command -v script >/dev/null && [ ${#LAUNCHER[@]} = 0 ]; then
	echo 'sleep 1' >jobs.txt
	for term in dumb xterm; do
		TERM=$term timeout 60 script -qec "'$MPBATCH' --restart jobs.txt" typescript >out 2>err </dev/null
		grep -q $'\033' out && drawn=xterm || drawn=dumb
		[ $drawn = $term ] || fail "progress with TERM=$term"
	done
fi

# Colours on a terminal, and nowhere else unless --color says so.
red=$'\033[31m' green=$'\033[32m'
printf '%s\n' 'sleep 0.5' false >mixed.txt
colors() {
	TERM=${TERM_OF:-xterm} timeout 60 script -qec "'$MPBATCH' --restart -j 1 $* mixed.txt" typescript >out 2>err </dev/null
	grep -qF "${red}2 tasks: 1 succeeded, 1 failed" out && grep -qF "${red}exit code 1" out && grep -qF "[$green#" out
}
no_colors() {
	! colors "$@" && ! grep -q $'\033\[[0-9;]*m' out
}
colors || fail "no colours on a terminal: $(cat -v out)"
NO_COLOR='' colors || fail "an empty NO_COLOR switches colours off"
NO_COLOR=1 no_colors || fail "NO_COLOR: $(cat -v out)"
no_colors --color never || fail "--color never: $(cat -v out)"
TERM_OF=dumb no_colors || fail "TERM=dumb: $(cat -v out)"
run --restart --bar mixed.txt
! grep -q $'\033\[[0-9;]*m' err || fail "colours in a file: $(cat -v err)"
NO_COLOR=1 run --restart --color always mixed.txt
grep -qF "mpbatch: ${red}2 tasks: 1 succeeded, 1 failed"$'\033[0m' err || fail "--color always: $(cat -v err)"
run --restart --color always jobs.txt
grep -qF "mpbatch: ${green}1 task: 1 succeeded" err || fail "a verdict that is good: $(cat -v err)"
MPBATCH_COLOR=always run --restart -q mixed.txt
[ ! -s err ] || fail "-q with colours: $(cat -v err)"

command -v tmux >/dev/null || skip "no tmux for the rest"
unset TMUX
TERMINAL=(tmux -L "mpbatch-$$" -f /dev/null)
trap '"${TERMINAL[@]}" kill-server 2>/dev/null; leave' EXIT
"${TERMINAL[@]}" new-session -d -x 100 -y 20 -c "$WORK" env PS1='$ ' bash --norc --noprofile ||
	skip "tmux does not start"

# keys WORD...: typed into the terminal.
keys() {
	"${TERMINAL[@]}" send-keys -t 0 "$@"
}

# What is on the screen, without empty lines.
screen() {
	"${TERMINAL[@]}" capture-pane -p -t 0 | grep -v '^ *$'
}

shows() {
	screen | grep -q -e "$1"
}

shows_not() {
	! shows "$1"
}

# The shell waits for the next command, at the beginning of a line.
prompt() {
	[ "$(screen | tail -n 1)" = '$' ]
}

# type COMMAND: on a clean screen.
type_line() {
	keys C-l
	keys "$1" Enter
}

wait_for prompt
for i in $(seq 200); do echo "sleep 0.1"; done >long.txt
keys 'stty -a >before' Enter
type_line "'$MPBATCH' --restart -j 2 long.txt"
wait_for shows '^\[.*/200 tasks ended.* of 2 slots busy'
wait_for shows 's left$'

"${TERMINAL[@]}" resize-window -t 0 -x 40
wait_for shows '^[^[]*/200 tasks ended'
wait_for shows_not 'slots busy'
[ "$(screen | grep -c 'tasks ended')" = 1 ] || fail "narrower: a line is left behind: $(screen)"
"${TERMINAL[@]}" resize-window -t 0 -x 10
wait_for shows '^[0-9]*/200$'
"${TERMINAL[@]}" resize-window -t 0 -x 100
wait_for shows '^\[.*/200 tasks ended'
[ "$(screen | grep -c '/200')" = 1 ] || fail "wider again: a line is left behind: $(screen)"

keys C-c
wait_for prompt
for words in interrupted "tasks: "; do
	shows "$words" || fail "Ctrl-C: not said: $words: $(screen)"
done
shows_not 'tasks ended' || fail "Ctrl-C: the progress line is still there: $(screen)"
keys 'stty -a >after' Enter
wait_for [ -s after ]
cmp -s before after || fail "the terminal's settings are others than before"

# With "tostop" whoever writes from the background is stopped, unless he is careful.
for i in $(seq 20); do echo "sleep 0.1"; done >short.txt
type_line "stty tostop; '$MPBATCH' --restart -j 2 short.txt 2>&1 >/dev/null & sleep 0.7"
for _ in $(seq 10); do
	shows_not 'tasks ended' || fail "it draws while it is in the background: $(screen)"
	sleep 0.1
done
wait_for shows '20 tasks: 20 succeeded'
keys 'stty -tostop; clear' Enter
wait_for shows_not '20 tasks'

# beat: the number of the snapshot of watched.txt; it changes every few seconds.
beat() {
	"$MPBATCH" status --json watched.txt | grep '"beat"'
}

beats_after() {
	[ "$(beat)" != "$1" ]
}

# status --watch draws over itself, however narrow and low the terminal becomes.
for i in $(seq 8); do echo "sleep 100 # ${i}.$(printf ' watched%.0s' {1..20})"; done >watched.txt
keys "'$MPBATCH' --restart -q -j 8 watched.txt 2>/dev/null &" Enter
wait_for test -e watched.txt.mpbatch/status.json
type_line "'$MPBATCH' status --watch watched.txt"
wait_for shows '^running   8 '
for size in '60 20' '20 20' '20 6' '100 20'; do
	"${TERMINAL[@]}" resize-window -t 0 -x "${size% *}" -y "${size#* }"
	wait_for shows '^failed    0'
	was=$(beat)
	wait_for beats_after "$was"
	[ "$("${TERMINAL[@]}" capture-pane -p -t 0 | grep -c '^failed    0')" = 1 ] ||
		fail "status --watch, resized to $size: lines are left behind: $(screen)"
done
# Its last words are whole where the terminal is narrow.
"${TERMINAL[@]}" resize-window -t 0 -x 20
for p in $(ours -f -- '-q -j 8 watched.txt'); do kill -KILL "$p"; done
wait_for prompt
"${TERMINAL[@]}" capture-pane -p -J -t 0 | grep -qx 'mpbatch resume watched.txt.mpbatch runs the rest *' ||
	fail "the hint to resume is cut: $(screen)"
"${TERMINAL[@]}" resize-window -t 0 -x 100
wait_for unmarked 'sleep 100 # 1. watched'
type_line "'$MPBATCH' status --watch later.txt"
wait_for shows 'later.txt: no run has begun there yet'
keys C-c
wait_for prompt

type_line "'$MPBATCH' --restart -j 2 long.txt"
wait_for shows 'tasks ended'
keys C-z
wait_for shows 'Stopped'
keys C-l 'bg' Enter
wait_for shows_not 'tasks ended'
keys 'fg' Enter
wait_for shows 'tasks ended'
keys C-c
wait_for prompt
shows_not 'tasks ended' || fail "Ctrl-C after fg: the progress line is still there: $(screen)"
exit 0
