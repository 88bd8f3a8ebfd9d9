import type { Command } from '../command.ts'
import { load, statusOf, type StoredContainer } from '../container-store.ts'
import { writeOut } from '../output.ts'

export const state: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    writeOut(1, `${JSON.stringify(describe(load(root, args.rest[0]!)), null, 2)}\n`)
    return 0
  },
}

/** The state of the OCI runtime specification (runtime.md, "State") and what runc adds to it. */
export function describe(container: StoredContainer): Record<string, unknown> {
  const { ociVersion, id, bundle, rootfs, created, annotations } = container.record
  const status = statusOf(container)
  const pid = status === 'stopped' ? 0 : container.record.init_process_pid
  return { ociVersion, id, pid, status, bundle, rootfs, created, ...(annotations === undefined ? {} : { annotations }), owner: '' }
}
