/*
 * watch-entering SECONDS: waits for processes that enter the container and have not executed their program yet, and tries
 * to trace them, to read and write their memory, and to open what they have open. Says "refused WHAT" or "reached WHAT".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, int reached)
{
	printf("%s %s\n", reached ? "reached" : "refused", what);
}

/* What a process had executed when the attack on it succeeded: only then it was still the runtime's. */
static int still_entering(const char *pid)
{
	char path[64], name[512];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%s/exe", pid);
	length = readlink(path, name, sizeof name - 1);
	if (length < 0)
		return errno == EACCES || errno == EPERM;
	name[length] = 0;
	return strstr(name, "memfd:") != NULL || strstr(name, "runc") != NULL;
}

static void attack(int number)
{
	char pid[16], path[96], byte;
	int file, descriptor;

	snprintf(pid, sizeof pid, "%d", number);
	if (!still_entering(pid))
		return;
	snprintf(path, sizeof path, "/proc/%s/exe", pid);
	file = open(path, O_RDONLY);
	if (file >= 0 || errno == EACCES || errno == EPERM)
		say("exe", file >= 0 && still_entering(pid));
	if (file >= 0)
		close(file);
	for (descriptor = 3; descriptor < 24; descriptor++) {
		snprintf(path, sizeof path, "/proc/%s/fd/%d", pid, descriptor);
		file = open(path, O_PATH);
		if (file >= 0)
			say("fd", still_entering(pid));
		else if (errno == EACCES || errno == EPERM)
			say("fd", 0);
		if (file >= 0)
			close(file);
	}
	for (const char **name = (const char *[]){ "mem", "maps", "cwd/.", "root/.", "environ", NULL }; *name != NULL; name++) {
		snprintf(path, sizeof path, "/proc/%s/%s", pid, *name);
		file = open(path, O_RDONLY);
		if (file >= 0 && (**name != 'm' || read(file, &byte, 1) >= 0 || errno != EACCES))
			say(*name, still_entering(pid));
		else if (errno == EACCES || errno == EPERM)
			say(*name, 0);
		if (file >= 0)
			close(file);
	}
	if (ptrace(PTRACE_SEIZE, number, 0, 0) == 0) {
		say("ptrace", still_entering(pid));
		ptrace(PTRACE_INTERRUPT, number, 0, 0);
		waitpid(number, NULL, 0);
		ptrace(PTRACE_DETACH, number, 0, 0);
	} else if (errno == EPERM) {
		say("ptrace", 0);
	}
}

/* pids count up: the next ones are tried over and over, which is faster than reading /proc. */
int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	int own = getpid(), number;

	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	puts("ready");
	fflush(stdout);
	while (time(NULL) < end)
		for (number = own + 1; number < own + 200; number++)
			if (kill(number, 0) == 0)
				attack(number);
	return 0;
}
