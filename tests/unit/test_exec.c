/* The parts of the executor that need no process, or only one's own children. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/cpus.h"
#include "base/err.h"
#include "base/pack.h"
#include "exec/capture.h"
#include "exec/command.h"
#include "exec/environment.h"
#include "exec/frame.h"
#include "exec/outbox.h"
#include "exec/scheduler.h"
#include "exec/setup.h"
#include "exec/sink.h"
#include "exec/tree.h"
#include "scratch.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

static unsigned int seed; /* `test_exec SEED` repeats a run */

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

/* --- command --- */

static void
lines_that_need_a_shell(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool shell;
	} cases[] = {
		/* nothing a shell would do anything with */
		{"prog", false},
		{"prog a b", false},
		{" \t prog \t a\t", false},
		{"/usr/bin/prog -x --rate=0.1 a=b A=1", false},
		{"./prog a,b a:b a@b a%b a^b a+b a-b a/b a.b", false},
		{"prog a#b #", true},
		{"prog a#b", false},
		{"prog !", true},
		{"prog a! !a b!c", false},
		{"prog caf\xc3\xa9 \xff", false},
		{"prog a\rb", false},
		{"prog if then fi", false},
		{"prog [", true},
		/* every special character, wherever it is */
		{"prog a;b", true},
		{"prog &", true},
		{"prog|x", true},
		{"prog <x", true},
		{"prog >x", true},
		{"prog (", true},
		{"prog )", true},
		{"prog $x", true},
		{"prog `x`", true},
		{"prog \"a\"", true},
		{"prog *", true},
		{"prog a?", true},
		{"prog [ab]", true},
		{"prog ]", true},
		{"prog {a,b}", true},
		{"prog }", true},
		{"prog ~/x", true},
		{"prog a~", true},
		{"prog\na", true},
		{"prog\n", true},
		/* single quotes and backslashes make words; they must be whole */
		{"prog 'a b'", false},
		{"prog a\\ b", false},
		{"prog ';&|<>()$`\\\"*?[]{}~\n#!' \\;\\&\\|\\$\\*\\'\\\\", false},
		{"prog '' a''b\\c'd'", false},
		{"prog 'it'\\''s'", false},
		{"prog '!' \\! '#' \\#a ''#b", false},
		{"prog 'a", true},
		{"prog 'a'\\''", true},
		{"prog a'", true},
		{"prog '\\''", true},
		{"prog a\\", true},
		{"prog \\", true},
		{"prog a\\\nb", true},
		{"prog 'a\\\nb'", false},
		{"prog 'a' $x", true},
		{"prog 'a';", true},
		{"prog 'a'*", true},
		{"prog \"'\" '", true},
		{"prog ! ''", true},
		{"'/my prog/x' a", false},
		{"\\/x", false},
		{"''", true},
		{"'' prog", true},
		{"''''prog", false},
		{"'echo' a", true},
		{"e\\cho a", true},
		{"ec''''''''''''''''''''''''''''ho a", true},
		{"'echo 'a", false},
		{"'if' x", true},
		{"A='x y' prog", true},
		{"A=\\; prog", true},
		{"'A'=1", false},
		{"A'='1", false},
		/* nothing, comments, negations */
		{"", true},
		{" ", true},
		{"\t", true},
		{"# x", true},
		{"#x", true},
		{" #x", true},
		{"prog\t#x", true},
		{"! prog", true},
		{"!prog", false},
		{"prog a !", true},
		{"!", true},
		/* assignments before the first word */
		{"A=1", true},
		{"A=1 prog", true},
		{" _a1= prog", true},
		{"a=b=c prog", true},
		{"A+=1 prog", false},
		{"1A=1", false},
		{"A-B=1", false},
		{"=x", false},
		{"--rate=0.1", false},
		{"./A=1", false},
		/* words that the shell takes for its own */
		{"echo a", true},
		{"\techo", true},
		{"echoes a", false},
		{"ech a", false},
		{"/bin/echo a", false},
		{"printf a", true},
		{"test -f x", true},
		{"true", true},
		{"false", true},
		{":", true},
		{". x", true},
		{"..", false},
		{"kill 1", true},
		{"pwd", true},
		{"time prog", true},
		{"cd x", true},
		{"exec prog", true},
		{"export A", true},
		{"if prog", true},
		{"for i in a", true},
		{"while prog", true},
		{"until prog", true},
		{"case x in", true},
		{"wait", true},
		{"ulimit -c 0", true},
		{"umask 022", true},
		{"eval x", true},
		{"set -e", true},
		{"command x", true},
		{"alias", true},
		{"type x", true},
		{"read x", true},
		{"trap x", true},
		{"source x", true},
		{"select x", true},
		{"function x", true},
		{"unset x", true},
		{"hash", true},
		{"env echo a", false},
		{"a-very-long-command-name-indeed", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (command_needs_shell(cases[i].line, strlen(cases[i].line)) != cases[i].shell)
			fail_msg("\"%s\": expected %s", cases[i].line,
				cases[i].shell ? "the shell" : "no shell");
	assert_true(command_needs_shell("a\0b", 3));
	assert_true(command_needs_shell("a '\0'", 5));
	assert_true(command_needs_shell("a \\\0", 4));
	assert_true(command_needs_shell("prog 'x'", 7)); /* no byte beyond LEN here, either */
	assert_true(command_needs_shell("prog \\x", 6));
	assert_false(command_needs_shell("prog;x", 4)); /* no byte beyond LEN is looked at */
}

static void
quotes_are_undone(void **state)
{
	(void)state;
	static const char line[] = " '/x y'/'p' 'a b'\t'it'\\''s' a'b'\\ c '' \\\\\\' "
				   "'$(x)\n\\' '' \\# ''";
	static const char *const words[] = {
		"/x y/p", "a b", "it's", "ab c", "", "\\'", "$(x)\n\\", "", "#", ""};
	struct command command = {0};
	struct command_cache cache = {0};
	assert_true(command_prepare(&command, &cache, line, sizeof(line) - 1, (char *[]){NULL}));
	assert_string_equal(command.file, "/x y/p");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_string_equal(command.argv[i], words[i]);
	assert_null(command.argv[sizeof(words) / sizeof(words[0])]);
	command_clear(&command);
	command_cache_clear(&cache);
}

static void
make_program(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* PATH=…, from what comes below the scratch directory. */
static char *
path_entry(char *room, size_t size, const char *a, const char *b)
{
	snprintf(room, size, "PATH=%s/%s:%s/%s", scratch_path, a, scratch_path, b);
	return room;
}

static bool
prepare(struct command *command, struct command_cache *cache, const char *line, char *path)
{
	char *environment[] = {(char *)(uintptr_t) "HOME=/", path, NULL};
	return command_prepare(command, cache, line, strlen(line), environment);
}

static void
assert_file(const struct command *command, const char *below_scratch)
{
	char expected[4200];
	snprintf(expected, sizeof(expected), "%s/%s", scratch_path, below_scratch);
	assert_string_equal(command->file, expected);
}

static void
words_are_found_in_path(void **state)
{
	(void)state;
	struct command command = {0};
	struct command_cache cache = {0};
	char path[9000];
	mkdir("one", 0700);
	mkdir("two", 0700);
	mkdir("one/inboth", 0700); /* a directory is no program */
	make_program("one/notexec", 0644);
	make_program("two/inboth", 0755);
	make_program("two/notexec", 0755);
	make_program("two/second", 0755);
	path_entry(path, sizeof(path), "one", "two");
	assert_true(prepare(&command, &cache, " second a  b\tc ", path));
	assert_file(&command, "two/second");
	static const char *const words[] = {"second", "a", "b", "c"};
	for (int i = 0; i < 4; i++)
		assert_string_equal(command.argv[i], words[i]);
	assert_null(command.argv[4]);
	assert_true(prepare(&command, &cache, "inboth", path));
	assert_file(&command, "two/inboth");
	assert_null(command.argv[1]);
	assert_true(prepare(&command, &cache, "notexec", path));
	assert_file(&command, "two/notexec");
	assert_false(prepare(&command, &cache, "nowhere", path));
	assert_null(command.file);
	assert_false(prepare(&command, &cache, "echo a", path));
	assert_null(command.file);
	assert_true(prepare(&command, &cache, "./not/there x", path)); /* execve will say */
	assert_string_equal(command.file, "./not/there");
	char *no_path[] = {NULL};
	assert_false(command_prepare(&command, &cache, "second", 6, no_path));
	assert_true(command_prepare(&command, &cache, "/x/second", 9, no_path));
	command_clear(&command);
	command_cache_clear(&cache);
	command_clear(&command);
	command_cache_clear(&cache);
}

/* Before the shell would search a relative or empty entry, it takes over. */
static void
relative_entries_are_the_shells(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after;
		bool found;
	} cases[] = {
		{"", "", true},
		{"", ":.", true},
		{"", "::", true},
		{"", ":two", true},
		{".:", "", false},
		{"two:", "", false},
		{":", "", false},
		{"/no/such:", "", true},
		{"/no/such::", "", false},
		{"/:", "", true},
	};
	mkdir("two", 0700);
	make_program("two/second", 0755);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct command command = {0};
		struct command_cache cache = {0};
		char path[9000];
		snprintf(path, sizeof(path), "PATH=%s%s/two%s", cases[i].before, scratch_path,
			cases[i].after);
		if (prepare(&command, &cache, "second", path) != cases[i].found)
			fail_msg("%s: expected %s", path, cases[i].found ? "found" : "the shell");
		command_clear(&command);
		command_cache_clear(&cache);
	}
}

