/* What only bash understands, and which shell a task gets. */
#include "base/err.h"
#include "tasks/bashism.h"
#include "tasks/shell.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static char *exported[] = {"BASH_FUNC_greet%%=() {  echo hi\n}", "BASH_FUNC_old()=() {  :\n}",
	"HOSTNAME=node1", "BASH_ENV=/etc/init", NULL};

/* Checks that WANTED (NULL: nothing) is what is found first in LINE. */
static void
expect(const char *line, const char *wanted)
{
	static const char env[] = "SECONDS=5";
	struct bashism_known known = {exported, env, sizeof(env)};
	size_t len;
	const char *found = bashism_find(line, strlen(line), &known, &len);
	bool same = wanted && found && strlen(wanted) == len && memcmp(found, wanted, len) == 0;
	if (found ? !same : wanted != NULL)
		fail_msg("%s: found %.*s, expected %s", line, found ? (int)len : 7,
			found ? found : "nothing", wanted ? wanted : "nothing");
}

static void
finds_what_only_bash_understands(void **state)
{
	(void)state;
	static const struct {
		const char *line, *found;
	} cases[] = {
		{"prog &> log", "&>"},
		{"prog &>>log", "&>>"},
		{"prog >& log", ">&"},
		{"prog |& tee log", "|&"},
		{"[[ $x = a* ]] && y", "[["},
		{"if [[ -f x ]]; then y; fi", "[["},
		{"a; ! [[ x ]]", "[["},
		{"((x > 3)) && y", "(("},
		{"while ((i < 5)); do x; done", "(("},
		{"for ((i=0; i<3; i++)); do x; done", "(("},
		{"diff <(sort a) <(sort b)", "<("},
		{"a | tee >(wc) >x", ">("},
		{"cat <<<word", "<<<"},
		{"source env.sh && ./sim", "source"},
		{"source env.sh", "source"},
		{"\tsource env.sh", "source"},
		{"function f { x; }; f", "function"},
		{"./sim {1..3}", "{1..3}"},
		{"./sim x{a..c}y", "{a..c}"},
		{"cp a.{dat,txt} out/", "{dat,txt}"},
		{"cp {$a,\"b c\"} out/", "{$a,\"b c\"}"},
		{"echo {x{a,b}}", "{x{a,b}"},
		{"printf $'a\\tb'", "$'"},
		{"echo $\"text\"", "$\""},
		{"echo ${v/a/b}", "${v/"},
		{"echo \"${v^^}\"", "${v^"},
		{"echo ${v,,}", "${v,"},
		{"echo ${v:1:2}", "${v:"},
		{"echo ${v: -2}", "${v:"},
		{"echo ${v@Q}", "${v@"},
		{"echo ${a[0]} ${#a[@]}", "${a["},
		{"echo ${#a[@]}", "${#a["},
		{"echo ${!name}", "${!"},
		{"echo ${@:2}", "${@:"},
		{"echo ${x:-${v^}}", "${v^"},
		{"a=(1 2 3)", "=("},
		{"a+=(4)", "a+="},
		{"a[2]=x", "a[2]=x"},
		{"s+=x; y", "s+=x"},
		{"pushd d; x; popd", "pushd"},
		{"shopt -s globstar; x", "shopt"},
		{"declare -A m", "declare"},
		{"f() { local x=1; }; f", "local"},
		{"module load gcc && x", "module"},
		{"ml gcc; x", "ml"},
		{"greet you", "greet"},
		{"old", "old"},
		{"set -o pipefail; a | b", "pipefail"},
		{"set -euo pipefail; a | b", "pipefail"},
		{"echo -e 'a\\tb'", "-e"},
		{"echo -ne x", "-ne"},
		{"find . -print0 | while IFS= read -r -d '' f; do x; done", "-d"},
		{"printf -v x %s y", "-v"},
		{"[ $a == b ] && x", "=="},
		{"test $a == b", "=="},
		{"trap 'x' ERR", "ERR"},
		{"a & b & wait -n", "-n"},
		{"./sim --seed $RANDOM", "RANDOM"},
		{"./sim --seed ${RANDOM}", "RANDOM"},
		{"x | y; exit ${PIPESTATUS[0]}", "PIPESTATUS"},
		{"echo $BASH_VERSION", "BASH_VERSION"},
		{"x=$(<file)", "$(<"},
		{"echo $((2 ** 3))", "**"},
		{"echo $((i++))", "++"},
		{"./sim --seed $((1 + RANDOM % 10))", "RANDOM"},
		{"echo $[1 + 2]", "$["},
		{"x `cat <(y)`", "<("},
		{"echo \"a $(cat <(y)) b\"", "<("},
		{"echo \"`[[ x ]]`\"", "[["},
		{"case $x in a) [[ y ]];; esac", "[["},
		{"case $x in a) y ;& b) z;; esac", ";&"},
		{"x=1 y=2 source z", "source"},
		{"time [[ x ]]", "[["},
		{"2>log source x", "source"},
		{"(cd x; source y)", "source"},
		{"{ source y; }", "source"},
		{"a # no\nsource y", "source"},
		{"cat <<E | source x\nE", "source"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].line, cases[i].found);
}

