/**
 * A policy in CIL (secilc(8)) that says no more than the tests need: the machine may do everything, containers may use files of
 * containers if they have their categories, and nothing else. It is loaded into a machine that has booted without one, so
 * nothing has to be labelled before.
 */
const sids = ('kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet icmp_socket tcp_socket '
  + 'sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod policy scmp_packet devnull').split(' ')

const fileRights = 'ioctl read write create getattr setattr lock relabelfrom relabelto append map unlink link rename execute quotaon mounton audit_access open execmod watch watch_mount watch_sb watch_with_perm watch_reads'
const classes: Record<string, string> = {
  file: `${fileRights} execute_no_trans entrypoint`,
  dir: `${fileRights} add_name remove_name reparent search rmdir`,
  lnk_file: fileRights,
  chr_file: fileRights,
  blk_file: fileRights,
  sock_file: fileRights,
  fifo_file: fileRights,
  filesystem: 'mount remount unmount getattr relabelfrom relabelto associate quotamod quotaget watch',
  process: 'fork transition sigchld sigkill sigstop signull signal ptrace getsched setsched getsession getpgid setpgid getcap setcap share getattr setexec setfscreate noatsecure siginh setrlimit rlimitinh dyntransition setcurrent execmem execstack execheap setkeycreate setsockcreate getrlimit',
}
const fileClasses = Object.keys(classes).filter((name) => name.endsWith('file') || name === 'dir')
const categories = Array.from({ length: 1024 }, (_, number) => `c${number}`)
const host = '(system_u system_r kernel_t (low high))'
const object = (type: string): string => `(system_u object_r ${type} (low low))`

/** File systems, and how their files get a type. */
const labelled = { xattr: ['ext4', 'overlay'], trans: ['tmpfs', 'devtmpfs', 'devpts', 'mqueue', 'shm'], task: ['pipefs', 'sockfs'] }
const kernelMade = ['proc', 'sysfs', 'cgroup', 'cgroup2', 'nsfs', 'selinuxfs', 'securityfs']

export const policy = [
  '(handleunknown allow)', '(mls true)', '(policycap nnp_nosuid_transition)',
  ...Object.entries(classes).map(([name, rights]) => `(class ${name} (${rights}))`),
  `(classorder (${Object.keys(classes).join(' ')}))`,
  ...sids.map((sid) => `(sid ${sid})`), `(sidorder (${sids.join(' ')}))`,
  '(sensitivity s0)', '(sensitivityorder (s0))',
  ...categories.map((category) => `(category ${category})`), `(categoryorder (${categories.join(' ')}))`,
  '(sensitivitycategory s0 (range c0 c1023))', '(level low (s0))', '(level high (s0 (range c0 c1023)))',
  '(user system_u)', '(role system_r)', '(role object_r)', '(userrole system_u system_r)', '(userrole system_u object_r)',
  '(userlevel system_u low)', '(userrange system_u (low high))',
  ...['kernel_t', 'host_file_t', 'kernel_file_t', 'container_t', 'other_container_t', 'container_file_t', 'container_ro_file_t', 'other_file_t'].map((type) => `(type ${type})`),
  '(typeattribute any)', '(typeattributeset any (kernel_t host_file_t kernel_file_t container_t other_container_t container_file_t container_ro_file_t other_file_t))',
  '(typeattribute confined)', '(typeattributeset confined (container_t other_container_t))',
  '(typeattribute contained)', '(typeattributeset contained (container_file_t other_file_t))',
  ...['kernel_t', 'container_t', 'other_container_t'].map((type) => `(roletype system_r ${type})`),
  ...['host_file_t', 'kernel_file_t', 'container_file_t', 'container_ro_file_t', 'other_file_t', 'kernel_t', 'container_t', 'other_container_t'].map((type) => `(roletype object_r ${type})`),
  ...sids.map((sid) => `(sidcontext ${sid} ${sid === 'kernel' || sid === 'init' ? host : object('host_file_t')})`),
  ...Object.entries(labelled).flatMap(([how, names]) => names.map((name) => `(fsuse ${how} ${name} ${object('host_file_t')})`)),
  ...kernelMade.map((name) => `(genfscon ${name} "/" ${object('kernel_file_t')})`),
  ...Object.keys(classes).map((name) => `(allow kernel_t any (${name} (all)))`),
  '(allow any any (filesystem (all)))',
  '(allow confined confined (process (all)))', '(allow confined kernel_t (process (sigchld)))',
  ...fileClasses.map((name) => `(allow confined container_file_t (${name} (all)))`),
  '(allow confined container_ro_file_t (file (read open getattr map execute)))',
  ...fileClasses.map((name) => `(allow confined kernel_file_t (${name} (all)))`),
  ...fileClasses.map((name) => `(allow confined confined (${name} (all)))`),
  '(allow confined kernel_t (fifo_file (all)))', '(allow confined kernel_t (file (all)))', '(allow confined kernel_t (dir (all)))',
  ...fileClasses.map((name) => `(mlsconstrain (${name} (read write open create unlink execute getattr)) (or (dom h1 h2) (or (neq t1 confined) (neq t2 contained))))`),
].join('\n')
