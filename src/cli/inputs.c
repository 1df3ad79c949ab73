/* Finding out which files a run reads and writes. */
#include "cli/inputs.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
inputs_add(struct inputs *inputs, const char *path, const char *what)
{
	struct stat status;
	bool standard = strcmp(path, "-") == 0;
	bool there = (standard ? fstat(STDIN_FILENO, &status) : stat(path, &status)) == 0;
	if (there && !S_ISREG(status.st_mode))
		return;
	inputs->files = xrealloc(inputs->files, (inputs->count + 1) * sizeof(*inputs->files));
	inputs->files[inputs->count++] = (struct inputs_file){.device = there ? status.st_dev : 0,
		.inode = there ? status.st_ino : 0,
		.path = standard ? NULL : path,
		.what = what};
}

void
inputs_init(struct inputs *inputs, const struct options *options)
{
	*inputs = (struct inputs){0};
	if (options->list)
		inputs_add(inputs, options->list, "task list");
	for (size_t i = 0; i < options->ninputs; i++)
		if (options->inputs[i].kind == INPUT_FILE)
			inputs_add(inputs, options->inputs[i].text, "file of values");
}

void
inputs_clear(struct inputs *inputs)
{
	free(inputs->files);
	*inputs = (struct inputs){0};
}

int
inputs_check(const struct inputs *inputs, const char *who, const char *path, struct err *err)
{
	struct stat status;
	bool there = stat(path, &status) == 0;
	for (size_t i = 0; i < inputs->count; i++) {
		const struct inputs_file *file = &inputs->files[i];
		bool same = there ? file->inode == status.st_ino && file->device == status.st_dev
				  : !file->inode && file->path && strcmp(file->path, path) == 0;
		if (same)
			return inputs_refuse(file, who, path, err);
	}
	return 0;
}

int
inputs_refuse(const struct inputs_file *file, const char *who, const char *path, struct err *err)
{
	return err_set(err,
		"%s: %.300s is the run's %s, which would be lost: expected another file", who, path,
		file->what);
}