static void
cache_forgets(void **state)
{
	(void)state;
	struct command command = {0};
	struct command_cache cache = {0};
	char path[9000], other_path[9000];
	mkdir("one", 0700);
	mkdir("two", 0700);
	make_program("one/moving", 0755);
	make_program("two/moving", 0755);
	path_entry(path, sizeof(path), "one", "two");
	path_entry(other_path, sizeof(other_path), "two", "one");
	assert_true(prepare(&command, &cache, "moving", path));
	assert_file(&command, "one/moving");
	unlink("one/moving");
	assert_true(prepare(&command, &cache, "moving", path));
	assert_file(&command, "one/moving"); /* remembered */
	command_forget(&cache, &command);
	assert_true(prepare(&command, &cache, "moving", path));
	assert_file(&command, "two/moving");
	make_program("one/moving", 0755);
	assert_true(prepare(&command, &cache, "moving", path));
	assert_file(&command, "two/moving");
	assert_true(prepare(&command, &cache, "./x", other_path)); /* was never remembered */
	command_forget(&cache, &command);
	unlink("two/moving");
	assert_true(prepare(&command, &cache, "moving", other_path)); /* another PATH */
	assert_file(&command, "one/moving");
	command_clear(&command);
	command_cache_clear(&cache);
}

/* More words than the cache has entries: they push each other out, and are all found. */
static void
cache_overflows_well(void **state)
{
	(void)state;
	struct command command = {0};
	struct command_cache cache = {0};
	char path[9000], name[32], file[64];
	mkdir("many", 0700);
	path_entry(path, sizeof(path), "nowhere", "many");
	for (int i = 0; i < 300; i++) {
		snprintf(file, sizeof(file), "many/prog%d", i);
		make_program(file, 0755);
	}
	for (int i = 0; i < 3000; i++) {
		int which = (int)below(300);
		snprintf(name, sizeof(name), "prog%d x", which);
		snprintf(file, sizeof(file), "many/prog%d", which);
		assert_true(prepare(&command, &cache, name, path));
		assert_file(&command, file);
		if (below(10) == 0)
			command_forget(&cache, &command);
	}
	command_clear(&command);
	command_cache_clear(&cache);
}

