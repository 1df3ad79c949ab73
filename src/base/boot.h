/* Which boot of this host it is. */
#ifndef BASE_BOOT_H
#define BASE_BOOT_H

#include <stddef.h>

/* Copies the boot id (random(4)) to ROOM; "" where the kernel does not tell. */
void boot_id(char *room, size_t size);

#endif
