/* run.json. */
#include "run/manifest.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "run/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
set_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_text(text));
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static json_t *
list_object(const char *path)
{
	struct stat status;
	if (!path || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return NULL;
	json_t *object = json_object();
	char *absolute = realpath(path, NULL);
	set_text(object, "path", absolute ? absolute : path);
	free(absolute);
	json_object_set_new(object, "bytes", json_integer(status.st_size));
	json_object_set_new(object, "mtime_ns",
		json_integer(status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec));
	return object;
}

/* *EXACT becomes false where a text is not kept as it is. */
static json_t *
text_array(char *const *texts, size_t count, bool *exact)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *text = json_text(texts[i]);
		*exact = *exact && strcmp(json_string_value(text), texts[i]) == 0;
		json_array_append_new(array, text);
	}
	return array;
}

static void
set_call(json_t *object, const struct manifest *manifest)
{
	bool exact;
	char *directory = getcwd(NULL, 0);
	set_text(object, "directory", directory);
	exact = directory && strcmp(text_of(object, "directory"), directory) == 0;
	free(directory);
	json_object_set_new(
		object, "arguments", text_array(manifest->argv, (size_t)manifest->argc, &exact));
	json_object_set_new(
		object, "variables", text_array(manifest->variables, manifest->nvariables, &exact));
	if (!exact)
		json_object_set_new(object, "exact", json_false());
	if (manifest->nmore)
		json_object_set_new(object, "resumed_with",
			text_array(manifest->more, (size_t)manifest->nmore, &exact));
}

static json_t *
session_object(const struct manifest *manifest)
{
	json_t *object = json_object();
	char host[256] = "";
	gethostname(host, sizeof(host) - 1);
	json_object_set_new(object, "session", json_integer(manifest->session));
	set_text(object, "version", VERSION);
	json_object_set_new(object, "start_us", json_integer(clock_unix_us()));
	set_text(object, "host", host);
	json_object_set_new(object, "uid", json_integer(getuid()));
	set_call(object, manifest);
	set_text(object, "output", manifest->output);
	set_text(object, "job", getenv("SLURM_JOB_ID"));
	json_object_set_new(object, "ranks", json_integer(manifest->ranks));
	if (manifest->tasks)
		json_object_set_new(object, "tasks", json_integer((json_int_t)manifest->tasks));
	if (manifest->moved)
		json_object_set_new(object, "moved", json_integer((json_int_t)manifest->moved));
	if (manifest->what) {
		char what[17];
		snprintf(what, sizeof(what), "%016llx", (unsigned long long)manifest->what);
		set_text(object, "what", what);
	}
	json_t *list = list_object(manifest->list);
	if (list)
		json_object_set_new(object, "list", list);
	return object;
}

/* What is there already, or a new one. */
static json_t *
load(const char *path)
{
	json_t *root = json_read(path, NULL);
	if (json_is_object(root) && json_is_array(json_object_get(root, "sessions")))
		return root;
	json_decref(root);
	root = json_object();
	json_object_set_new(root, "format", json_integer(1));
	json_object_set_new(root, "sessions", json_array());
	return root;
}

int
manifest_add(const char *run_dir, const struct manifest *manifest, struct err *err)
{
	struct buf path = {0};
	buf_printf(&path, "%s/run.json%c", run_dir, 0);
	json_t *root = load(path.data);
	json_array_append_new(json_object_get(root, "sessions"), session_object(manifest));
	char *text = json_dumps(root, JSON_INDENT(1));
	int got = text ? json_replace(path.data, text, strlen(text), err)
		       : err_set(err, "%s: out of memory", path.data);
	free(text);
	json_decref(root);
	buf_clear(&path);
	return got;
}

/* The last session of RUN_DIR, borrowed from *ROOT; NULL with ERR. */
static json_t *
last_session(const char *run_dir, json_t **root, struct err *err)
{
	char *path = xasprintf("%s/run.json", run_dir);
	*root = json_read(path, err);
	json_t *sessions = json_object_get(*root, "sessions");
	json_t *session = json_array_get(sessions, json_array_size(sessions) - 1);
	if (*root && !session)
		err_set(err, "%s: expected an object with \"sessions\"", path);
	free(path);
	return session;
}

int
manifest_read(const char *run_dir, struct manifest_last *last, struct err *err)
{
	json_t *root, *session = last_session(run_dir, &root, err);
	if (session) {
		last->stored = strcmp(text_of(session, "output"), "store") == 0;
		last->what = strtoull(text_of(session, "what"), NULL, 16);
		last->start_us = json_integer_value(json_object_get(session, "start_us"));
	}
	json_decref(root);
	return session ? 0 : -1;
}

static char **
read_texts(const json_t *array, size_t *count)
{
	*count = json_array_size(array);
	char **texts = xcalloc(*count + 1, sizeof(*texts));
	for (size_t i = 0; i < *count; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		texts[i] = xstrdup(text ? text : "");
	}
	return texts;
}

int
manifest_read_call(const char *run_dir, struct manifest_call *call, struct err *err)
{
	size_t argc = 0;
	json_t *root, *session = last_session(run_dir, &root, err);
	if (!session) {
		json_decref(root);
		return -1;
	}
	call->directory = xstrdup(text_of(session, "directory"));
	call->argv = read_texts(json_object_get(session, "arguments"), &argc);
	call->argc = (int)argc;
	call->variables = read_texts(json_object_get(session, "variables"), &call->nvariables);
	bool exact = !json_is_false(json_object_get(session, "exact"));
	json_decref(root);
	if (exact && argc && *call->directory)
		return 0;
	return err_set(err,
		exact ? "%s/run.json: expected \"arguments\" and \"directory\" in its last session"
		      : "%s: its command line is not kept exactly, as it is not UTF-8: expected "
			"the whole command line again, with --resume",
		run_dir);
}

static void
free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void
manifest_call_clear(struct manifest_call *call)
{
	free(call->directory);
	free_texts(call->argv, (size_t)call->argc);
	free_texts(call->variables, call->nvariables);
	*call = (struct manifest_call){0};
}

int
manifest_last_move(const char *run_dir)
{
	json_t *root, *sessions;
	last_session(run_dir, &root, NULL);
	sessions = json_object_get(root, "sessions");
	int last = 0;
	for (size_t i = 0; i < json_array_size(sessions); i++) {
		json_t *session = json_array_get(sessions, i);
		if (json_integer_value(json_object_get(session, "moved")) > 0)
			last = (int)json_integer_value(json_object_get(session, "session"));
	}
	json_decref(root);
	return last;
}