static void
exported_functions_are_the_shells(void **state)
{
	(void)state;
	struct command command = {0};
	struct command_cache cache = {0};
	char *environment[] = {(char *)(uintptr_t) "BASH_FUNC_sleep%%=() { echo mine; }",
		(char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL};
	assert_false(command_prepare(&command, &cache, "sleep 1", 7, environment));
	assert_true(command_prepare(&command, &cache, "/bin/sleep 1", 12, environment));
	assert_true(command_prepare(&command, &cache, "cat sleep", 9, environment));
	environment[0] = (char *)(uintptr_t) "BASH_FUNC_sleep2%%=() { echo mine; }";
	assert_true(command_prepare(&command, &cache, "sleep 1", 7, environment));
	command_clear(&command);
	command_cache_clear(&cache);
}

static void
many_words_are_split(void **state)
{
	(void)state;
	struct command command = {0};
	struct command_cache cache = {0};
	for (int words = 1; words < 2000; words += 1 + words / 7) {
		struct buf line = {0};
		buf_append_string(&line, "/bin/x");
		for (int i = 1; i < words; i++)
			buf_printf(&line, "%s%d", i % 3 ? " " : " \t ", i);
		assert_true(
			command_prepare(&command, &cache, line.data, line.len, (char *[]){NULL}));
		char number[16];
		for (int i = 1; i < words; i++) {
			snprintf(number, sizeof(number), "%d", i);
			assert_string_equal(command.argv[i], number);
		}
		assert_null(command.argv[words]);
		buf_clear(&line);
	}
	command_clear(&command);
	command_cache_clear(&cache);
}

/* --- environment --- */

static char **
words(const char *const *from)
{
	return (char **)(uintptr_t)from;
}

static const char *
value(char **vector, const char *name)
{
	const char *found = environment_get(vector, name);
	return found ? found : "(unset)";
}

static int
times_set(char **vector, const char *name)
{
	int times = 0;
	size_t len = strlen(name);
	for (; *vector; vector++)
		times += strncmp(*vector, name, len) == 0 && (*vector)[len] == '=';
	return times;
}

static void
launcher_variables_are_known(void **state)
{
	(void)state;
	static const char *const theirs[] = {"OMPI_COMM_WORLD_SIZE", "OMPI_", "PMIX_RANK",
		"PMI_SIZE", "PMI2_X", "PRTE_X", "ORTE_X", "HYDI_CONTROL_FD", "HYDRA_X", "PALS_X",
		"ALPS_APP_PE", "JSM_NAMESPACE_RANK", "MV2_COMM_WORLD_RANK", "MVP_COMM_WORLD_RANK",
		"SLURM_STEPID", "SLURM_STEP_NUM_TASKS", "SLURM_SRUN_COMM_PORT", "SLURM_CPU_BIND",
		"SLURM_CPU_BIND_LIST", "SLURM_MEM_BIND", "SLURM_PMIX_X", "SLURM_GTIDS",
		"MPI_LOCALRANKID", "MPI_LOCALNRANKS", "SLURM_PROCID", "SLURM_LOCALID",
		"SLURM_NODEID", "SLURM_TASK_PID", "SLURM_LAUNCH_NODE_IPADDR", "SLURM_MPI_TYPE",
		"SLURM_NTASKS", "SLURM_NPROCS", "SLURM_TASKS_PER_NODE", "SLURM_DISTRIBUTION",
		"SLURM_CPUS_PER_TASK", "I_MPI_PMI_LIBRARY", "NOTIFY_SOCKET", "IPATH_NO_BACKTRACE",
		"HFI_NO_BACKTRACE"};
	static const char *const users[] = {"PATH", "HOME", "SLURM_JOB_ID", "SLURM_SUBMIT_DIR",
		"SLURM_ARRAY_TASK_ID", "SLURM_JOB_CPUS_PER_NODE", "TMPDIR", "OPAL_PREFIX",
		"I_MPI_ROOT", "UCX_TLS", "FI_PROVIDER", "XOMPI_A", "OMPI", "PMI", "SLURM_NTASKS_X",
		"SLURM_PROCI", "MPI_LOCALRANKID2", "MV2_ENABLE_AFFINITY", "SLURM_CPUS_ON_NODE", ""};
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		if (!environment_is_launcher(theirs[i], strlen(theirs[i])))
			fail_msg("%s is a launcher's", theirs[i]);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (environment_is_launcher(users[i], strlen(users[i])))
			fail_msg("%s is not a launcher's", users[i]);
	assert_false(environment_is_launcher("PMI_SIZE", 3));
}

static void
tasks_see_their_environment(void **state)
{
	(void)state;
	static const char *const from[] = {"PATH=/bin", "OMPI_COMM_WORLD_SIZE=4", "SLURM_JOB_ID=1",
		"PMI_RANK=2", "OMPI_MCA_btl=self", "EMPTY=", "SLURM_NTASKS=8", "OMP_NUM_THREADS=7",
		"MPBATCH_INDEX=99", "MPBATCH_SLOT=98", "MPBATCH_NTASKS=97", "MPBATCH_DEPTH=2",
		"MPBATCH_RETRIES=2", "A=b=c", NULL};
	struct setup setup = {.rank = 3,
		.slot = 5,
		.threads = 2,
		.depth = 3,
		.ntasks = 10,
		.keep = (char *)(uintptr_t) "X*\nOMPI_MCA_*\nSLURM_NTASKS"};
	struct cpus cpus = {0};
	for (int i = 4; i < 8; i++)
		cpus_add(&cpus, i);
	struct environment environment;
	environment_init(&environment, words(from), &setup, &cpus);
	struct task *task =
		task_new(&(struct task){.index = 12345678901234567890u, .attempt = 65535});
	char **vector = environment_for(&environment, task);
	task_free(task);
	static const char *const expected[][2] = {{"PATH", "/bin"}, {"SLURM_JOB_ID", "1"},
		{"EMPTY", ""}, {"A", "b=c"}, {"OMPI_COMM_WORLD_SIZE", "(unset)"},
		{"PMI_RANK", "(unset)"}, {"OMPI_MCA_btl", "self"}, {"SLURM_NTASKS", "8"},
		{"OMP_NUM_THREADS", "7"}, {"MKL_NUM_THREADS", "2"}, {"OPENBLAS_NUM_THREADS", "2"},
		{"MPBATCH_INDEX", "12345678901234567890"}, {"MPBATCH_ATTEMPT", "65535"},
		{"MPBATCH_RANK", "3"}, {"MPBATCH_SLOT", "5"}, {"MPBATCH_CPUS", "4-7"},
		{"MPBATCH_NTASKS", "10"}, {"MPBATCH_DEPTH", "3"}, {"MPBATCH_RETRIES", "2"},
		{"NOT", "(unset)"}};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_string_equal(value(vector, expected[i][0]), expected[i][1]);
		assert_in_range(times_set(vector, expected[i][0]), 0, 1);
	}
	char cwd[4096];
	assert_string_equal(value(vector, "PWD"), getcwd(cwd, sizeof(cwd)));
	environment_clear(&environment);
	environment_clear(&environment);
}

static void
unknown_number_is_not_told(void **state)
{
	(void)state;
	static const char *const from[] = {"PWD=/elsewhere", "MPBATCH_NTASKS=5", NULL};
	struct setup setup = {.keep = (char *)(uintptr_t) ""};
	struct environment environment;
	environment_init(&environment, words(from), &setup, &(struct cpus){0});
	struct task *task = task_new(&(struct task){.index = 0, .attempt = 0});
	char **vector = environment_for(&environment, task);
	task_free(task);
	assert_string_equal(value(vector, "MPBATCH_NTASKS"), "(unset)");
	assert_string_equal(value(vector, "MPBATCH_INDEX"), "0");
	assert_string_equal(value(vector, "MPBATCH_CPUS"), "");
	assert_string_equal(value(vector, "PWD"), "/elsewhere");
	environment_clear(&environment);
}

/* What a task brings holds for that task alone; the index changes from task to task. */
static void
tasks_own_variables_override(void **state)
{
	(void)state;
	static const char *const from[] = {"PATH=/bin", "A=1", "AB=2", NULL};
	static const char own[] = "A=mine\0NEW=x\0MPBATCH_SLOT=task\0OMPI_X=kept\0A=again\0EMPTY=";
	struct setup setup = {.slot = 5, .keep = (char *)(uintptr_t) ""};
	struct environment environment;
	environment_init(&environment, words(from), &setup, &(struct cpus){0});
	struct task *with = task_new(
		&(struct task){.index = 1, .attempt = 1, .env = own, .env_len = sizeof(own)});
	struct task *without = task_new(&(struct task){.index = 2, .attempt = 3});
	for (int i = 0; i < 3; i++) {
		char **vector = environment_for(&environment, with);
		assert_string_equal(value(vector, "A"), "again");
		assert_int_equal(times_set(vector, "A"), 1);
		assert_string_equal(value(vector, "AB"), "2");
		assert_string_equal(value(vector, "NEW"), "x");
		assert_string_equal(value(vector, "EMPTY"), "");
		assert_string_equal(value(vector, "MPBATCH_SLOT"), "task");
		assert_string_equal(value(vector, "OMPI_X"), "kept");
		assert_string_equal(value(vector, "MPBATCH_INDEX"), "1");
		vector = environment_for(&environment, without);
		assert_string_equal(value(vector, "A"), "1");
		assert_string_equal(value(vector, "NEW"), "(unset)");
		assert_string_equal(value(vector, "MPBATCH_SLOT"), "5");
		assert_string_equal(value(vector, "MPBATCH_INDEX"), "2");
		assert_string_equal(value(vector, "MPBATCH_ATTEMPT"), "3");
	}
	task_free(with);
	task_free(without);
	environment_clear(&environment);
}

