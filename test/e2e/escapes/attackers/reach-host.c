/*
 * reach-host SECONDS FILE: with the right to trace, waits for processes that enter the container and have not executed their program yet,
 * and looks for a file of the host through all that they have: root, working directory, descriptors. Says "met WHAT" for what could be
 * opened, "reached WHAT" where FILE was found behind it, "wrote N" for a descriptor that is a file of the host and could be opened for
 * writing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "entering.h"

static const char *wanted;

static void look_behind(int pid, const char *what)
{
	char path[64], up[1024];
	int directory, file;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
	directory = open(path, O_PATH);
	if (directory < 0 || !still_entering(pid))
		goto out;
	printf("met %s\n", what);
	snprintf(up, sizeof up, "../../../../../../../../../..%s", wanted);
	file = openat(directory, *what == 'r' ? wanted + 1 : up, O_RDONLY);
	if (file >= 0)
		printf("reached %s\n", what), close(file);
	if (strncmp(what, "fd/", 3) == 0) {
		struct stat status;
		snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
		if (fstat(directory, &status) == 0 && S_ISREG(status.st_mode) && (file = open(path, O_WRONLY)) >= 0)
			printf("wrote %s\n", what), close(file);
	}
out:
	if (directory >= 0)
		close(directory);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + atoi(argv[1]);
	int own = getpid(), pid, descriptor;
	char name[16];

	if (argc < 3)
		return 2;
	wanted = argv[2];
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	puts("ready");
	fflush(stdout);
	while (time(NULL) < end)
		for (pid = own + 1; pid < own + 200; pid++) {
			if (kill(pid, 0) != 0 || !still_entering(pid))
				continue;
			look_behind(pid, "root");
			look_behind(pid, "cwd");
			for (descriptor = 3; descriptor < 32; descriptor++) {
				snprintf(name, sizeof name, "fd/%d", descriptor);
				look_behind(pid, name);
			}
		}
	return 0;
}
