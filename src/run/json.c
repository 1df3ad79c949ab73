/* Small things over jansson. */
#include "run/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "run/within.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

json_t *
json_text(const char *text)
{
	json_t *made = json_string(text);
	if (made)
		return made;
	char *copy = xstrdup(text);
	for (char *at = copy; *at;) {
		size_t len = utf8_length(at, strlen(at));
		if (!len)
			*at = '?';
		at += len ? len : 1;
	}
	made = json_string(copy);
	free(copy);
	return made;
}

json_t *
json_read(const char *path, struct err *err)
{
	json_error_t error;
	int fd = within_open(path, O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		err_set_errno(err, "%s: cannot be read", path);
		return NULL;
	}
	json_t *root = json_loadf(file, 0, &error);
	if (!root)
		err_set(err, "%s: %.100s", path, error.text);
	fclose(file);
	return root;
}

static int
write_file(const char *path, const char *text, size_t len, struct err *err)
{
	int fd = within_open(path, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return err_set_errno(err, "%s: cannot be written", path);
	while (len) {
		ssize_t put = write(fd, text, len);
		if (put < 0 && errno != EINTR)
			break;
		if (put > 0) {
			text += put;
			len -= (size_t)put;
		}
	}
	int synced = !len ? fsync(fd) : 0;
	if (len || (synced < 0 && errno != EINVAL))
		err_set_errno(err, "%s: cannot be written", path);
	else
		synced = 0;
	int closed = close(fd);
	if (!len && synced == 0 && closed < 0)
		err_set_errno(err, "%s: cannot be written", path);
	return len || synced < 0 || closed < 0 ? -1 : 0;
}

int
json_replace(const char *path, const char *text, size_t len, struct err *err)
{
	struct buf temporary = {0};
	buf_printf(&temporary, "%s.new%c", path, 0);
	int got = write_file(temporary.data, text, len, err);
	if (got == 0 && rename(temporary.data, path) < 0)
		got = err_set_errno(err, "%s: cannot be written", path);
	if (got < 0)
		unlink(temporary.data);
	buf_clear(&temporary);
	return got;
}
