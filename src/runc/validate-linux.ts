import { checkSeccomp } from '../kernel/seccomp/check.ts'
import { parsePropagation } from './mounts/options.ts'
import { cleanPath } from './mounts/target.ts'
import { parseNumberSet } from './number-set.ts'
import { refuse } from './refuse.ts'
import type { OciLinux, OciNamespace, OciSeccomp } from './spec.ts'
import type { ValidSpec } from './validate.ts'

/** `linux` of a specification whose shape is right. */
export function validateLinux(spec: ValidSpec): void {
  const { linux } = spec
  validateNamespaces(spec)
  for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
    for (const path of linux[field] ?? []) if (!path.startsWith('/')) refuse(`linux.${field}`, `${JSON.stringify(path)} is not an absolute path`)
  }
  for (const [index, { path, type, major, minor }] of (linux.devices ?? []).entries()) {
    if (!cleanPath(path).startsWith('/dev/')) refuse('linux.devices', `${JSON.stringify(path)} is not below /dev`)
    // 12 and 20 bits (linux/kdev_t.h).
    if (type !== 'p' && !(major >= 0 && major < 1 << 12)) refuse(`linux.devices[${index}].major`, `${major} is not a number of a device`)
    if (type !== 'p' && !(minor >= 0 && minor < 1 << 20)) refuse(`linux.devices[${index}].minor`, `${minor} is not a number of a device`)
  }
  if (linux.rootfsPropagation && parsePropagation(linux.rootfsPropagation) === undefined) refuse('linux.rootfsPropagation', `${linux.rootfsPropagation} is not a propagation`)
  if (linux.personality?.flags?.length) refuse('linux.personality.flags', 'there are none')
  if (linux.seccomp !== undefined) validateSeccomp(linux.seccomp)
  validateMemoryPolicy(linux.memoryPolicy)
  validateIntelRdt(linux.intelRdt)
}

function validateNamespaces(spec: ValidSpec): void {
  const { linux } = spec
  const types = new Map(linux.namespaces.map((namespace) => [namespace.type, namespace]))
  if (types.size !== linux.namespaces.length) refuse('linux.namespaces', 'a type is listed twice')
  if (types.get('mount') === undefined) refuse('linux.namespaces', 'a mount namespace is missing: the mounts would be the host\'s')
  for (const [index, { path }] of linux.namespaces.entries()) {
    if (path && !path.startsWith('/')) refuse(`linux.namespaces[${index}].path`, `${JSON.stringify(path)} is not an absolute path`)
  }
  if ((spec.hostname || spec.domainname) && !types.has('uts')) refuse('hostname', 'it would be that of the host: there is no uts namespace')
  for (const field of ['hostname', 'domainname'] as const) if (Buffer.byteLength(spec[field] ?? '') > 64) refuse(field, 'it is longer than 64 bytes')
  for (const key of Object.keys(linux.sysctl ?? {})) validateSysctl(key, types)
  if (Object.keys(linux.netDevices ?? {}).length > 0 && !types.has('network')) refuse('linux.netDevices', 'there is no network namespace to move them to')
  const offsets = Object.keys(linux.timeOffsets ?? {})
  const unknown = offsets.find((clock) => clock !== 'monotonic' && clock !== 'boottime')
  if (unknown !== undefined) refuse(`linux.timeOffsets.${unknown}`, 'only the clocks monotonic and boottime can be moved')
  if (offsets.length > 0 && !types.has('time')) refuse('linux.timeOffsets', 'there is no time namespace')
  if (offsets.length > 0 && types.get('time')?.path) refuse('linux.timeOffsets', 'the clocks of a namespace that is joined stay as they are')
}

const ipcSysctls = /^(kernel[./](msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|fs[./]mqueue[./])/

/** Only settings that a namespace of the container holds: all others are the host's. */
function validateSysctl(key: string, types: ReadonlyMap<OciNamespace, unknown>): void {
  const name = key.replaceAll('/', '.')
  if (!/^[a-z0-9_.:@/-]+$/i.test(key) || name.split('.').includes('')) refuse('linux.sysctl', `${JSON.stringify(key)} is not a setting`)
  const needed: OciNamespace | undefined = name.startsWith('net.') ? 'network' : ipcSysctls.test(key) ? 'ipc' : /^kernel\.(domainname|hostname)$/.test(name) ? 'uts' : undefined
  if (needed === undefined) refuse('linux.sysctl', `${key} is not in a namespace of the container`)
  else if (!types.has(needed)) refuse('linux.sysctl', `${key} is not allowed without a ${needed} namespace`)
}

function validateSeccomp(seccomp: OciSeccomp): void {
  const problem = checkSeccomp(seccomp)
  if (problem !== undefined) refuse(`linux.seccomp.${problem.field}`, problem.reason)
}

function validateMemoryPolicy(policy: OciLinux['memoryPolicy']): void {
  if (policy === undefined) return
  const { mode, nodes = '' } = policy
  const bare = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL'
  if (nodes !== '' && parseNumberSet(nodes, 1023) === undefined) refuse('linux.memoryPolicy.nodes', `${JSON.stringify(nodes)} is not a list of nodes`)
  if (bare && nodes !== '') refuse('linux.memoryPolicy.nodes', `${mode} has none`)
  if (!bare && mode !== 'MPOL_PREFERRED' && nodes === '') refuse('linux.memoryPolicy.nodes', `${mode} needs them`)
}

function validateIntelRdt(rdt: OciLinux['intelRdt']): void {
  if (rdt === undefined) return
  const { closID = '' } = rdt
  if (closID.includes('/') || closID === '.' || closID === '..') refuse('linux.intelRdt.closID', `${JSON.stringify(closID)} is not a name`)
  const lines = [...(rdt.schemata ?? []), rdt.l3CacheSchema ?? '', rdt.memBwSchema ?? '']
  if (lines.some((line) => line.includes('\n'))) refuse('linux.intelRdt.schemata', 'a schema is one line')
}
