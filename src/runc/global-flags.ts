import type { FlagTable } from './arguments.ts'

/** Those before the command. */
export const globalFlags: FlagTable = {
  root: { value: true },
  log: { value: true },
  'log-format': { value: true },
  debug: {},
  version: { letter: 'v' },
  help: { letter: 'h' },
  criu: { value: true },
  'systemd-cgroup': {},
  // Everything that root may do and an ordinary user may not fails with the kernel's word for it.
  rootless: { value: true },
}