static void
finds_nothing_where_it_means_nothing(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",
		"./sim --rate 0.1 --seed 1 > out/1.txt 2>&1",
		"./sim 'a &> b' \"[[ x ]] {1..3} <( $ ' \" \\{1..3\\} a\\&\\> x",
		"./sim # source x &> [[ {a,b}",
		"a & b && c || d | e; f > g 2>>h < i <&3 >&- 2>&1 >|j",
		"echo source [[ function local pushd",
		"./source x; source.sh y",
		"grep '[[:alpha:]]' x; ls [[:digit:]]*",
		"awk '{print $1, $2}' x | sed 's/a{1,2}/b/'",
		"find . -name '*.c' -exec wc {} \\; -o -exec x {} +",
		"x {} {a} {a b,c} a,b a..b ${x},${y}",
		"git show HEAD@{1}",
		"echo ${v} ${v:-a/b} ${v-x} ${v:+y} ${v:?no} ${v:=z} ${v%.*} ${v##*/} ${#v} $#",
		"echo ${#} ${#-x} $$'x' $! ${!} ${?} ${@} ${*} ${1} ${10}",
		"echo \"cost 5$\" \"$\" '$'",
		"((echo a); echo b)",
		"( (x) )",
		"f() { x; }; f",
		"echo $(echo $((1 + (2 * 3) - -1)))",
		"echo -n x; echo - -e; echo x -e; echo -x; echo --e",
		"read -r a b; read a; printf '%s\\n' -v; export X=1; wait",
		"set -eu; set -- a b; trap 'x' EXIT INT",
		"[ a = b ]; test x != y; echo ==",
		"x=1; y='(' ./z; a=b c",
		"for i in 1 2 3; do x $i; done; for f in {} ; do y; done",
		"case $x in (a) y;; b|c) z;; esac",
		"x $(case a in a) y;; esac) z",
		"cat <<E\n[[ {1..3} $'x' source\nE\n[[",
		"cat <<-'E' && x\nsource y\nE",
		"RANDOM=7; ./sim $RANDOM $((RANDOM))",
		"echo $((SECONDS + 0xRANDOM + MYUID)) RANDOM",
		"read HOSTTYPE; x $HOSTTYPE; for UID in 1 2; do x $UID; done",
		"x $HOSTNAME $SECONDS $BASH_ENV $RANDOMLY $MY_UID $PATH $PPID",
		"x `date` \"`date +%s`\"",
		"x 'unclosed [[ source",
		"x \"unclosed [[ source",
		"x $( [ y",
		"x ${y",
		"x \\",
		"$",
		"{",
		"x $<y",
		"for(",
		"x >& 2; x >&$fd; x >&\"$fd\"",
		"x > &",
		"GREET=1; greeting; ./greet",
		"sources x; module.sh; sh -c 'source x'",
		"\\source x; 'source' x",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(lines[i], NULL);
}

