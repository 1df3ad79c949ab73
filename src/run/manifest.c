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

static json_t *
session_object(const struct manifest *manifest)
{
	json_t *object = json_object(), *arguments = json_array();
	char host[256] = "";
	gethostname(host, sizeof(host) - 1);
	char *directory = getcwd(NULL, 0);
	for (int i = 0; i < manifest->argc; i++)
		json_array_append_new(arguments, json_text(manifest->argv[i]));
	json_object_set_new(object, "session", json_integer(manifest->session));
	set_text(object, "version", VERSION);
	json_object_set_new(object, "start_us", json_integer(clock_unix_us()));
	set_text(object, "host", host);
	json_object_set_new(object, "uid", json_integer(getuid()));
	set_text(object, "directory", directory);
	set_text(object, "job", getenv("SLURM_JOB_ID"));
	json_object_set_new(object, "ranks", json_integer(manifest->ranks));
	json_object_set_new(object, "arguments", arguments);
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
	free(directory);
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

int
manifest_read(const char *run_dir, struct manifest_last *last, struct err *err)
{
	char *path = xasprintf("%s/run.json", run_dir);
	json_t *root = json_read(path, err);
	json_t *sessions = json_object_get(root, "sessions");
	size_t count = json_array_size(sessions);
	json_t *session = json_array_get(sessions, count - 1);
	if (root && !session)
		err_set(err, "%s: expected an object with \"sessions\"", path);
	if (session) {
		const char *what = json_string_value(json_object_get(session, "what"));
		last->what = what ? strtoull(what, NULL, 16) : 0;
		last->start_us = json_integer_value(json_object_get(session, "start_us"));
	}
	json_decref(root);
	free(path);
	return session ? 0 : -1;
}

int
manifest_last_move(const char *run_dir)
{
	struct buf path = {0};
	buf_printf(&path, "%s/run.json%c", run_dir, 0);
	json_t *root = json_read(path.data, NULL);
	json_t *sessions = json_object_get(root, "sessions");
	int last = 0;
	for (size_t i = 0; i < json_array_size(sessions); i++) {
		json_t *session = json_array_get(sessions, i);
		if (json_integer_value(json_object_get(session, "moved")) > 0)
			last = (int)json_integer_value(json_object_get(session, "session"));
	}
	json_decref(root);
	buf_clear(&path);
	return last;
}