static void
directory_is_in_pwd(void **state)
{
	(void)state;
	static const char *const from[] = {"PWD=/wrong", NULL};
	static const char own[] = "PWD=/asked";
	struct setup setup = {.keep = (char *)(uintptr_t) ""};
	struct environment environment;
	environment_init(&environment, words(from), &setup, &(struct cpus){0});
	struct task *absolute = task_new(&(struct task){.cwd = "/some/dir"});
	struct task *relative = task_new(&(struct task){.cwd = "sub/dir"});
	struct task *asked =
		task_new(&(struct task){.cwd = "/some/dir", .env = own, .env_len = sizeof(own)});
	char here[4096], expected[4200];
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/sub/dir", here);
	assert_string_equal(value(environment_for(&environment, absolute), "PWD"), "/some/dir");
	assert_string_equal(value(environment_for(&environment, relative), "PWD"), expected);
	assert_string_equal(value(environment_for(&environment, asked), "PWD"), "/asked");
	task_free(absolute);
	task_free(relative);
	task_free(asked);
	environment_clear(&environment);
}

static void
masters_environment_replaces_ours(void **state)
{
	(void)state;
	static const char *const from[] = {"PATH=/bin", "OURS=1", "OMP_NUM_THREADS=3", NULL};
	static const char master[] = "PATH=/master\0THEIRS=2\0OMPI_X=1\0MPBATCH_RANK=7";
	struct setup setup = {.rank = 1,
		.threads = 4,
		.keep = (char *)(uintptr_t) "",
		.environment = master,
		.environment_len = sizeof(master)};
	struct environment environment;
	environment_init(&environment, words(from), &setup, &(struct cpus){0});
	struct task *task = task_new(&(struct task){.index = 1});
	char **vector = environment_for(&environment, task);
	assert_string_equal(value(vector, "PATH"), "/master");
	assert_string_equal(value(vector, "OURS"), "(unset)");
	assert_string_equal(value(vector, "THEIRS"), "2");
	assert_string_equal(value(vector, "OMPI_X"), "(unset)");
	assert_string_equal(value(vector, "MPBATCH_RANK"), "1");
	assert_string_equal(value(vector, "OMP_NUM_THREADS"), "4");
	task_free(task);
	environment_clear(&environment);
}

static void
many_variables_are_carried(void **state)
{
	(void)state;
	static char texts[1000][16];
	static char *from[1001];
	for (int i = 0; i < 1000; i++) {
		snprintf(texts[i], sizeof(texts[i]), "V%d=%d", i, i * 7);
		from[i] = texts[i];
	}
	struct setup setup = {.keep = (char *)(uintptr_t) ""};
	struct environment environment;
	environment_init(&environment, from, &setup, &(struct cpus){0});
	struct task *task = task_new(&(struct task){.index = 1, .cwd = "/x"});
	char **vector = environment_for(&environment, task);
	assert_string_equal(value(vector, "V999"), "6993");
	assert_string_equal(value(vector, "V0"), "0");
	task_free(task);
	environment_clear(&environment);
}

/* --- setup --- */

static void
setup_survives_packing(void **state)
{
	(void)state;
	static const char environment[] = "A=1\0B=2";
	struct setup setup = {.rank = 63,
		.slot = 4000,
		.threads = 16,
		.depth = 4294967295u,
		.ntasks = UINT64_C(1) << 40,
		.spool_bytes = UINT64_C(5) << 33,
		.session = 12,
		.output = OUTPUT_STORE,
		.remove_empty = true,
		.stray = STRAY_KEEP,
		.tmpdir = (char *)(uintptr_t) "/tmp/x y",
		.run_dir = (char *)(uintptr_t) "/run/a",
		.keep = (char *)(uintptr_t) "A*\nB*",
		.environment = environment,
		.environment_len = sizeof(environment)};
	cpus_add(&setup.cpus, 0);
	cpus_add(&setup.cpus, 4095);
	struct buf buf = {0};
	setup_pack(&buf, &setup);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct setup out;
	assert_true(setup_unpack(&in, &out));
	assert_int_equal(out.rank, 63);
	assert_int_equal(out.slot, 4000);
	assert_int_equal(out.threads, 16);
	assert_int_equal(out.depth, setup.depth);
	assert_int_equal(out.ntasks, setup.ntasks);
	assert_int_equal(out.spool_bytes, setup.spool_bytes);
	assert_int_equal(out.session, 12);
	assert_int_equal(out.output, OUTPUT_STORE);
	assert_true(out.remove_empty && !out.keep_failed_only);
	assert_string_equal(out.run_dir, "/run/a");
	assert_int_equal(out.stray, STRAY_KEEP);
	assert_true(cpus_equal(&out.cpus, &setup.cpus));
	assert_string_equal(out.tmpdir, setup.tmpdir);
	assert_string_equal(out.keep, setup.keep);
	assert_int_equal(out.environment_len, sizeof(environment));
	assert_memory_equal(out.environment, environment, sizeof(environment));
	free(out.tmpdir);
	free(out.run_dir);
	free(out.keep);
	for (size_t len = 0; len < buf.len; len++) {
		char *cut = test_malloc(len + 1);
		memcpy(cut, buf.data, len);
		in = unpack_init(cut, len);
		assert_false(setup_unpack(&in, &out));
		free(out.tmpdir);
		free(out.run_dir);
		free(out.keep);
		test_free(cut);
	}
	setup.output = OUTPUT_MODES;
	setup.run_dir = NULL;
	buf_clear(&buf);
	setup_pack(&buf, &setup);
	in = unpack_init(buf.data, buf.len);
	assert_false(setup_unpack(&in, &out));
	assert_string_equal(out.run_dir, "");
	free(out.tmpdir);
	free(out.run_dir);
	free(out.keep);
	buf_clear(&buf);
}

/* --- capture --- */

enum { MODEL_BYTES = 4 << 20 };

static int pipe_ends[2];

