/*
 * syscalls: makes every system call that reaches the whole machine, with arguments that change nothing even where it is
 * allowed. One line each: name, and the number of the error or 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRY(name, ...) (errno = 0, syscall(SYS_##name, __VA_ARGS__), printf("%s %d\n", #name, errno))

int main(void)
{
	static char nothing[256];

	TRY(kexec_load, 0L, 999999L, NULL, 0xffffL);
	TRY(kexec_file_load, -1, -1, 0L, NULL, 0L);
	TRY(init_module, NULL, 0L, "");
	TRY(finit_module, -1, "", 0);
	TRY(delete_module, "no_such_module", 0);
	TRY(bpf, 0, nothing, 0);
	TRY(userfaultfd, -1);
	TRY(keyctl, 0, 0, 0, 0, 0);
	TRY(add_key, "user", "a", "b", 1L, -3);
	TRY(request_key, "user", "gantry-none", NULL, -3);
	TRY(open_by_handle_at, -1, nothing, 0);
	TRY(perf_event_open, nothing, 0, -1, -1, 0L);
	TRY(io_uring_setup, 1, NULL);
	TRY(mount, "none", "/no/such/place", "tmpfs", 0L, NULL);
	TRY(umount2, "/no/such/place", 0);
	TRY(pivot_root, "/no/such/place", "/no/such/place");
	TRY(move_mount, -1, "", -1, "", 0);
	TRY(open_tree, -1, "", 0);
	TRY(fsopen, "no_such_type", 0);
	TRY(mount_setattr, -1, "", 0, nothing, 32L);
	TRY(setns, -1, 0);
	TRY(unshare, 0x10000000);
	TRY(swapon, "/no/such/file", 0);
	TRY(swapoff, "/no/such/file");
	TRY(acct, "/no/such/place/file");
	TRY(reboot, 0, 0, 0, NULL);
	TRY(settimeofday, NULL, (char *)1);
	TRY(clock_settime, 0, NULL);
	TRY(syslog, 3, nothing, 0);
	TRY(quotactl, -1, "/no/such/file", 0, NULL);
	TRY(lookup_dcookie, 0L, nothing, 0L);
	TRY(move_pages, -1, 0L, NULL, NULL, NULL, 0);
	TRY(fanotify_init, 0, 0);
	TRY(vhangup, 0);
	TRY(iopl, 9);
	TRY(ioperm, 0xffffffffL, 1L, 1);
	return 0;
}
