/*
 * Any text as a job array, and as a script that has one: numbers ascend, each once, and are those
 * that a plain reading of the text marks.
 */
#include "base/err.h"
#include "tasks/array.h"
#include "tasks/script.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MARKS = 4096 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* As Slurm does it: a bit for each number. */
static void
mark_numbers(char *text, bool marks[MARKS])
{
	char *rest = NULL;
	for (char *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		unsigned long first, last, step = 1;
		item += *item == '[';
		first = last = strtoul(item, &item, 10);
		if (*item == '-')
			last = strtoul(item + 1, &item, 10);
		item += *item == ']';
		if (*item == ':')
			step = strtoul(item + 1, NULL, 10);
		for (; first <= last && first < MARKS; first += step)
			marks[first] = true;
	}
}

static void
check_array(const struct array *array, char *text)
{
	bool marks[MARKS] = {false};
	uint64_t count = array_count(array), marked = 0, below = 0;
	mark_numbers(text, marks);
	for (size_t i = 0; i < MARKS; i++)
		marked += marks[i];
	for (; below < count && array_value(array, below) < MARKS; below++) {
		must(marks[array_value(array, below)]);
		must(!below || array_value(array, below - 1) < array_value(array, below));
	}
	must(below == marked);
	for (uint64_t i = below; i < count; i += count / 1000 + 1)
		must(i == 0 || array_value(array, i - 1) < array_value(array, i));
	must(count && array_min(array) == array_value(array, 0));
	must(array_max(array) == array_value(array, count - 1) && array_step(array) > 0);
}

static void
check_script(const uint8_t *data, size_t size)
{
	char path[64];
	FILE *file = tmpfile();
	must(file && write(fileno(file), data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	const char *word = path;
	script_free(script_find(&word, 1));
	fclose(file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[1024];
	struct err err = {""};
	check_script(data, size);
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	struct array *array = array_parse(text, &err);
	if (array)
		check_array(array, text);
	else
		must(strstr(err.text, "column ") && strstr(err.text, "expected "));
	array_free(array);
	return 0;
}