static void
open_pipe(void)
{
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static void
close_pipe(void)
{
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static char *
random_bytes(size_t size)
{
	char *bytes = test_malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)rand_r(&seed);
	return bytes;
}

/* What a capture went through: bytes written to the pipe, and of these taken out again. */
struct passage {
	const char *bytes;
	size_t size, written, taken;
	uint64_t most; /* the capture ever held */
	int full;
};

static void
write_some(struct passage *passage, size_t len)
{
	if (len > passage->size - passage->written)
		len = passage->size - passage->written;
	ssize_t put = len ? write(pipe_ends[1], passage->bytes + passage->written, len) : 0;
	passage->written += put > 0 ? (size_t)put : 0;
}

static void
read_some(struct passage *passage, struct capture *capture, const struct capture_options *options)
{
	passage->full += !capture_read(capture, 1, pipe_ends[0], options);
	uint64_t held = capture_pending(capture, 1);
	passage->most = held > passage->most ? held : passage->most;
	assert_int_equal(capture->streams[1].total, passage->taken + held);
}

static void
take_some(struct passage *passage, struct capture *capture, const struct capture_options *options,
	size_t size)
{
	struct buf out = {0};
	buf_append_string(&out, "head");
	uint64_t held = capture_pending(capture, 1);
	size_t taken = capture_take(capture, 1, &out, size, options);
	assert_int_equal(taken, size < held ? size : held);
	assert_int_equal(out.len, 4 + taken);
	assert_memory_equal(out.data, "head", 4);
	assert_memory_equal(out.data + 4, passage->bytes + passage->taken, taken);
	passage->taken += taken;
	assert_int_equal(capture_pending(capture, 1), held - taken);
	buf_clear(&out);
}

/* Random writes, reads and takes; every byte comes out once, in order, whatever the spool is. */
static void
pass_through(const struct capture_options *options, size_t size, size_t write_max, size_t take_max,
	struct passage *passage)
{
	char *bytes = random_bytes(size);
	struct capture capture = {0};
	*passage = (struct passage){.bytes = bytes, .size = size};
	open_pipe();
	for (int step = 0; passage->taken < size; step++) {
		assert_in_range(step, 0, 1000000);
		if (below(4))
			write_some(passage, 1 + below(write_max));
		if (below(2))
			read_some(passage, &capture, options);
		if (passage->written == size || below(3) == 0)
			take_some(passage, &capture, options, below(take_max));
	}
	read_some(passage, &capture, options);
	assert_int_equal(capture_pending(&capture, 0) + capture_pending(&capture, 1), 0);
	close_pipe();
	capture_clear(&capture);
	test_free(bytes);
}

static void
ring_keeps_every_byte_in_order(void **state)
{
	(void)state;
	static const uint64_t limits[] = {1, 1000, 4096, 65536, 65537, 300000, 8 << 20};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = limits[i]};
		struct passage passage;
		pass_through(&options, 2 << 20, 60000, 40000, &passage);
		assert_in_range(passage.most, 1, CAPTURE_MEMORY_BYTES + limits[i]);
		if (limits[i] <= 300000)
			assert_true(passage.full > 0);
	}
}

static void
small_outputs_stay_in_memory(void **state)
{
	(void)state;
	struct capture_options options = {.tmpdir = "/no/such/dir", .spool_bytes = 1 << 20};
	struct capture capture = {0};
	enum { SIZE = CAPTURE_MEMORY_BYTES - 1 };
	char *bytes = random_bytes(SIZE);
	struct passage passage = {.bytes = bytes, .size = SIZE};
	open_pipe();
	while (passage.written < passage.size) {
		write_some(&passage, 5000);
		read_some(&passage, &capture, &options);
	}
	assert_int_equal(capture.streams[1].spool_fd, 0);
	assert_memory_equal(capture.streams[1].memory.data, bytes, SIZE);
	take_some(&passage, &capture, &options, SIZE_MAX);
	assert_int_equal(passage.taken, passage.size);
	close_pipe();
	capture_clear(&capture);
	test_free(bytes);
}

/* Where nothing can be spooled a stream is full, and nothing of it is lost. */
static void
unwritable_tmpdir_is_backpressure(void **state)
{
	(void)state;
	struct capture_options options = {.tmpdir = "/no/such/dir", .spool_bytes = 1 << 20};
	struct passage passage;
	pass_through(&options, 1 << 20, 60000, 40000, &passage);
	assert_in_range(passage.most, 1, CAPTURE_MEMORY_BYTES);
	assert_true(passage.full > 0);
}

/* The same for a disk that becomes full in between: RLIMIT_FSIZE is one. */
static void
full_disk_is_backpressure(void **state)
{
	(void)state;
	struct rlimit before, limited;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limited = before;
	limited.rlim_cur = 100000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	struct passage passage;
	pass_through(&options, 2 << 20, 60000, 20000, &passage);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_in_range(passage.most, CAPTURE_MEMORY_BYTES, CAPTURE_MEMORY_BYTES + 100000);
	assert_true(passage.full > 0);
}

static void
spools_leave_no_file(void **state)
{
	(void)state;
	mkdir("spools", 0700);
	struct capture_options options = {.tmpdir = "spools", .spool_bytes = 1 << 20};
	struct capture capture = {0};
	char *bytes = random_bytes(300000);
	struct passage passage = {.bytes = bytes, .size = 300000};
	open_pipe();
	while (passage.written < passage.size) {
		write_some(&passage, 50000);
		read_some(&passage, &capture, &options);
	}
	assert_true(capture.streams[1].spool_fd > 0);
	assert_int_equal(capture.streams[0].spool_fd, 0);
	assert_int_equal(rmdir("spools"), 0);
	take_some(&passage, &capture, &options, SIZE_MAX);
	close_pipe();
	capture_clear(&capture);
	test_free(bytes);
}

/* Whatever is written, taken and spooled when: lines come whole, in order, and all of them. */
static void
lines_are_taken_whole(void **state)
{
	(void)state;
	enum { LINES = 60000, SIZE = 4000 };
	struct capture_options options = {
		.tmpdir = scratch_path, .spool_bytes = 200000, .lines = true};
	struct buf text = {0}, out = {0};
	for (int i = 0; i < LINES; i++)
		buf_printf(&text, "%.*s\n", (int)below(30), "abcdefghijklmnopqrstuvwxyz01234");
	buf_append_string(&text, "unfinished");
	struct capture capture = {0};
	struct passage passage = {.bytes = text.data, .size = text.len};
	open_pipe();
	for (int step = 0; passage.written < text.len || capture_pending(&capture, 1) > 10;
		step++) {
		assert_in_range(step, 0, 1000000);
		if (below(2))
			write_some(&passage, 1 + below(60000));
		capture_read(&capture, 1, pipe_ends[0], &options);
		size_t taken =
			below(3) ? 0 : capture_take_lines(&capture, 1, &out, SIZE, false, &options);
		assert_in_range(taken, 0, SIZE);
		assert_true(!taken || out.data[out.len - 1] == '\n');
	}
	assert_int_equal(capture_take_lines(&capture, 1, &out, SIZE, false, &options), 0);
	assert_int_equal(capture_take_lines(&capture, 1, &out, SIZE, true, &options), 10);
	assert_int_equal(out.len, text.len);
	assert_memory_equal(out.data, text.data, text.len);
	close_pipe();
	capture_clear(&capture);
	buf_clear(&text);
	buf_clear(&out);
}

