import { existsSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import type { Command } from '../command.ts'
import { load } from '../container-store.ts'

const flags: Command['flags'] = {
  bundle: { letter: 'b', value: true },
  detach: { letter: 'd' },
  ...Object.fromEntries([
    ...['image-path', 'work-path', 'parent-path', 'status-fd', 'page-server', 'manage-cgroups-mode', 'empty-ns', 'console-socket', 'pid-file', 'lsm-profile', 'lsm-mount-context'].map((name) => [name, { value: true }]),
    ...['leave-running', 'tcp-established', 'ext-unix-sk', 'shell-job', 'lazy-pages', 'file-locks', 'pre-dump', 'auto-dedup', 'no-subreaper', 'no-pivot'].map((name) => [name, {}]),
  ]),
}

export const checkpoint: Command = {
  flags,
  arguments: [1, 1],
  run: async ({ root, args }) => {
    load(root, args.rest[0]!)
    refuse('checkpoint')
  },
}

export const restore: Command = { flags, arguments: [1, 1], run: async () => refuse('restore') }

function refuse(act: string): never {
  const criu = (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(`${directory}/criu`))
  if (!criu) throw new GantryError('Unavailable', `cannot ${act} a container: criu is not installed`)
  throw new GantryError('NotImplemented', `not implemented yet: ${act}`)
}
