import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programFile } from '../../../kernel/native-files.ts'
import { stringifyJson } from '../../../lib/json.ts'
import { save, startTimeOf } from '../../../runc/container-store.ts'
import type { OciSpec } from '../../../runc/spec.ts'
import type { ForeignRuntime } from '../foreign/foreign-runtime.ts'
import type { TaskState } from '../state.ts'

/** Where gantry-runc keeps its records of a task, below the task's directory. */
const records = 'runc'

/**
 * The built-in runtime as a program: criu is talked with over blocking sockets, and what it restores needs a parent of its own. That is
 * the monitor once this program has ended, so nothing may stand between the two.
 */
export function ownRuntime(directory: string, systemd: boolean): ForeignRuntime {
  return { choice: { name: 'gantry-runc', path: programFile('gantry-runc'), args: [] }, root: join(directory, records), hidden: [], systemd, environment: ['GANTRY_RUNC_DIRECT=1'] }
}

/** Makes gantry-runc know a task as if it had made it. */
export function introduceTask({ directory, state, spec }: { directory: string; state: TaskState; spec: OciSpec }): void {
  const place = join(directory, records, state.id)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  writeFileSync(join(place, 'config.json'), stringifyJson(withNetworkOf(withoutHooks(spec), `/proc/${state.pid}/ns/net`)), { mode: 0o600 })
  save(place, {
    ociVersion: spec.ociVersion, id: state.id, init_process_pid: state.pid, init_process_start: startTimeOf(state.pid),
    bundle: directory, rootfs: state.mountpoint, cgroup: state.cgroup, ...(state.unit && { unit: state.unit }), created: new Date().toISOString(),
  })
}

/** A failure of that program in its own words: who asked knows which container it was. */
export function withoutFrame(text: string, { act, id }: { act: 'checkpoint' | 'restore'; id: string }): string {
  return text.replace(/^OCI runtime \w+ failed: /, '').replace(`cannot ${act} container ${id}: `, '').replace(/: unknown$/, '')
}

/** criu leaves a network namespace that it is told of by path as it is; the engine makes it, not criu. */
export function withNetworkOf(spec: OciSpec, path: string): OciSpec {
  if (!ownsNetwork(spec)) return spec
  return { ...spec, linux: { ...spec.linux, namespaces: spec.linux?.namespaces?.map((one) => (one.type === 'network' ? { ...one, path } : one)) } }
}

export function ownsNetwork({ linux }: OciSpec): boolean {
  return linux?.namespaces?.some(({ type, path }) => type === 'network' && (path === undefined || path.startsWith('/proc/self/'))) === true
}

/** Those of a container's end are the task's to run. */
function withoutHooks(spec: OciSpec): OciSpec {
  return { ...spec, hooks: undefined }
}
