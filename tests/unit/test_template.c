/* Templates and quoting: what is rendered, what a shell and the direct path make of it. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "exec/command.h"
#include "tasks/quote.h"
#include "tasks/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned int seed; /* `test_template SEED` repeats a run */

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

/* --- help --- */

enum { MAX = 8 };

/* A command whose words are no argv, though there are several. */
enum { JOINED = TEMPLATE_TEXT + 1 };

/* Words, names ("-": none) and values as lists that end with NULL. */
struct given {
	int kind; /* enum template_kind, or JOINED */
	const char *words[MAX];
	const char *names[MAX];
	const char *values[MAX];
};

static size_t
count_of(const char *const *list)
{
	size_t count = 0;
	while (count < MAX && list[count])
		count++;
	return count;
}

static struct template *
parse(const struct given *given, struct err *err)
{
	const char *names[MAX];
	struct columns columns = {.count = count_of(given->values), .names = names};
	for (size_t i = 0; i < columns.count; i++) {
		bool named = given->names[i] && strcmp(given->names[i], "-") != 0;
		names[i] = named ? given->names[i] : NULL;
	}
	return template_parse(
		&(struct template_options){
			.kind = given->kind == TEMPLATE_TEXT ? TEMPLATE_TEXT : TEMPLATE_COMMAND,
			.append = given->kind != TEMPLATE_TEXT,
			.what = given->kind == TEMPLATE_TEXT ? "option --cwd" : "the template",
			.words = given->words,
			.nwords = count_of(given->words),
			.argv = given->kind == TEMPLATE_COMMAND,
			.columns = &columns},
		err);
}

/* What the template renders for task 7 of 1234, to be freed; an error fails. */
static char *
render(const struct given *given)
{
	struct err err;
	struct value values[MAX];
	struct row row = {.count = count_of(given->values), .values = values};
	for (size_t i = 0; i < row.count; i++)
		values[i] = (struct value){given->values[i], strlen(given->values[i])};
	struct template *template = parse(given, &err);
	if (!template)
		fail_msg("%s: %s", given->words[0], err.text);
	struct buf buf = {0};
	template_render(template, &row, 7, 1234, &buf);
	buf_append(&buf, "", 1);
	template_free(template);
	return buf.memory;
}

static void
assert_renders(const struct given *given, const char *expected)
{
	char *got = render(given);
	if (strcmp(got, expected) != 0)
		fail_msg("\"%s\"...: expected <%s>, got <%s>", given->words[0], expected, got);
	free(got);
}

