/* new-namespaces: asks clone, clone3 and unshare for each kind of namespace, and says what came of it: "call kind errno". */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct { const char *name; unsigned long flag; } kinds[] = {
	{ "user", CLONE_NEWUSER }, { "mount", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "network", CLONE_NEWNET },
	{ "uts", CLONE_NEWUTS }, { "ipc", CLONE_NEWIPC }, { "cgroup", CLONE_NEWCGROUP }, { "user+mount", CLONE_NEWUSER | CLONE_NEWNS },
};

static void say(const char *call, const char *kind, long result)
{
	int error = errno;

	if (result == 0)
		_exit(0);
	if (result > 0)
		waitpid(result, NULL, 0);
	printf("%s %s %d\n", call, kind, result > 0 ? 0 : error);
	fflush(stdout);
}

int main(void)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct clone_args args = { .flags = kinds[i].flag, .exit_signal = SIGCHLD };
		long child;

		say("clone", kinds[i].name, syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0));
		say("clone3", kinds[i].name, syscall(SYS_clone3, &args, sizeof args));
		child = fork();
		if (child == 0)
			_exit(syscall(SYS_unshare, kinds[i].flag) == 0 ? 0 : errno);
		int status;
		waitpid(child, &status, 0);
		printf("unshare %s %d\n", kinds[i].name, WEXITSTATUS(status));
		fflush(stdout);
	}
	return 0;
}