static void
gives_up_where_it_is_too_deep(void **state)
{
	(void)state;
	enum { BYTES = 100000 };
	static const char *const units[] = {"(", "$(", "\"$(", "${x:-", "`\"", "$((", "{", "a=`"};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char *text = calloc(1, BYTES + 10);
		assert_non_null(text);
		while (strlen(text) < 1000)
			strcat(text, units[i]);
		size_t len = strlen(text);
		while (len + strlen(units[i]) < BYTES) {
			memcpy(text + len, units[i], strlen(units[i]));
			len += strlen(units[i]);
		}
		expect(text, NULL);
		free(text);
	}
}

/* --- choosing --- */

static unsigned told;

static void
tell(const char *text)
{
	assert_non_null(strstr(text, "line 3 has '[['"));
	told++;
}

static void
chooses_bash_only_for_what_needs_it(void **state)
{
	(void)state;
	struct shells shells;
	struct err err;
	assert_int_equal(shells_init(&shells, NULL, NULL, 0, &err), 0);
	shells.tell = tell;
	struct task task = {.line = 3, .command = "a | b", .command_len = 5};
	assert_int_equal(shells_choose(&shells, &task, &err), 0);
	assert_null(task.shell);
	task.command = "[[ a ]]";
	task.command_len = 7;
	for (int i = 0; i < 3; i++) {
		task.shell = i ? NULL : "";
		assert_int_equal(shells_choose(&shells, &task, &err), 0);
		assert_non_null(strstr(task.shell, "/bash"));
	}
	assert_int_equal(told, 1);
	task.shell = "/bin/sh -x";
	assert_int_equal(shells_choose(&shells, &task, &err), 0);
	assert_string_equal(task.shell, "/bin/sh -x");
	shells_clear(&shells);
}

static void
the_shell_that_is_given_runs_all(void **state)
{
	(void)state;
	struct shells shells;
	struct err err;
	assert_int_equal(shells_init(&shells, " sh  -e -u", NULL, 0, &err), 0);
	struct task task = {.line = 3, .command = "[[ a ]]", .command_len = 7};
	assert_int_equal(shells_choose(&shells, &task, &err), 0);
	assert_non_null(strstr(task.shell, "/sh  -e -u"));
	shells_clear(&shells);
	static const char *const wrong[] = {
		"", " ", "no-such-shell", "./sh", "/nowhere/sh", "/etc"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(shells_init(&shells, wrong[i], NULL, 0, &err), -1);
		assert_non_null(strstr(err.text, "option --shell: got '"));
		shells_clear(&shells);
	}
}

static void
without_bash_says_where_it_is_needed(void **state)
{
	(void)state;
	struct shells shells;
	struct err err;
	char *path = strdup(getenv("PATH"));
	assert_int_equal(shells_init(&shells, NULL, NULL, 0, &err), 0);
	setenv("PATH", "/nowhere", 1);
	struct task task = {.line = 3, .command = "x; [[ a ]]", .command_len = 10};
	assert_int_equal(shells_choose(&shells, &task, &err), -1);
	assert_int_equal(strncmp(err.text, "4: '[[': only bash", 18), 0);
	assert_string_equal(task.shell, "/bin/bash");
	setenv("PATH", path, 1);
	free(path);
	shells_clear(&shells);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_only_bash_understands),
		cmocka_unit_test(finds_nothing_where_it_means_nothing),
		cmocka_unit_test(gives_up_where_it_is_too_deep),
		cmocka_unit_test(chooses_bash_only_for_what_needs_it),
		cmocka_unit_test(the_shell_that_is_given_runs_all),
		cmocka_unit_test(without_bash_says_where_it_is_needed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
