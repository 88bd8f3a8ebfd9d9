/** Docker's name, by which tools and policies know it. */
export const defaultProfileName = 'docker-default'

/** Who may send signals into containers: the engine and its monitors, and runtimes that have profiles of their own. */
const senders = ['unconfined', 'runc', 'crun']

/** Written by nobody in a container, and read by nobody where that tells of the host. */
const hidden = ['/proc/kcore', '/proc/kmem', '/proc/mem', '/proc/sysrq-trigger', '/sys/firmware/**', '/sys/kernel/security/**', '/sys/devices/virtual/powercap/**']

/**
 * In /proc all but the files of processes and two families of settings are the host's: shared memory, which is in the ipc
 * namespace, and the network. In /sys all but cgroups. A denial cannot be lifted by a later rule, so patterns go around these.
 */
const readonly = [
  '/proc/*', '/proc/{acpi,asound,bus,driver,fs,irq,scsi,tty}/**',
  '/proc/sys/[^kn]**', '/proc/sys/k[^e]**', '/proc/sys/ke[^r]**', '/proc/sys/kernel/[^s]**', '/proc/sys/kernel/s[^h]**', '/proc/sys/kernel/sh[^m]**',
  '/sys/[^f]**', '/sys/f[^s]**', '/sys/fs/[^c]**', '/sys/fs/c[^g]**',
]

/**
 * The profile of containers that name none: what capabilities, namespaces and file modes allow, but no mounts whatever the
 * capabilities, no writing to the host's part of /proc and /sys, and no signals to or tracing of what is outside
 * (man 5 apparmor.d). It stands when masks and read-only mounts are got around.
 */
export function profileText(name: string): string {
  return [
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {`,
    '  capability,', '  file,', '  network,', '  umount,', '',
    '  deny mount,', '  deny pivot_root,', '',
    ...hidden.map((path) => `  deny ${path} rwklx,`), '',
    ...readonly.map((path) => `  deny ${path} wkl,`), '',
    `  signal (send, receive) peer=${name},`,
    ...senders.map((sender) => `  signal (receive) peer=${sender},`),
    `  ptrace (trace, read, tracedby, readby) peer=${name},`,
    '}', '',
  ].join('\n')
}
