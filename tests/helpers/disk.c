/*
 * To be preloaded (LD_PRELOAD): a disk that can be watched, and that fails when it is told to.
 *
 * DISK_LOG: a file to which each change below the directory DISK_ROOT is appended, by all processes
 * in the order in which they happened, for tests/helpers/powerloss.py: a head, PATH, OTHER path,
 * data. A sync is there twice, as it begins (f) and as it has succeeded (F).
 *
 * DISK_FAIL="CALL NAME FROM TO ERRNO": of the calls CALL (open, write, sync, rename) of one process
 * on files whose path ends in NAME those from the FROM-th to the TO-th fail with ERRNO; with ERRNO
 * 0 a write is short.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct head {
	uint8_t what; /* create, write, truncate, sync begun (f) and done (F), link, rename, unlink,
			 mkdir */
	uint8_t pad[3];
	uint32_t path_len, other_len, len;
	uint64_t ino, offset, ns;
};

#define REAL(name, type, ...)                                                                      \
	static type (*real)(__VA_ARGS__);                                                          \
	if (!real)                                                                                 \
	*(void **)&real = dlsym(RTLD_NEXT, name)

/* --- telling --- */

static bool
is_ours(const char *path)
{
	const char *root = getenv("DISK_ROOT");
	size_t len = root ? strlen(root) : 0;
	return len && strncmp(path, root, len) == 0 && (!path[len] || path[len] == '/');
}

/* By raw calls on a descriptor of the moment: the keeper closes what it does not know. */
static void
tell(uint8_t what, const char *path, const char *other, const struct iovec *data, uint64_t ino,
	uint64_t offset)
{
	const char *log = getenv("DISK_LOG");
	int saved = errno;
	struct timespec now;
	int fd = log && is_ours(path) ? (int)syscall(SYS_openat, AT_FDCWD, log,
						O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
				      : -1;
	if (fd >= 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		struct head head = {.what = what,
			.path_len = (uint32_t)strlen(path),
			.other_len = (uint32_t)strlen(other),
			.len = (uint32_t)(data ? data->iov_len : 0),
			.ino = ino,
			.offset = offset,
			.ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec};
		struct iovec parts[] = {{&head, sizeof(head)}, {(void *)path, head.path_len},
			{(void *)other, head.other_len}, {data ? data->iov_base : NULL, head.len}};
		if (syscall(SYS_writev, fd, parts, 4) < 0)
			abort();
		syscall(SYS_close, fd);
	}
	errno = saved;
}

static const char *
path_of_fd(int fd, char *room, size_t size)
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, room, size - 1);
	room[len > 0 ? len : 0] = '\0';
	return room;
}

static const char *
absolute(const char *path, char *room, size_t size)
{
	char cwd[2048];
	if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		snprintf(room, size, "%s", path);
	else
		snprintf(room, size, "%s/%s", cwd, path);
	return room;
}

static uint64_t
inode(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* --- failing --- */

/* True: this one fails, as errno says; errno 0: it is to be short. */
static bool
fails(const char *call, const char *path)
{
	static int calls;
	char which[16], name[256];
	int from, to, error;
	const char *plan = getenv("DISK_FAIL");
	if (!plan || sscanf(plan, "%15s %255s %d %d %d", which, name, &from, &to, &error) != 5)
		return false;
	size_t len = strlen(path), tail = strlen(name);
	if (strcmp(call, which) != 0 || len < tail || strcmp(path + len - tail, name) != 0)
		return false;
	int now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
	if (now < from || now > to)
		return false;
	errno = error;
	return true;
}

/* --- what is watched --- */

static int
open_at(int dir, const char *path, int flags, mode_t mode)
{
	char room[4096];
	const char *full = dir == AT_FDCWD ? absolute(path, room, sizeof(room)) : path;
	struct stat status;
	bool fresh = (flags & O_CREAT) && stat(full, &status) < 0;
	if ((flags & O_ACCMODE) != O_RDONLY && fails("open", full))
		return -1;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0 && fresh)
		tell('c', full, "", NULL, inode(fd), 0);
	else if (fd >= 0 && flags & O_TRUNC)
		tell('t', full, "", NULL, inode(fd), 0);
	return fd;
}

