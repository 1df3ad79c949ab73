/* printfds: the numbers of the descriptors it was started with, on one line. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const char *separator = "";
	struct dirent *entry;

	if (!dir)
		return 1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
			continue;
		printf("%s%s", separator, entry->d_name);
		separator = " ";
	}
	puts("");
	return closedir(dir) != 0;
}