static void
dropped_captures_are_empty(void **state)
{
	(void)state;
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	struct capture capture = {0};
	char *data = random_bytes(300000);
	struct passage passage = {.bytes = data, .size = 300000};
	open_pipe();
	for (int round = 0; round < 2; round++) {
		for (passage.written = passage.taken = 0; passage.written < passage.size;) {
			write_some(&passage, 50000);
			assert_true(capture_read(&capture, 1, pipe_ends[0], &options));
		}
		if (round == 0)
			capture_drop(&capture);
	}
	assert_int_equal(capture.streams[1].total, 600000);
	take_some(&passage, &capture, &options, SIZE_MAX);
	assert_int_equal(passage.taken, 300000);
	close_pipe();
	capture_clear(&capture);
	test_free(data);
}

/* Descriptors 1 and 2 are the writing ends; this runs in a child, which needs its own for that. */
static int
use_pipes(void)
{
	struct capture_pipes pipes = {0};
	struct capture capture = {0};
	struct capture_options options = {.tmpdir = "/tmp", .spool_bytes = 1000};
	struct err err;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2 && round; i++)
			close(pipes.fds[i]);
		if (capture_pipes_new(&pipes, &err) < 0 || pipes.fds[0] < 3 || pipes.fds[1] < 3)
			return 1;
		dprintf(1, "out%d", round);
		dprintf(2, "err%d", round);
		for (int i = 0; i < 2; i++)
			if (!capture_read(&capture, i, pipes.fds[i], &options))
				return 2;
	}
	if (fcntl(1, F_GETFD) & FD_CLOEXEC || !(fcntl(pipes.fds[0], F_GETFD) & FD_CLOEXEC))
		return 3;
	if (fcntl(1, F_GETFL) & O_NONBLOCK || !(fcntl(pipes.fds[1], F_GETFL) & O_NONBLOCK))
		return 4;
	for (int fd = 3; fd < 100; fd++) /* nothing of earlier rounds is open */
		if (fd != pipes.fds[0] && fd != pipes.fds[1] && fcntl(fd, F_GETFD) >= 0)
			return 5;
	struct buf out = {0};
	capture_take(&capture, 0, &out, 100, &options);
	capture_take(&capture, 1, &out, 100, &options);
	return out.len == 24 && memcmp(out.data, "out0out1out2err0err1err2", 24) == 0 ? 0 : 6;
}

static void
pipes_are_renewed(void **state)
{
	(void)state;
	fflush(stdout);
	fflush(stderr);
	pid_t pid = fork();
	if (pid == 0) {
		for (int fd = 3; fd < 100; fd++)
			close(fd);
		_exit(use_pipes());
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- outbox --- */

struct link {
	struct conn near, far;
};

static void
link_open(struct link *link)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	link->near = conn_init(ends[0]);
	link->far = conn_init(ends[1]);
}

static void
link_close(struct link *link)
{
	conn_clear(&link->near);
	conn_clear(&link->far);
}

/* What arrived at the far end, per SEQ (below 8). */
struct arrived {
	struct buf bytes[8][2];
	int chunks[8];
	bool ended[8];
};

static void
arrive(struct link *link, struct arrived *arrived)
{
	uint8_t type;
	struct unpack in;
	while (link->near.out.len) {
		assert_true(conn_write(&link->near));
		assert_true(conn_read(&link->far));
	}
	while (conn_next(&link->far, &type, &in)) {
		uint64_t seq = unpack_u64(&in);
		assert_in_range(seq, 0, 7);
		assert_false(arrived->ended[seq]);
		if (type == FRAME_OUT_END) {
			arrived->ended[seq] = true;
			assert_true(unpack_ok(&in));
			continue;
		}
		assert_int_equal(type, FRAME_CHUNK);
		int stream = unpack_u8(&in);
		size_t len;
		const char *bytes = unpack_bytes(&in, &len);
		assert_true(unpack_ok(&in));
		assert_in_range(stream, 1, 2);
		assert_in_range(len, 1, EXEC_CHUNK_BYTES);
		buf_append(&arrived->bytes[seq][stream - 1], bytes, len);
		arrived->chunks[seq]++;
	}
}

static void
arrived_clear(struct arrived *arrived)
{
	for (int i = 0; i < 8; i++)
		for (int k = 0; k < 2; k++)
			buf_clear(&arrived->bytes[i][k]);
}

/* A capture that holds these bytes in stream I. */
static void
fill_capture(struct capture *capture, int i, const char *bytes, size_t size,
	const struct capture_options *options)
{
	struct passage passage = {.bytes = bytes, .size = size};
	open_pipe();
	while (passage.written < size) {
		write_some(&passage, 60000);
		assert_true(capture_read(capture, i, pipe_ends[0], options));
	}
	close_pipe();
}

static void
outbox_sends_by_credit(void **state)
{
	(void)state;
	enum { SIZE = 300000 };
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	char *bytes = random_bytes(2 * SIZE);
	struct capture capture = {0};
	fill_capture(&capture, 0, bytes, SIZE, &options);
	fill_capture(&capture, 1, bytes + SIZE, SIZE, &options);
	struct outbox outbox = {0};
	struct link link;
	struct arrived arrived = {0};
	link_open(&link);
	outbox_add(&outbox, 3, &capture, 2);
	assert_int_equal(capture_pending(&capture, 0), 0);
	outbox_credit(&outbox, 4, 100); /* not here */
	int allowed = 2;
	for (int i = 0; i < 1000 && !arrived.ended[3]; i++) {
		outbox_turn(&outbox, &link.near, &options);
		arrive(&link, &arrived);
		assert_in_range(arrived.chunks[3], 0, allowed);
		assert_true(arrived.chunks[3] == allowed || arrived.ended[3]);
		uint32_t more = (uint32_t)below(3);
		outbox_credit(&outbox, 3, more);
		allowed += (int)more;
	}
	assert_true(arrived.ended[3]);
	assert_int_equal(outbox.count, 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(arrived.bytes[3][k].len, SIZE);
		assert_memory_equal(arrived.bytes[3][k].data, bytes + k * SIZE, SIZE);
	}
	arrived_clear(&arrived);
	link_close(&link);
	test_free(bytes);
}

static void
outbox_holds_a_few(void **state)
{
	(void)state;
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	char *bytes = random_bytes(OUTBOX_MAX * 70000);
	struct outbox outbox = {0};
	struct link link;
	struct arrived arrived = {0};
	link_open(&link);
	for (uint64_t i = 0; i < OUTBOX_MAX; i++) {
		assert_false(outbox_full(&outbox));
		struct capture capture = {0};
		fill_capture(&capture, (int)i % 2, bytes + i * 70000, 70000, &options);
		outbox_add(&outbox, i, &capture, 0);
	}
	assert_true(outbox_full(&outbox));
	outbox_turn(&outbox, &link.near, &options);
	arrive(&link, &arrived);
	assert_true(outbox_full(&outbox));
	static const uint64_t order[] = {2, 0, 3, 1};
	for (int i = 0; i < OUTBOX_MAX; i++) {
		uint64_t seq = order[i];
		outbox_credit(&outbox, seq, 2);
		outbox_turn(&outbox, &link.near, &options);
		arrive(&link, &arrived);
		assert_true(arrived.ended[seq]);
		assert_int_equal(outbox.count, OUTBOX_MAX - 1 - i);
		assert_int_equal(arrived.bytes[seq][seq % 2].len, 70000);
		assert_memory_equal(arrived.bytes[seq][seq % 2].data, bytes + seq * 70000, 70000);
	}
	arrived_clear(&arrived);
	link_close(&link);
	outbox_clear(&outbox);
	test_free(bytes);
}

/* A rank that does not read: what is in memory stays little, whatever its credit. */
static void
outbox_puts_little_into_the_connection(void **state)
{
	(void)state;
	enum { SIZE = 3 << 20 };
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 8 << 20};
	char *bytes = random_bytes(SIZE);
	struct capture capture = {0};
	fill_capture(&capture, 0, bytes, SIZE, &options);
	struct outbox outbox = {0};
	struct link link;
	struct arrived arrived = {0};
	link_open(&link);
	outbox_add(&outbox, 1, &capture, 1000000);
	for (int i = 0; i < 20; i++) {
		outbox_turn(&outbox, &link.near, &options);
		assert_in_range(link.near.out.len, 1, 1 << 20);
	}
	assert_int_equal(outbox.count, 1);
	for (int i = 0; i < 1000 && outbox.count; i++) {
		arrive(&link, &arrived);
		outbox_turn(&outbox, &link.near, &options);
	}
	arrive(&link, &arrived);
	assert_true(arrived.ended[1]);
	assert_int_equal(arrived.bytes[1][0].len, SIZE);
	assert_memory_equal(arrived.bytes[1][0].data, bytes, SIZE);
	arrived_clear(&arrived);
	link_close(&link);
	test_free(bytes);
}