/* What a command prints, all of it. */
static struct buf
output_of(const char *shell, const char *command, size_t len)
{
	int ends[2];
	struct buf out = {0};
	char *line = strndup(command, len);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		execl(shell, "sh", "-c", "--", line, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	ssize_t got;
	while ((got = read(ends[0], buf_room(&out, 4096), 4096)) > 0)
		buf_added(&out, (size_t)got);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_printf(&out, "(status %d)", WEXITSTATUS(status));
	free(line);
	return out;
}

static const char *
some_shell(void)
{
	return below(2) && access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

/* --- quoting --- */

static void
words_are_quoted_if_needed(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", "''"}, {"a", "a"},
		{"-x=0.1,b/c:d@e%f+g_h-1", "-x=0.1,b/c:d@e%f+g_h-1"}, {"a b", "'a b'"},
		{"it's", "'it'\\''s'"}, {"'", "''\\'''"}, {"$(x)", "'$(x)'"}, {"a\nb", "'a\nb'"},
		{"\\", "'\\'"}, {"~", "'~'"}, {"{a}", "'{a}'"}, {"#", "'#'"}, {"!", "'!'"},
		{"caf\xc3\xa9", "'caf\xc3\xa9'"}, {"\x01", "'\x01'"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf buf = {0};
		quote_word(&buf, cases[i][0], strlen(cases[i][0]));
		buf_append(&buf, "", 1);
		assert_string_equal(buf.data, cases[i][1]);
		buf_clear(&buf);
	}
}

static void
lines_are_kept_or_evaluated(void **state)
{
	(void)state;
	static const char *const kept[] = {"a", " a # b", "a\tb'c", "a\rb", "-x", "a\\"};
	static const char *const evaluated[] = {"", " ", "\t\r", "# a", " \t#", "a\r", "a\nb",
		"printf '%s\\n' 100% \"a\\tb\" it\\'s\necho \"$0\" $?",
		"for i in 1 2\ndo echo $i\\\n $i\ndone", "echo a \\\n", "echo a\\\\\n\n", "-x\nb",
		"echo 'x\r'\r", "cat <<E\n%d $(echo x) `echo y`\\\nE\nE\n", "false\n", "false\n\n",
		"false &&\ntrue", "\n\nexit 3\n", "echo -n a\necho '\n\n'"};
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct buf buf = {0};
		quote_line(&buf, kept[i], strlen(kept[i]));
		buf_append(&buf, "", 1);
		assert_string_equal(buf.data, kept[i]);
		buf_clear(&buf);
	}
	for (size_t i = 0; i < sizeof(evaluated) / sizeof(evaluated[0]); i++) {
		for (int k = 0; k < 4; k++) {
			struct buf buf = {0};
			const char *shell = some_shell();
			quote_line(&buf, evaluated[i], strlen(evaluated[i]));
			assert_null(memchr(buf.data, '\n', buf.len));
			assert_null(memchr(buf.data, '\r', buf.len));
			struct buf want = output_of(shell, evaluated[i], strlen(evaluated[i]));
			struct buf got = output_of(shell, buf.data, buf.len);
			if (want.len != got.len || memcmp(want.data, got.data, got.len) != 0)
				fail_msg("%s, <%s>: <%.*s>, expected <%.*s>", shell, evaluated[i],
					(int)got.len, got.data, (int)want.len, want.data);
			buf_clear(&buf);
			buf_clear(&want);
			buf_clear(&got);
		}
	}
}

/* --- rendering --- */

static void
templates_are_rendered(void **state)
{
	(void)state;
	static const struct {
		struct given given;
		const char *expected;
	} cases[] = {
		/* an argv */
		{{0, {"p", "{}"}, {0}, {"a b"}}, "p 'a b'"},
		{{0, {"p", "x{}y"}, {0}, {"a b", "c"}}, "p x'a b' cy"},
		{{0, {"p", "{2}", "{1}"}, {0}, {"a", "b"}}, "p b a"},
		{{0, {"p", "--r={rate}", "{s}"}, {"s", "rate"}, {"1", "$x"}}, "p --r='$x' 1"},
		{{0, {"p", "two words", "", "{}"}, {0}, {""}}, "p 'two words' '' ''"},
		{{0, {"p"}, {0}, {"-foo 123"}}, "p '-foo 123'"},
		{{0, {"p", "-x"}, {0}, {"a", "b c"}}, "p -x a 'b c'"},
		{{0, {"p", "{#}"}, {0}, {"a"}}, "p 7"},
		{{0, {"p", "-x"}, {0}, {0}}, "p -x"},
		{{0, {"p", "{#}", "{0#}", "{%}", "a b"}, {0}, {"v"}},
			"p 7 0007 \"$MPBATCH_SLOT\" 'a b'"},
		{{0, {"p", "{=}", "a b"}, {0}, {"x y; z"}}, "p x y; z 'a b'"},
		{{0, {"p", "{=2}{=1}"}, {0}, {"'a", "b'"}}, "p b''a"},
		{{0, {"p", "{=n/}"}, {"n"}, {"a/b c"}}, "p b c"},
		{{0, {"p", "{{}", "a{{b}", "}{}{{"}, {0}, {"v"}}, "p '{''}' a'{''b}' '}'v'{'"},
		/* an assignment is one in the template only */
		{{0, {"p", "A=b c", "x=", "{}", "{}={}"}, {0}, {"A=1"}},
			"p A='b c' x= 'A=1' 'A=1'='A=1'"},
		/* no shell sees what an argv holds */
		{{0, {"p", "{}", "two  words", "$x", "1;2", "a|b", "<%s>\n", "#c"}, {0}, {"v;w"}},
			"p 'v;w' 'two  words' '$x' '1;2' 'a|b' '<%s>\n' '#c'"},
		{{0, {"bash", "-c", "source ./e; echo $FOO {}"}, {0}, {"1"}},
			"bash -c 'source ./e; echo $FOO '1"},
		{{0, {"python3", "-c", "print(2**{})"}, {0}, {"3"}}, "python3 -c 'print(2**'3')'"},
		{{0, {"find", "{}", "(", "-exec", "rm", "a", ";"}, {0}, {"d"}},
			"find d '(' -exec rm a ';'"},
		/* joined, as GNU parallel does */
		{{JOINED, {"p", "{}", ">", "out.{#}"}, {0}, {"a b"}}, "p 'a b' > out.7"},
		{{JOINED, {"p", "two words", "$x"}, {0}, {"v;w"}}, "p two words $x 'v;w'"},
		{{JOINED, {"p", "two words", "x"}, {0}, {"v;w"}}, "p two words x 'v;w'"},
		{{JOINED, {"p", "${x:-{}}"}, {0}, {"v"}}, "p ${x:-v}"},
		{{JOINED, {"!", "p q", "{}"}, {0}, {"v"}}, "! p q v"},
		{{JOINED, {"p", "a b", "#c"}, {0}, {0}}, "p a b #c"},
		/* a command line */
		{{0, {"p {} > {#}.txt"}, {0}, {"a b"}}, "p 'a b' > 7.txt"},
		{{0, {"p a|q"}, {0}, {"x", "y z"}}, "p a|q x 'y z'"},
		{{0, {"awk '{{print $1}' {}"}, {0}, {"f"}}, "awk '{print $1}' f"},
		/* in quotes */
		{{0, {"p \"a{}b\" {}"}, {0}, {"$(x) \"y\" `z`\\"}},
			"p \"a\\$(x) \\\"y\\\" \\`z\\`\\\\b\" '$(x) \"y\" `z`\\'"},
		{{0, {"p 'a{}b'"}, {0}, {"it's $x"}}, "p 'ait'\\''s $xb'"},
		{{0, {"p \"$(q '(' \"{}\" {})\" \"{}\""}, {0}, {"a$"}},
			"p \"$(q '(' \"a\\$\" 'a$')\" \"a\\$\""},
		{{0, {"# don't\np {}"}, {0}, {"a b"}}, "# don't\np 'a b'"},
		{{0, {"p a#\"{}\""}, {0}, {"a'b"}}, "p a#\"a'b\""},
		{{0, {"p \\\"{} \\' {}"}, {0}, {"a b"}}, "p \\\"'a b' \\' 'a b'"},
		{{0, {"p \"\\$(\"{}"}, {0}, {"a b"}}, "p \"\\$(\"'a b'"},
		{{0, {"p '{%}' \"{%}x\" {%} {}"}, {0}, {"v"}},
			"p ''\"$MPBATCH_SLOT\"'' \"${MPBATCH_SLOT}x\" \"$MPBATCH_SLOT\" v"},
		{{0, {"p <<E\ndon't\nE\nq {}"}, {0}, {"a b"}}, "p <<E\ndon't\nE\nq 'a b'"},
		{{0, {"p `date` {}"}, {0}, {"a b"}}, "p `date` 'a b'"},
		{{0, {"p `date {#} {=}` {}"}, {0}, {"a b"}}, "p `date 7 a b` 'a b'"},
		{{0, {"p $((1<<2)) \"{}\""}, {0}, {"$(x)"}}, "p $((1<<2)) \"\\$(x)\""},
		{{0, {"p <<'' x\n{{}\n\nq {}"}, {0}, {"a b"}}, "p <<'' x\n{}\n\nq 'a b'"},
		{{0, {"p <<<x \"{}\""}, {0}, {"$"}}, "p <<<x \"\\$\""},
		{{0, {"p <<-'E' \"{}\" # don't\n\" {=}\n\tE\nq \"{}\""}, {0}, {"$"}},
			"p <<-'E' \"\\$\" # don't\n\" $\n\tE\nq \"\\$\""},
		{{0, {"p ${x:-\"{}\"} ${x:-{}} \"${x}{}\""}, {0}, {"$ }"}},
			"p ${x:-\"\\$ }\"} ${x:-'$ }'} \"${x}\\$ }\""},
		{{0, {"p \"$$(){}\""}, {0}, {"a b"}}, "p \"$$()a b\""},
		{{0, {"p \"$(q $(case a in a) ;; esac; r))\" x"}, {0}, {0}},
			"p \"$(q $(case a in a) ;; esac; r))\" x"},
		{{0, {"case a in a) p $(case b in b) q {};; esac) {};; esac"}, {0}, {"a b"}},
			"case a in a) p $(case b in b) q 'a b';; esac) 'a b';; esac"},
		{{0, {"p \"${x:-{%}}\" $(({%}+{#}+{=}))"}, {0}, {"1"}},
			"p \"${x:-${MPBATCH_SLOT}}\" $((${MPBATCH_SLOT}+7+1))"},
		/* before < and >, where digits would be a descriptor's number */
		{{JOINED, {"p", "{}>o", "{}<i"}, {0}, {"12"}}, "p '12'>o '12'<i"},
		{{JOINED, {"p", "{}2>o", "1{}>>o"}, {0}, {"3"}}, "p '3'2>o 1'3'>>o"},
		{{JOINED, {"p", "{1}{2}>o>{2}<i", "x{1}>o"}, {0}, {"1", "2"}},
			"p '1'2>o>'2'<i x1>o"},
		{{JOINED, {"p", "{#}>o", "{0#}{#}>o", "-{#}>o"}, {0}, {"v"}},
			"p '7'>o '0007'7>o -7>o"},
		{{JOINED, {"p", "{}>o", "x{}>o"}, {0}, {"1", "2"}}, "p 1 '2'>o x1 '2'>o"},
		{{JOINED, {"p", "{}>o", "{}", ">o"}, {0}, {"a"}}, "p a>o a >o"},
		{{JOINED, {"p", "{}", ">o", "{=}>o", "\"{}\">o"}, {0}, {"1"}},
			"p 1 >o 1>o \"1\">o"},
		/* an assignment that several make */
		{{JOINED, {"{1}{2}", "x{2}"}, {0}, {"a", "=5"}}, "a'=5' x'=5'"},
		{{JOINED, {"{}", "{1}={1}"}, {0}, {"1=2", "a+=1", "a+b=1"}},
			"'1=2' 'a+=1' a+b=1 '1=2'='1=2'"},
		/* behind $NAME, which would go on */
		{{JOINED, {"p", "$PRE{}", "$_1{}", "$A/{}", "\\$A{}", "$1{}", "$$A{}"}, {0}, {"x"}},
			"p $PRE'x' $_1'x' $A/x \\$Ax $1x $$Ax"},
		{{JOINED, {"p", "$PRE{}", "$A$B{}", "${A}{}", "'$A'{}", "\"$A\"{}"}, {0}, {"/x"}},
			"p $PRE/x $A$B/x ${A}/x '$A'/x \"$A\"/x"},
		{{JOINED, {"p", "\"$A{}\"", "\"$A{1}{2}b\"", "\"$A {}\"", "'$A{}'"}, {0},
			 {"", "1"}},
			"p \"$A\"\" 1\" \"$A\"\"1b\" \"$A  1\" '$A 1'"},
		{{JOINED, {"p", "\"$(q \"$A{}\" $A{})\"", "$A{#}\"$A{#}\"{#}"}, {0}, {"x"}},
			"p \"$(q \"$A\"\"x\" $A'x')\" $A'7'\"$A\"\"7\"7"},
		{{JOINED, {"p", "$A{=}", "$A{%}"}, {0}, {"x"}}, "p $Ax $A\"$MPBATCH_SLOT\""},
		/* in the brackets of a pattern */
		{{JOINED, {"p", "[{}]", "[a]{}", "a[x{}]", "[", "{}", "]"}, {0}, {"a-c"}},
			"p ['a-c'] [a]a-c a[x'a-c'] [ a-c ]"},
		/* names */
		{{0, {"p", "{a b}", "{c.}", "{d/e}", "{2}", "{c..}"}, {"a b", "c", "c.", "d/e"},
			 {"1", "x.y", "3.z", "4"}},
			"p 1 3.z 4 x.y 3"},
		{{0, {"p", "{2}", "{#}", "{=}", "{%}", "{1.}"}, {"2", "#", "=", "%"},
			 {"a.b", "y", "z", "w"}},
			"p a.b y z w a"},
		{{0, {"p", "{}"}, {"", "-"}, {"a", "b"}}, "p a b"},
		/* text */
		{{TEMPLATE_TEXT, {"runs/{x}/{}/{=x}{#}-{0#}"}, {"x"}, {"a b", "'"}},
			"runs/a b/a b '/a b7-0007"},
		{{TEMPLATE_TEXT, {"a"}, {0}, {"v"}}, "a"},
		{{TEMPLATE_TEXT, {""}, {0}, {"v"}}, ""},
		{{TEMPLATE_TEXT, {"`\\{}'{}'"}, {0}, {"v w"}}, "`\\v w'v w'"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_renders(&cases[i].given, cases[i].expected);
}

/* Each as GNU parallel 20221122 has it: {.} {/} {//} {/.}. */
static void
paths_are_as_parallels(void **state)
{
	(void)state;
	static const char *const cases[][5] = {
		{"a/b.c.d", "a/b.c", "b.c.d", "a", "b.c"},
		{".bashrc", "", ".bashrc", ".", ""},
		{"dir.x/file", "dir.x/file", "file", "dir.x", "file"},
		{"/", "/", "", "/", ""},
		{"a/", "a/", "", ".", ""},
		{"", "", "", ".", ""},
		{"a//b", "a//b", "b", "a", "b"},
		{"a/.b", "a/", ".b", "a", ""},
		{"a.b/.c", "a.b/", ".c", "a.b", ""},
		{"///", "///", "", "/", ""},
		{"/a.b", "/a", "a.b", "/", "a"},
		{"a.", "a", "a.", ".", "a"},
		{"..", ".", "..", ".", "."},
		{"a.b/", "a.b/", "", ".", ""},
		{"a/b/", "a/b/", "", "a", ""},
		{"a/b//", "a/b//", "", "a", ""},
		{"//a", "//a", "a", "/", "a"},
		{"/a/", "/a/", "", "/", ""},
		{"a.b/c.", "a.b/c", "c.", "a.b", "c"},
		{"a//b//c", "a//b//c", "c", "a//b", "c"},
		{"./x", "./x", "x", ".", "x"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[64];
		snprintf(expected, sizeof(expected), "[%s] [%s] [%s] [%s] %s", cases[i][1],
			cases[i][2], cases[i][3], cases[i][4], cases[i][2]);
		assert_renders(&(struct given){TEMPLATE_TEXT, {"[{.}] [{/}] [{//}] [{/.}] {1/}"},
				       {0}, {cases[i][0]}},
			expected);
	}
	assert_renders(&(struct given){TEMPLATE_TEXT, {"[{/}] [{.}] [{//}] {2/.} {n//}"}, {"n"},
			       {"a/b.c", "x/y.z"}},
		"[b.c y.z] [a/b x/y] [a x] y a");
}

static void
bad_templates_are_refused(void **state)
{
	(void)state;
	static const struct {
		struct given given;
		const char *expected;
	} cases[] = {
		{{0, {"p", "--a={rat}"}, {"rate", "seed"}, {"1", "2"}},
			"the template, word 2, column 5: unknown placeholder {rat}: known are {} "
			"{1} {2} "
			"{rate} {seed} {#} {0#} {%} ({{ is a brace)"},
		/* what only a shell knows */
		{{0, {"p", "{}", ">", "out.{#}"}, {0}, {"1"}},
			"the template, word 3: after -- the words are the program's, and no shell "
			"sees '>': expected one word: -- 'p {} > out.{#}' (with a backslash before "
			"what is data)"},
		{{0, {"p", "a b", "2>", "e"}, {0}, {0}}, "-- 'p '\\''a b'\\'' 2> e'"},
		{{0, {"p", "&&", "q"}, {0}, {0}}, "word 2: after --"},
		{{0, {"p", "2>&1"}, {0}, {0}}, "word 2: after --"},
		{{0, {"p", ";"}, {0}, {0}}, "word 2: after --"},
		{{0, {"A=1", "p", "{}"}, {0}, {"1"}},
			"sees 'A=1': expected one word: -- 'A=1 p {}', or --env"},
		{{0, {"p {3}"}, {0}, {"1", "2"}}, "the template, column 3: unknown placeholder "
						  "{3}: known are {} {1} {2} {#} {0#} "
						  "{%} ({{ is a brace)"},
		{{TEMPLATE_TEXT, {"{0}"}, {0}, {"1"}},
			"option --cwd, column 1: unknown placeholder {0}: known are {} {1} {#} "
			"{0#} ({{ is a "
			"brace)"},
		{{0, {"p {}"}, {0}, {0}}, "the template, column 3: unknown placeholder {}: known "
					  "are {#} {0#} {%} ({{ is a "
					  "brace)"},
		{{0, {"p", "{=01}"}, {0}, {"1"}}, NULL},
		{{0, {"p", "{18446744073709551617}"}, {0}, {"1"}}, NULL},
		{{0, {"p", "{=#}"}, {0}, {"1"}}, NULL},
		{{0, {"p", "{ }"}, {0}, {"1"}}, NULL},
		{{0, {"p", "{1./}"}, {0}, {"1"}}, NULL},
		{{0, {"p", "{}", "a{b"}, {0}, {"1"}},
			"the template, word 3, column 2: an unclosed brace ({{ is a brace)"},
		{{0, {"p {{{"}, {0}, {"1"}},
			"the template, column 5: an unclosed brace ({{ is a brace)"},
		{{TEMPLATE_TEXT, {"tmp{%}"}, {0}, {"1"}},
			"option --cwd, column 4: {%} is only for commands"},
		{{0, {"p \"`q {}`\""}, {0}, {"1"}},
			"the template, column 7: a value in backquotes, expected it in $( )"},
		{{0, {"p # {}"}, {0}, {"1"}},
			"the template, column 5: a value in a comment of the shell's"},
		{{JOINED, {"p", "#"}, {0}, {"1"}},
			"the template, word 2, column 2: a value in a comment of the shell's"},
		{{0, {"p \\{}"}, {0}, {"1"}}, "the template, column 4: a value behind a backslash"},
		{{0, {"p <<E\n{}\nE"}, {0}, {"1"}}, "the template, column 7: a value in a "
						    "here-document, where it would be more "
						    "than data ({=} inserts it)"},
		{{0, {"p <<"}, {0}, {"1"}}, NULL}, /* as its end */
		{{0, {"p <<{}\n"}, {0}, {"1"}}, NULL},
		{{0, {"p <<'' x\n{}\nx\n"}, {0}, {"1"}}, NULL},
		{{0, {"p <<E\n\tE\n{}\nE"}, {0}, {"1"}}, NULL},
		{{0, {"p <<E\na\nE"}, {0}, {"1"}}, NULL}, /* appended */
		{{0, {"p <<E <<F\nE\nF\n{}"}, {0}, {"1"}}, NULL},
		{{0, {"p $((1 + (2*{})))"}, {0}, {"1"}},
			"the template, column 13: a value in $(( )), where it would be more than "
			"data ({=} inserts it)"},
		{{0, {"p $((cd {}; q) | r)"}, {0}, {"1"}}, NULL},
		{{0, {"p \"${x:-{}}\""}, {0}, {"1"}},
			"the template, column 9: a value in ${ } in quotes, where it would be more "
			"than data"},
		{{0, {"p \"${x:-\"{}\"}\""}, {0}, {"1"}}, NULL},
		{{0, {"p \"${x#'{}'}\""}, {0}, {"1"}}, NULL},
		{{0, {"p \"$(case a in a) q {};; esac)\""}, {0}, {"1"}},
			"the template, column 21: a value where it is not clear what quotes are "
			"open"},
		{{0, {"p $'{}'"}, {0}, {"1"}},
			"the template, column 5: a value in $' ', which not every shell knows"},
		{{0, {"p $'\\'' {}"}, {0}, {"1"}}, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;
		if (parse(&cases[i].given, &err))
			fail_msg("case %zu was taken", i);
		if (cases[i].expected && !strstr(err.text, cases[i].expected))
			fail_msg("<%s> does not say <%s>", err.text, cases[i].expected);
	}
}

/* However many and long the names are, some of them and the end of the message are there. */
static void
many_columns_fit_a_message(void **state)
{
	(void)state;
	const char *names[1000], *word = "{x}";
	char name[300];
	struct err err;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < 1000; i++)
		names[i] = name;
	struct columns columns = {.names = names};
	for (columns.count = 1; columns.count < 1000; columns.count *= 3) {
		assert_null(
			template_parse(&(struct template_options){.what = "the command template",
					       .words = &word,
					       .nwords = 1,
					       .columns = &columns},
				&err));
		assert_non_null(strstr(err.text, " {nnnn"));
		assert_non_null(strstr(err.text, " {#} {0#} {%} ({{ is a brace)"));
	}
}

static void
templates_tell_what_they_need(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		bool count, index, tells;
	} cases[] = {{"a {}", false, false, false}, {"{#}", false, true, true},
		{"{0#}", true, true, true}, {"{%}", false, false, false},
		{"{}{#}", false, true, false}, {"{#}{}", false, true, false},
		{"{}1{#}", false, true, false}, {"{#}1{}", false, true, false},
		{"{}_{#}_{}", false, true, false}, {"{#}{#}", false, true, false},
		{"1{}_{#}1", false, true, true}, {"1{#}_{}1", false, true, true}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;
		struct template *template =
			parse(&(struct given){0, {cases[i].word}, {0}, {"v"}}, &err);
		assert_non_null(template);
		assert_int_equal(template_needs_count(template), cases[i].count);
		assert_int_equal(template_has_index(template), cases[i].index);
		assert_int_equal(template_tells_index(template), cases[i].tells);
		template_free(template);
	}
	template_free(NULL);
}

static void
padding_is_as_wide_as_the_last(void **state)
{
	(void)state;
	static const struct {
		uint64_t index, count;
		const char *expected;
	} cases[] = {{1, 9, "1"}, {1, 10, "01"}, {99, 100, "099"}, {5, 0, "5"},
		{UINT64_MAX, UINT64_MAX, "18446744073709551615"},
		{1, UINT64_MAX, "00000000000000000001"}};
	struct err err;
	struct template *template = parse(&(struct given){TEMPLATE_TEXT, {"{0#}"}, {0}, {0}}, &err);
	assert_non_null(template);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf buf = {0};
		template_render(template, &(struct row){0}, cases[i].index, cases[i].count, &buf);
		buf_append(&buf, "", 1);
		assert_string_equal(buf.data, cases[i].expected);
		buf_clear(&buf);
	}
	template_free(template);
}

/* --- values are data --- */

static struct value
random_value(void)
{
	static const char *const pieces[] = {"'", "\"", "\\", "$(touch /x)", "`id`", "$HOME", "*",
		"?", "[a-z]", "~", "{a,b}", "{1}", "\n", "\r", " ", "\t", "#", "!", "-n", "--", ";",
		"|", "&&", "<", ">", "%s", "%%", "\\n", "\\", "''", "=", "\x81", "\x88", "\xff"};
	struct buf buf = {0};
	for (size_t left = below(8); left; left--) {
		if (below(2)) {
			buf_append_string(&buf, pieces[below(sizeof(pieces) / sizeof(*pieces))]);
			continue;
		}
		for (size_t n = below(6); n; n--)
			buf_append(&buf, (char[]){(char)(1 + below(255))}, 1);
	}
	buf_append(&buf, "", 1);
	return (struct value){buf.memory, buf.len - 1};
}

/* As the words of a program, each with a NUL behind it. */
static struct buf
expected_output(const struct value *values, size_t count)
{
	struct buf buf = {0};
	for (size_t i = 0; i < count; i++) {
		buf_append(&buf, values[i].text, values[i].len);
		buf_append(&buf, "", 1);
	}
	buf_append_string(&buf, "(status 0)");
	return buf;
}

static void
assert_same(const struct buf *got, const struct buf *expected, const struct buf *command)
{
	if (got->len != expected->len || memcmp(got->data, expected->data, got->len) != 0)
		fail_msg("<%.*s> gave <%.*s>, expected <%.*s>", (int)command->len, command->data,
			(int)got->len, got->data, (int)expected->len, expected->data);
}

static void
assert_direct(const struct buf *command, const struct value *values, size_t count)
{
	struct command direct = {0};
	struct command_cache cache = {0};
	if (!command_prepare(&direct, &cache, command->data, command->len, (char *[]){NULL}))
		fail_msg("<%.*s> went to the shell", (int)command->len, command->data);
	assert_string_equal(direct.file, "/usr/bin/printf");
	assert_string_equal(direct.argv[1], "%s\\0");
	for (size_t i = 0; i < count; i++) {
		assert_non_null(direct.argv[i + 2]);
		assert_int_equal(strlen(direct.argv[i + 2]), values[i].len);
		assert_memory_equal(direct.argv[i + 2], values[i].text, values[i].len);
	}
	assert_null(direct.argv[count + 2]);
	command_clear(&direct);
	command_cache_clear(&cache);
}

static void
values_arrive_unchanged(void **state)
{
	(void)state;
	const char *const argv[] = {"/usr/bin/printf", "{4}", "{1}", "{2}", "{3}"};
	const char *const line[] = {"/usr/bin/printf {4} {1} \"{2}\" '{3}' | cat; exit 0"};
	const char *const nested[] = {"x=\"$(/usr/bin/printf %s_ \"{1}\" '{2}' {3})\"; # don't\n [ "
				      "\"$x\" = {1}_{2}_{3}_ ] "
				      "&& /usr/bin/printf {4} {1}\"{=5}\" {2} {3}"};
	const char *const documents[] = {
		"x=$((1<<2))${y:-\"{1}\"} y=\"${z:-}{1}\"; : <<-'E\"' \"{2}\" # don't\n\" "
		"$(\n\tE\"\n"
		"[ \"$x\" = 4{1} ] && [ \"$y\" = {1} ] && /usr/bin/printf {4} {1} \"{2}\" '{3}'"};
	const struct template_options options[] = {{.words = argv, .nwords = 5, .argv = true},
		{.words = line, .nwords = 1}, {.words = nested, .nwords = 1},
		{.words = documents, .nwords = 1}};
	const struct columns columns = {.count = 5, .names = (const char *[5]){0}};
	struct template *templates[4];
	struct err err;
	for (size_t i = 0; i < 4; i++) {
		struct template_options all = options[i];
		all.columns = &columns;
		all.what = "the template";
		templates[i] = template_parse(&all, &err);
		assert_non_null(templates[i]);
	}
	for (int round = 0; round < 60; round++) {
		struct value values[5] = {
			random_value(), random_value(), random_value(), {"%s\\0", 4}, {"", 0}};
		struct row row = {.count = 5, .values = values};
		struct buf expected = expected_output(values, 3);
		for (size_t i = 0; i < 4; i++) {
			const char *shell = some_shell();
			struct buf command = {0}, again = {0};
			template_render(templates[i], &row, 1, 1, &command);
			if (i == 0)
				assert_direct(&command, values, 3);
			struct buf got = output_of(shell, command.data, command.len);
			assert_same(&got, &expected, &command);
			buf_clear(&got);
			quote_line(&again, command.data, command.len);
			assert_null(memchr(again.data, '\n', again.len));
			got = output_of(shell, again.data, again.len);
			assert_same(&got, &expected, &again);
			buf_clear(&got);
			buf_clear(&again);
			buf_clear(&command);
		}
		buf_clear(&expected);
		for (size_t i = 0; i < 3; i++)
			free((char *)(uintptr_t)values[i].text);
	}
	for (size_t i = 0; i < 4; i++)
		template_free(templates[i]);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_quoted_if_needed),
		cmocka_unit_test(lines_are_kept_or_evaluated),
		cmocka_unit_test(templates_are_rendered),
		cmocka_unit_test(paths_are_as_parallels),
		cmocka_unit_test(bad_templates_are_refused),
		cmocka_unit_test(many_columns_fit_a_message),
		cmocka_unit_test(templates_tell_what_they_need),
		cmocka_unit_test(padding_is_as_wide_as_the_last),
		cmocka_unit_test(values_arrive_unchanged),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)clock_unix_us();
	print_message("seed %u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
