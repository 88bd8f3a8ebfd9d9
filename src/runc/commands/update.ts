import { updateManaged } from '../../kernel/cgroup/managed.ts'
import { mergeResources } from '../../kernel/cgroup/merge-resources.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { parseJson } from '../../lib/json.ts'
import { flag, type Arguments, type FlagTable } from '../arguments.ts'
import type { Command } from '../command.ts'
import { pidsOf, requireCgroup } from '../container-cgroup.ts'
import { load, loadSpec, saveSpec, statusOf } from '../container-store.ts'
import { readGiven } from '../given-file.ts'
import { updateIntelRdt } from '../intel-rdt.ts'
import type { OciResources } from '../spec.ts'
import { bytesOf } from './size.ts'

type Setter = (resources: OciResources, text: string, name: string) => void

const cpu = (field: 'shares' | 'quota' | 'period' | 'burst' | 'realtimePeriod' | 'realtimeRuntime' | 'idle'): Setter => (resources, text, name) => {
  resources.cpu = { ...resources.cpu, [field]: integer(text, name) }
}
const memory = (field: 'limit' | 'reservation' | 'swap'): Setter => (resources, text, name) => {
  resources.memory = { ...resources.memory, [field]: bytesOf(text, name) }
}

const setters: Record<string, Setter> = {
  'blkio-weight': (resources, text, name) => (resources.blockIO = { ...resources.blockIO, weight: integer(text, name) }),
  'cpu-period': cpu('period'),
  'cpu-quota': cpu('quota'),
  'cpu-burst': cpu('burst'),
  'cpu-share': cpu('shares'),
  'cpu-rt-period': cpu('realtimePeriod'),
  'cpu-rt-runtime': cpu('realtimeRuntime'),
  'cpu-idle': cpu('idle'),
  'cpuset-cpus': (resources, text) => (resources.cpu = { ...resources.cpu, cpus: text }),
  'cpuset-mems': (resources, text) => (resources.cpu = { ...resources.cpu, mems: text }),
  memory: memory('limit'),
  'memory-reservation': memory('reservation'),
  'memory-swap': memory('swap'),
  'pids-limit': (resources, text, name) => (resources.pids = { limit: integer(text, name) }),
}

const flags: FlagTable = {
  resources: { letter: 'r', value: true },
  ...Object.fromEntries(Object.keys(setters).map((name) => [name, { value: true }])),
  // Kernels since 5.4 have no such limit; callers pass it all the same.
  'kernel-memory': { value: true },
  'kernel-memory-tcp': { value: true },
  'l3-cache-schema': { value: true },
  'mem-bw-schema': { value: true },
}

export const update: Command = {
  flags,
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    if (statusOf(container) === 'stopped') throw new GantryError('Conflict', 'container not running')
    const [l3CacheSchema, memBwSchema] = [flag(args, 'l3-cache-schema'), flag(args, 'mem-bw-schema')]
    const resources = flag(args, 'resources') === undefined ? resourcesOf(args) : readResources(flag(args, 'resources')!)
    const { period, quota } = resources.cpu ?? {}
    // Either alone is checked by the kernel against the other one.
    const spec = loadSpec(container.directory)
    const current = spec.linux?.resources ?? {}
    if (quota !== undefined && period === undefined) resources.cpu = { ...resources.cpu, ...periodOf(current) }
    updateIntelRdt({ group: spec.linux?.intelRdt?.closID ?? container.record.id, l3CacheSchema, memBwSchema, pids: l3CacheSchema || memBwSchema ? pidsOf(container.record) : [] })
    const { layout, managed } = requireCgroup(container.record, 'update')
    await updateManaged(layout, managed, current, resources)
    saveSpec(container.directory, { ...spec, linux: { ...spec.linux, ...(l3CacheSchema || memBwSchema ? { intelRdt: spec.linux?.intelRdt ?? {} } : {}), resources: mergeResources(current, resources) } })
    return 0
  },
}

function periodOf(resources: OciResources | undefined): { period?: number } {
  const period = resources?.cpu?.period
  return period === undefined ? {} : { period }
}

function resourcesOf(args: Arguments): OciResources {
  const resources: OciResources = {}
  for (const [name, set] of Object.entries(setters)) {
    const text = flag(args, name)
    if (text !== undefined && text !== '') set(resources, text, name)
  }
  return resources
}

/** "-" is standard input. */
function readResources(path: string): OciResources {
  const text = readGiven(path)
  try {
    return parseJson(text) as OciResources
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot read resources from ${path}: ${messageOf(cause)}`, { cause })
  }
}

function integer(text: string, name: string): number {
  if (!/^-?\d+$/.test(text)) throw new GantryError('InvalidParameter', `invalid value for ${name}: ${text}`)
  return Number(text)
}