static void
outbox_clear_forgets(void **state)
{
	(void)state;
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	char *bytes = random_bytes(200000);
	struct capture capture = {0};
	fill_capture(&capture, 1, bytes, 200000, &options);
	struct outbox outbox = {0};
	outbox_add(&outbox, 1, &capture, 1);
	outbox_clear(&outbox);
	assert_int_equal(outbox.count, 0);
	test_free(bytes);
}

/* --- sink --- */

/* An attempt that printed TEXT and succeeded; its result. */
static struct result
sink_text(struct sink *sink, const char *text)
{
	struct capture_options options = {.tmpdir = scratch_path, .spool_bytes = 1 << 20};
	struct capture capture = {0};
	struct task task = {.out = "", .err = "", .cwd = ""};
	struct result result = {.out_bytes = strlen(text)};
	assert_int_equal(sink_begin(sink, &task), 0);
	assert_false(sink_is_direct(sink));
	fill_capture(&capture, 0, text, strlen(text), &options);
	sink_end(sink, &capture, &options, &result);
	assert_true(result.away);
	capture_clear(&capture);
	return result;
}

/* What cannot be synced fails what comes after it, until it can. A file that is not where it was is
 * such a failure. */
static void
store_is_synced_within_a_second(void **state)
{
	(void)state;
	struct setup setup = {.output = OUTPUT_STORE, .run_dir = (char *)(uintptr_t) "store"};
	struct sink sink;
	assert_int_equal(mkdir("store", 0700), 0);
	sink_init(&sink, &setup);
	assert_int_equal(sink_text(&sink, "").reason, RESULT_OK);
	assert_true(sink_deadline(&sink) == CLOCK_NEVER);
	int64_t before = clock_now_ns();
	assert_int_equal(sink_text(&sink, "one").reason, RESULT_OK);
	assert_in_range(sink_deadline(&sink), before, clock_now_ns() + CLOCK_NS_PER_S);
	assert_int_equal(rename("store", "moved"), 0);
	sink_tick(&sink, sink_deadline(&sink) - 1);
	assert_int_equal(sink_text(&sink, "two").reason, RESULT_OK);
	sink_tick(&sink, sink_deadline(&sink));
	for (int i = 0; i < 2; i++) {
		struct result failed = sink_text(&sink, "three");
		assert_int_equal(failed.reason, RESULT_OUTPUT);
		assert_int_equal(failed.error, ESTALE);
		assert_false(failed.stored);
		assert_non_null(memmem(failed.tail, failed.tail_len, "output.0.0.0", 12));
	}
	assert_true(sink_deadline(&sink) != CLOCK_NEVER);
	assert_int_equal(rename("moved", "store"), 0);
	sink_tick(&sink, sink_deadline(&sink));
	assert_true(sink_deadline(&sink) == CLOCK_NEVER);
	struct result stored = sink_text(&sink, "four");
	assert_true(stored.stored);
	assert_int_equal(stored.stored_at, 6);
	sink_close(&sink);
	assert_int_equal(unlink("store/output.0.0.0"), 0);
	assert_int_equal(rmdir("store"), 0);
}

/* Where the last sync was long ago, an output is synced before it is called a success. A failure
 * that no attempt has told is not forgotten when the next sync succeeds, nor at the end. */
static void
failed_sync_is_told_once(void **state)
{
	(void)state;
	struct setup setup = {.output = OUTPUT_STORE, .run_dir = (char *)(uintptr_t) "store"};
	struct sink sink;
	struct err err;
	assert_int_equal(mkdir("store", 0700), 0);
	sink_init(&sink, &setup);
	assert_int_equal(sink_sync(&sink, &err), 0);
	assert_int_equal(sink_text(&sink, "one").reason, RESULT_OK);
	assert_int_equal(rename("store", "moved"), 0);
	sink.synced_ns -= CLOCK_NS_PER_S;
	assert_int_equal(sink_text(&sink, "two").reason, RESULT_OUTPUT);
	assert_int_equal(sink_sync(&sink, &err), -1); /* of "one" */
	assert_non_null(strstr(err.text, "output.0.0.0"));
	assert_int_equal(rename("moved", "store"), 0);
	sink_tick(&sink, sink_deadline(&sink));
	assert_true(sink_deadline(&sink) == CLOCK_NEVER);
	assert_int_equal(sink_sync(&sink, &err), -1);
	assert_int_equal(sink_text(&sink, "three").reason, RESULT_OUTPUT);
	assert_int_equal(sink_sync(&sink, &err), 0);
	sink.synced_ns -= CLOCK_NS_PER_S;
	assert_int_equal(sink_text(&sink, "four").reason, RESULT_OK);
	sink_close(&sink);
	assert_int_equal(unlink("store/output.0.0.0"), 0);
	assert_int_equal(rmdir("store"), 0);
}

/* --- tree --- */

