/* eatmem MIB: touches that much memory, and ends. */
#include <stdlib.h>

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;

	size_t bytes = strtoul(argv[1], NULL, 10) << 20;
	volatile char *memory = malloc(bytes);
	if (!memory)
		return 1;
	for (size_t at = 0; at < bytes; at += 4096)
		memory[at] = 1;
	return 0;
}
