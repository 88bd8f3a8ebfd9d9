import type { Command } from '../command.ts'
import { load, statusOf, type ContainerRecord } from '../container-store.ts'

export const state: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const { record } = load(root, args.rest[0]!)
    process.stdout.write(`${JSON.stringify(describe(record), null, 2)}\n`)
    return 0
  },
}

/** The state of the OCI runtime specification (runtime.md, "State") and what runc adds to it. */
export function describe(record: ContainerRecord): Record<string, unknown> {
  const { ociVersion, id, bundle, rootfs, created, annotations } = record
  const status = statusOf(record)
  const pid = status === 'stopped' ? 0 : record.pid
  return { ociVersion, id, pid, status, bundle, rootfs, created, owner: '', ...(annotations === undefined ? {} : { annotations }) }
}