static mode_t
mode_of(int flags, va_list list)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPEN(name, ...)                                                                            \
	int name(__VA_ARGS__, int flags, ...)                                                      \
	{                                                                                          \
		va_list list;                                                                      \
		va_start(list, flags);                                                             \
		mode_t mode = mode_of(flags, list);                                                \
		va_end(list);                                                                      \
		return open_at(DIR, path, flags, mode);                                            \
	}
#define DIR AT_FDCWD
OPEN(open, const char *path)
OPEN(open64, const char *path)
#undef DIR
#define DIR dir
OPEN(openat, int dir, const char *path)
OPEN(openat64, int dir, const char *path)

static ssize_t
put(int fd, const void *data, size_t len, off_t offset, bool here)
{
	char room[4096];
	const char *path = path_of_fd(fd, room, sizeof(room));
	bool fail = fails("write", path);
	if (fail && errno)
		return -1;
	len = fail && len > 1 ? len / 2 : len;
	ssize_t done = here ? syscall(SYS_write, fd, data, len)
			    : syscall(SYS_pwrite64, fd, data, len, offset);
	if (done > 0 && path[0] == '/') {
		struct iovec bytes = {(void *)data, (size_t)done};
		off_t end = here ? lseek(fd, 0, SEEK_CUR) - done : offset;
		tell('w', path, "", &bytes, inode(fd), (uint64_t)end);
	}
	return done;
}

ssize_t
write(int fd, const void *data, size_t len)
{
	return put(fd, data, len, 0, true);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return put(fd, data, len, offset, false);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return put(fd, data, len, offset, false);
}

static int
cut(int fd, off_t len)
{
	char room[4096];
	int done = (int)syscall(SYS_ftruncate, fd, len);
	if (done == 0)
		tell('t', path_of_fd(fd, room, sizeof(room)), "", NULL, inode(fd), (uint64_t)len);
	return done;
}

int
ftruncate(int fd, off_t len)
{
	return cut(fd, len);
}

int
ftruncate64(int fd, off64_t len)
{
	return cut(fd, len);
}

static int
sync_file(int fd, long call)
{
	char room[4096];
	const char *path = path_of_fd(fd, room, sizeof(room));
	if (fails("sync", path))
		return -1;
	tell('f', path, "", NULL, inode(fd), 0);
	int done = (int)syscall(call, fd);
	if (done == 0)
		tell('F', path, "", NULL, inode(fd), 0);
	return done;
}

int
fsync(int fd)
{
	return sync_file(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_file(fd, SYS_fdatasync);
}

static int
change_name(uint8_t what, int done, const char *path, const char *other)
{
	char room[4096], other_room[4096];
	struct stat status = {0};
	const char *full = absolute(path, room, sizeof(room));
	const char *target = *other ? absolute(other, other_room, sizeof(other_room)) : "";
	if (done == 0 && *target)
		stat(target, &status);
	if (done == 0)
		tell(what, full, target, NULL, status.st_ino, 0);
	return done;
}

int
rename(const char *path, const char *other)
{
	REAL("rename", int, const char *, const char *);
	if (fails("rename", other))
		return -1;
	return change_name('r', real(path, other), path, other);
}

int
link(const char *path, const char *other)
{
	REAL("link", int, const char *, const char *);
	return change_name('l', real(path, other), path, other);
}

int
unlink(const char *path)
{
	REAL("unlink", int, const char *);
	return change_name('u', real(path), path, "");
}

int
rmdir(const char *path)
{
	REAL("rmdir", int, const char *);
	return change_name('u', real(path), path, "");
}

int
remove(const char *path)
{
	REAL("remove", int, const char *);
	return change_name('u', real(path), path, "");
}

int
mkdir(const char *path, mode_t mode)
{
	REAL("mkdir", int, const char *, mode_t);
	return change_name('m', real(path, mode), path, "");
}
