/* closeout: closes stdout and stderr, and ends well a while later. */
#include <time.h>
#include <unistd.h>

int
main(void)
{
	close(1);
	close(2);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	return 0;
}
