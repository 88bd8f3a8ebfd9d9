/** sched.h, prctl.h, seccomp.h, signal numbers and kin. */
export const CLONE_NEWTIME = 0x80
export const CLONE_FILES = 0x400
export const CLONE_PIDFD = 0x1000
export const CLONE_PARENT = 0x8000
export const CLONE_NEWNS = 0x20000
export const CLONE_NEWCGROUP = 0x2000000
export const CLONE_NEWUTS = 0x4000000
export const CLONE_NEWIPC = 0x8000000
export const CLONE_NEWUSER = 0x10000000
export const CLONE_NEWPID = 0x20000000
export const CLONE_NEWNET = 0x40000000
export const CLONE_INTO_CGROUP = 0x200000000n

export const SIGKILL = 9
export const SIGPIPE = 13
export const SIGTERM = 15
export const SIGCHLD = 17

export const PR_SET_PDEATHSIG = 1
export const PR_SET_DUMPABLE = 4
export const PR_SET_KEEPCAPS = 8
export const PR_SET_NAME = 15
export const PR_CAPBSET_READ = 23
export const PR_CAPBSET_DROP = 24
export const PR_SET_CHILD_SUBREAPER = 36
export const PR_SET_NO_NEW_PRIVS = 38
export const PR_CAP_AMBIENT = 47
export const PR_CAP_AMBIENT_RAISE = 2
export const PR_CAP_AMBIENT_CLEAR_ALL = 4

export const LINUX_CAPABILITY_VERSION_3 = 0x20080522

export const SECCOMP_SET_MODE_FILTER = 1
export const SECCOMP_FILTER_FLAG_LOG = 2
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8

export const KEYCTL_JOIN_SESSION_KEYRING = 1
export const SYSLOG_CONSOLE = 0