/* A child that does nothing until it is killed; its forks do the same. */
static pid_t
make_child(int depth)
{
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (depth)
			make_child(depth - 1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	char byte;
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void
children_are_found(bool scan)
{
	tree_scan_always = scan;
	assert_int_equal(tree_count(), 0);
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		pids[i] = make_child(i == 3);
	assert_int_equal(tree_count(), 4); /* the grandchild does not count */
	pid_t spared[] = {pids[2], 1, pids[3]};
	struct tree_spare spare = {.pids = spared, .count = 3};
	assert_int_equal(tree_signal(0, &spare), 2);
	assert_int_equal(tree_signal(SIGKILL, &spare), 2);
	assert_int_equal(waitpid(pids[0], NULL, 0), pids[0]);
	assert_int_equal(waitpid(pids[1], NULL, 0), pids[1]);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
	assert_int_equal(tree_count(), 2);
	assert_true(tree_kill_all(10000, NULL)); /* its grandchild, ours now, too */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(tree_count(), 0);
	assert_true(tree_kill_all(10, NULL));
	tree_scan_always = false;
}

static void
children_are_listed_by_the_kernel(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (access(path, R_OK) < 0)
		skip();
	children_are_found(false);
}

static void
children_are_found_by_their_parent(void **state)
{
	(void)state;
	children_are_found(true);
}

/* Grandchildren count, kept ones and what descends from them do not. */
static void
trees_are_gathered(bool scan)
{
	tree_scan_always = scan;
	make_child(3);
	struct tree kept = {0}, all = {0}, tree = {0};
	tree_gather(&kept, NULL);
	assert_int_equal(kept.count, 4);
	kept.count = 2; /* the child and one of its line */
	make_child(1);
	tree_gather(&all, NULL);
	assert_int_equal(all.count, 6);
	tree_gather(&tree, &kept);
	assert_int_equal(tree.count, 2);
	assert_int_equal(tree.processes[0].parent, getpid());
	assert_int_equal(tree.processes[1].parent, tree.processes[0].pid);
	assert_true(tree_kill_all(10000, &kept));
	tree_gather(&tree, NULL);
	assert_int_equal(tree.count, 4);
	assert_true(tree_kill_all(10000, NULL));
	tree_gather(&tree, NULL);
	assert_int_equal(tree.count, 0);
	tree_clear(&kept);
	tree_clear(&all);
	tree_clear(&tree);
	tree_scan_always = false;
}

static void
descendants_are_gathered(void **state)
{
	(void)state;
	trees_are_gathered(false);
	trees_are_gathered(true);
}

static void
deep_trees_are_killed(bool scan)
{
	tree_scan_always = scan;
	pid_t root = make_child(20);
	assert_true(tree_kill_all(20000, NULL));
	assert_int_equal(kill(root, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	tree_scan_always = false;
}

static void
whole_trees_are_killed(void **state)
{
	(void)state;
	deep_trees_are_killed(false);
	deep_trees_are_killed(true);
}

/* A process may call itself anything: ") S 1 (" too. */
static void
names_do_not_confuse_the_scan(void **state)
{
	(void)state;
	tree_scan_always = true;
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "a) S 1 (b c");
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(tree_count(), 1);
	assert_true(tree_kill_all(10000, NULL));
	assert_int_equal(kill(pid, 0), -1);
	tree_scan_always = false;
}

/* --- */

static int
set_up(void **state)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -1 : scratch_make(state);
}

/* --- scheduler --- */

/* squeue says what $ANSWER does, and ends with $CODE. */
static void
scheduler_says_what_became_of_a_job(void **state)
{
	(void)state;
	static const struct {
		const char *answer, *code;
		int job;
	} cases[] = {
		{"RUNNING", "0", 1},
		{"COMPLETING", "0", 1}, /* its processes are being ended */
		{"SUSPENDED", "0", 2},
		{"PENDING", "0", 0}, /* requeued: it ran once */
		{"TIMEOUT", "0", 0},
		{"", "0", 0}, /* it has been forgotten */
		{"slurm_load_jobs error: Invalid job id specified", "1", 0},
		{"slurm_load_jobs error: Unable to contact slurm controller", "1", -1},
	};
	FILE *file = fopen("squeue", "w");
	fputs("#!/bin/sh\n[ \"$*\" = '-h -j 17 -o %T' ] || exit 9\n"
	      "printf '%s' \"$ANSWER\"; exit $CODE\n",
		file);
	fclose(file);
	chmod("squeue", 0755);
	char *path = strdup(getenv("PATH"));
	setenv("PATH", scratch_path, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("ANSWER", cases[i].answer, 1);
		setenv("CODE", cases[i].code, 1);
		if (scheduler_job("17") != cases[i].job)
			fail_msg("%s: not %d", cases[i].answer, cases[i].job);
	}
	unlink("squeue");
	assert_int_equal(scheduler_job("17"), -1);
	setenv("PATH", path, 1);
	free(path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_need_a_shell),
		cmocka_unit_test(quotes_are_undone),
		cmocka_unit_test(words_are_found_in_path),
		cmocka_unit_test(relative_entries_are_the_shells),
		cmocka_unit_test(cache_forgets),
		cmocka_unit_test(cache_overflows_well),
		cmocka_unit_test(exported_functions_are_the_shells),
		cmocka_unit_test(many_words_are_split),
		cmocka_unit_test(launcher_variables_are_known),
		cmocka_unit_test(tasks_see_their_environment),
		cmocka_unit_test(unknown_number_is_not_told),
		cmocka_unit_test(tasks_own_variables_override),
		cmocka_unit_test(directory_is_in_pwd),
		cmocka_unit_test(masters_environment_replaces_ours),
		cmocka_unit_test(many_variables_are_carried),
		cmocka_unit_test(setup_survives_packing),
		cmocka_unit_test(ring_keeps_every_byte_in_order),
		cmocka_unit_test(small_outputs_stay_in_memory),
		cmocka_unit_test(unwritable_tmpdir_is_backpressure),
		cmocka_unit_test(full_disk_is_backpressure),
		cmocka_unit_test(spools_leave_no_file),
		cmocka_unit_test(lines_are_taken_whole),
		cmocka_unit_test(dropped_captures_are_empty),
		cmocka_unit_test(pipes_are_renewed),
		cmocka_unit_test(outbox_sends_by_credit),
		cmocka_unit_test(outbox_holds_a_few),
		cmocka_unit_test(outbox_puts_little_into_the_connection),
		cmocka_unit_test(outbox_clear_forgets),
		cmocka_unit_test(store_is_synced_within_a_second),
		cmocka_unit_test(failed_sync_is_told_once),
		cmocka_unit_test(children_are_listed_by_the_kernel),
		cmocka_unit_test(children_are_found_by_their_parent),
		cmocka_unit_test(descendants_are_gathered),
		cmocka_unit_test(whole_trees_are_killed),
		cmocka_unit_test(names_do_not_confuse_the_scan),
		cmocka_unit_test(scheduler_says_what_became_of_a_job),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)clock_unix_us();
	print_message("seed %u\n", seed);
	return cmocka_run_group_tests(tests, set_up, scratch_leave);
}
