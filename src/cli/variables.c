/* Options from rank 0's environment. */
#include "cli/options.h"

#include "base/err.h"
#include "cli/nearest.h"
#include "cli/option_rows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 64 };

extern char **environ;

static const char prefix[] = "MPBATCH_";

/* What mpbatch itself sets for tasks, which may be an mpbatch too: exec/environment.c. */
static const char *const of_tasks[] = {"MPBATCH_INDEX", "MPBATCH_ATTEMPT", "MPBATCH_RANK",
	"MPBATCH_SLOT", "MPBATCH_CPUS", "MPBATCH_NTASKS", "MPBATCH_DEPTH"};

enum { OF_TASKS = sizeof(of_tasks) / sizeof(of_tasks[0]) };

static const char *
name_of(const struct option_row *row, char name[NAME_BYTES])
{
	int len = snprintf(name, NAME_BYTES, "%s%s", prefix, row->name);
	for (int i = 0; i < len; i++)
		name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
	return name;
}

/* ENTRY, "NAME=VALUE", is of no option that may be a variable. */
static int
refuse(const char *entry, struct err *err)
{
	size_t len = strcspn(entry, "=");
	struct nearest nearest = nearest_to(entry, len);
	char names[OPTIONS_MAX][NAME_BYTES];
	for (int i = 0; i < option_rows_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *name = name_of(row, names[i]);
		if (row->no_variable && strlen(name) == len && memcmp(name, entry, len) == 0)
			return err_set(err,
				"environment variable %s: expected option --%s, which has no "
				"variable",
				name, row->name);
		if (!row->no_variable)
			nearest_try(&nearest, name);
	}
	if (nearest.found)
		return err_set(err, "unknown environment variable %.*s: expected %s",
			(int)(len < 100 ? len : 100), entry, nearest.found);
	return err_set(err,
		"unknown environment variable %.*s: expected MPBATCH_ and the name of an option "
		"(see mpbatch --help)",
		(int)(len < 100 ? len : 100), entry);
}

bool
options_is_variable(const char *entry)
{
	size_t len = strcspn(entry, "=");
	char name[NAME_BYTES];
	for (int i = 0; i < option_rows_count; i++)
		if (!option_rows[i].no_variable && strlen(name_of(&option_rows[i], name)) == len &&
			memcmp(name, entry, len) == 0)
			return true;
	return false;
}

static bool
is_of_tasks(const char *entry)
{
	size_t len = strcspn(entry, "=");
	for (int i = 0; i < OF_TASKS; i++)
		if (strlen(of_tasks[i]) == len && memcmp(of_tasks[i], entry, len) == 0)
			return true;
	return false;
}

int
options_from_environment(struct options *options, struct err *err)
{
	for (int i = 0; i < option_rows_count; i++) {
		const struct option_row *row = &option_rows[i];
		char name[NAME_BYTES];
		const char *value = getenv(name_of(row, name));
		if (!value || row->no_variable)
			continue;
		const char *expected = row->set(options, value);
		options->from[i] = FROM_VARIABLE;
		if (expected)
			return err_set(err, "environment variable %s=%.100s: expected %s", name,
				value, expected);
	}
	for (char **entry = environ; *entry; entry++)
		if (strncmp(*entry, prefix, strlen(prefix)) == 0 && !options_is_variable(*entry) &&
			!is_of_tasks(*entry))
			return refuse(*entry, err);
	return 0;
}
