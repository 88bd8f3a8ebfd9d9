import { parseBytes } from '../containerd/snapshots/storage-options.ts'
import type { ContainerDefaults } from '../engine/containers/container-defaults.ts'
import { rlimitsOf } from '../engine/spec/rlimits.ts'
import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

type Ulimits = NonNullable<ContainerDefaults['ulimits']>

/** What containers get that do not say otherwise. @throws InvalidParameter */
export function resolveContainerDefaults(values: FlagValues): ContainerDefaults {
  return {
    shmSize: sharedMemory(values.get('default-shm-size') as string | undefined),
    ipcMode: oneOf(values, 'default-ipc-mode', { allowed: ['private', 'shareable'], complaint: 'IPC mode' }),
    cgroupnsMode: oneOf(values, 'default-cgroupns-mode', { allowed: ['private', 'host'] as const, complaint: 'default cgroup namespace' }),
    init: (values.get('init') as boolean | undefined) ?? false,
    ulimits: ulimits(values),
  }
}

function sharedMemory(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const bytes = parseBytes(text)
  if (bytes === undefined || bytes <= 0) throw invalid(`invalid default-shm-size: ${JSON.stringify(text)}`)
  return bytes
}

function oneOf<Word extends string>(values: FlagValues, name: string, { allowed, complaint }: { allowed: readonly Word[]; complaint: string }): Word | undefined {
  const value = (values.get(name) as string | undefined) || undefined
  const word = allowed.find((each) => each === value)
  if (value === undefined || word !== undefined) return word
  throw invalid(`${complaint} (${value}) is invalid, use ${allowed.map((each) => JSON.stringify(each)).join(' or ')}`)
}

/** --default-ulimit NAME=SOFT[:HARD]; of daemon.json {"NAME": {"Name": "NAME", "Soft": 1, "Hard": 2}}. */
function ulimits(values: FlagValues): Ulimits {
  const flags = ((values.get('default-ulimit') as string[] | undefined) ?? []).map(parseUlimit)
  const file = Object.entries((values.get('default-ulimits') as Record<string, unknown> | undefined) ?? {}).map(([name, value]) => fromFile(name, value))
  const all = [...flags, ...file]
  rlimitsOf(all)
  return all
}

function parseUlimit(text: string): Ulimits[number] {
  const [, Name, soft, hard] = /^([^=]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? []
  if (Name === undefined || soft === undefined) throw invalid(`invalid ulimit argument: ${text}`)
  return { Name, Soft: Number(soft), Hard: Number(hard ?? soft) }
}

function fromFile(name: string, value: unknown): Ulimits[number] {
  const { Name = name, Soft = 0, Hard = 0 } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Ulimits[number]>
  if (typeof value !== 'object' || value === null || !Number.isInteger(Soft) || !Number.isInteger(Hard)) {
    throw invalid(`cannot use ${JSON.stringify(value)} for default-ulimits ${name}: it must have Name, Soft and Hard`)
  }
  return { Name, Soft, Hard }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
