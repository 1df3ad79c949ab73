/*
 * blob BYTES [err]: prints that many bytes to stdout, or to stderr. They are lines of 64 bytes that
 * say how many bytes stand before them; the last one is cut where BYTES ends.
 */
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	char line[65];

	if (argc < 2)
		return 2;

	FILE *file = argc > 2 ? stderr : stdout;
	setvbuf(file, NULL, _IOFBF, 1 << 16);
	unsigned long long bytes = strtoull(argv[1], NULL, 10);
	for (unsigned long long at = 0; at < bytes; at += 64) {
		snprintf(line, sizeof(line), "%063llu\n", at);
		fwrite(line, 1, bytes - at < 64 ? (size_t)(bytes - at) : 64, file);
	}
	return fflush(file) != 0;
}
