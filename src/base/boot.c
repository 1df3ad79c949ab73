/* The boot id. */
#include "base/boot.h"

#include <stdio.h>
#include <string.h>

void
boot_id(char *room, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	room[0] = '\0';
	if (file && fgets(room, (int)size, file))
		room[strcspn(room, "\n")] = '\0';
	if (file)
		fclose(file);
}
