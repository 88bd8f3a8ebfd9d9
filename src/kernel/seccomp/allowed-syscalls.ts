/**
 * System calls that every container may make, by what they are for. A call is here when it acts on nothing but the
 * caller, its namespaces, and files that it may open anyway; whatever reaches the whole machine is in
 * default-profile.ts behind a capability, or nowhere. 32-bit and 64-bit variants stand together: names that an
 * architecture lacks are skipped there. Covers Linux up to 6.18.
 */
const groups: Record<string, string> = {
  openAndClose: 'open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl',
  readAndWrite:
    'read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64 copy_file_range splice tee vmsplice readahead',
  durability: 'sync syncfs fsync fdatasync sync_file_range arm_sync_file_range fadvise64 fadvise64_64 arm_fadvise64_64 cachestat',
  size: 'truncate truncate64 ftruncate ftruncate64 fallocate',
  fileStatus: 'stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx access faccessat faccessat2 statfs statfs64 fstatfs fstatfs64 file_getattr',
  fileAttributes:
    'chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat umask utime utimes futimesat utimensat utimensat_time64 file_setattr',
  extendedAttributes:
    'getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat',
  directories: 'mkdir mkdirat rmdir getdents getdents64 getcwd chdir fchdir mknod mknodat',
  links: 'link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 name_to_handle_at',
  mountsSeen: 'statmount listmount',
  watching: 'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark',
  waitingForFiles:
    'select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4',
  asynchronous: 'io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64',
  pipes: 'pipe pipe2',
  // socket itself has a rule of its own.
  sockets:
    'socketpair socketcall bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt shutdown send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64',
  memory:
    'brk mmap mmap2 munmap mremap mprotect msync madvise mincore mlock mlock2 mlockall munlock munlockall remap_file_pages memfd_create memfd_secret membarrier mseal map_shadow_stack pkey_alloc pkey_free pkey_mprotect',
  threads:
    'futex futex_time64 futex_wait futex_wake futex_waitv futex_requeue set_robust_list get_robust_list rseq gettid set_tid_address set_thread_area get_thread_area set_tls getcpu',
  processes:
    'fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid getpgid getpgrp setpgid getsid setsid prctl process_mrelease pidfd_open uretprobe restart_syscall cacheflush breakpoint',
  users:
    'getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset',
  signals:
    'kill tkill tgkill pidfd_send_signal sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo pause alarm',
  limits: 'getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set',
  scheduling:
    'sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64',
  // Reading the adjustment of the clock needs no privilege; the kernel asks for CAP_SYS_TIME to change it.
  clocks:
    'time gettimeofday times adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 nanosleep',
  timers:
    'getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64',
  ipc: 'ipc msgget msgsnd msgrcv msgctl semget semop semctl semtimedop semtimedop_time64 shmget shmat shmdt shmctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr',
  system: 'uname sysinfo getrandom',
  // Giving up rights of one's own.
  sandboxing: 'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
}

export const allowedSyscalls: readonly string[] = Object.values(groups).flatMap((names) => names.split(' '))
