#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Its executable is a file in memory until it has executed a file of the container. */
static int still_entering(int pid)
{
	char path[64], name[512];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	length = readlink(path, name, sizeof name - 1);
	if (length < 0)
		return 0;
	name[length] = 0;
	return strstr(name, "memfd:") != NULL;
}
