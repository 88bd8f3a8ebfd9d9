import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import { flag, isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { writeOut } from '../output.ts'
import type { OciSpec } from '../spec.ts'

export const spec: Command = {
  flags: { bundle: { letter: 'b', value: true }, rootless: {}, program: {}, format: { value: true } },
  arguments: [0, 0],
  run: async ({ args }) => {
    const bundle = flag(args, 'bundle') || '.'
    if (isSet(args, 'program')) {
      const { showProgram } = await import('../show-program.ts')
      writeOut(1, showProgram(bundle, flag(args, 'format') ?? 'text'))
      return 0
    }
    const file = join(bundle, 'config.json')
    if (existsSync(file)) throw new GantryError('Conflict', 'File config.json exists. Remove it first')
    const start = isSet(args, 'rootless') ? rootless(startingPoint()) : startingPoint()
    writeFileSync(file, `${JSON.stringify(start, null, '\t')}\n`, { mode: 0o666 })
    return 0
  },
}

/** For an ordinary user: its own ids as root's, the host's network, no cgroup, the host's /sys read-only. */
function rootless(spec: OciSpec): OciSpec {
  const { resources: _, namespaces = [], ...linux } = spec.linux ?? {}
  const mounts = (spec.mounts ?? []).flatMap((mount) => {
    if (mount.destination === '/sys') return [{ destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] }]
    if (mount.destination === '/sys/fs/cgroup') return []
    // A group that has no mapping cannot own a file.
    return [{ ...mount, ...(mount.options === undefined ? {} : { options: mount.options.filter((option) => !option.startsWith('gid=')) }) }]
  })
  return {
    ...spec,
    mounts,
    linux: {
      ...linux,
      uidMappings: [{ containerID: 0, hostID: process.geteuid?.() ?? 0, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: process.getegid?.() ?? 0, size: 1 }],
      namespaces: [...namespaces.filter(({ type }) => type !== 'network'), { type: 'user' }],
    },
  }
}

/** A shell on a terminal in a read-only root, with few capabilities: something to edit. */
function startingPoint(): OciSpec {
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  const safe = ['nosuid', 'noexec', 'nodev']
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'gantry',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...safe, 'mode=1777', 'size=65536k'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...safe, 'relatime', 'ro'] },
    ],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'cgroup' }],
      maskedPaths: [
        '/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
        '/proc/sched_debug', '/sys/firmware', '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}
