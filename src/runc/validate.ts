import { GantryError } from '../lib/errors.ts'
import { isBind } from './mounts/bind.ts'
import { cleanPath } from './mounts/target.ts'
import { parseMountOptions, parsePropagation } from './mounts/options.ts'
import { personalities } from './personality.ts'
import { rlimitNumbers } from './rlimits.ts'
import type { OciLinux, OciMount, OciNamespace, OciProcess, OciSpec } from './spec.ts'

/** A specification with everything that a program needs. */
export interface ValidSpec extends OciSpec {
  process: OciProcess
  root: { path: string; readonly?: boolean }
  mounts: OciMount[]
  linux: OciLinux & { namespaces: { type: OciNamespace; path?: string }[] }
}

/** @throws GantryError InvalidParameter for what is wrong, NotImplemented for what is not there yet, naming the field */
export function validateSpec(spec: OciSpec): ValidSpec {
  const { process, root, linux = {}, mounts = [] } = spec
  if (!spec.ociVersion?.startsWith('1.')) refuse('ociVersion', `${JSON.stringify(spec.ociVersion)} is not a version 1`)
  if (process === undefined) return refuse('process', 'it is missing')
  if (!root?.path) return refuse('root.path', 'it is missing')
  validateProcess(process)
  for (const [index, mount] of mounts.entries()) validateMount(mount, `mounts[${index}]`)
  validateNamespaces(spec, linux)
  validateLinux(linux)
  const hooks = Object.entries(spec.hooks ?? {}).find(([, list]) => list.length > 0)
  if (hooks !== undefined) missing(`hooks.${hooks[0]}`)
  return { ...spec, process, root, mounts, linux: { ...linux, namespaces: linux.namespaces ?? [] } }
}

/** The part that an exec has too. */
export function validateProcess(process: OciProcess): void {
  if (!process.args?.length) refuse('process.args', 'it is empty')
  if (!process.cwd?.startsWith('/')) refuse('process.cwd', `${JSON.stringify(process.cwd)} is not an absolute path`)
  for (const [field, texts] of Object.entries({ args: process.args, env: process.env ?? [], cwd: [process.cwd] })) {
    if (texts.some((text) => text.includes('\0'))) refuse(`process.${field}`, 'it has a NUL byte')
  }
  for (const id of [process.user.uid, process.user.gid, ...(process.user.additionalGids ?? [])]) {
    if (!Number.isInteger(id) || id < 0 || id > 0xffff_fffe) refuse('process.user', `${id} is not a user or group number`)
  }
  for (const { type, soft, hard } of process.rlimits ?? []) {
    if (!(type in rlimitNumbers)) refuse('process.rlimits', `${type} is not a resource limit`)
    if (BigInt.asUintN(64, BigInt(soft)) > BigInt.asUintN(64, BigInt(hard))) refuse('process.rlimits', `the soft limit of ${type} is above its hard limit`)
  }
  const score = process.oomScoreAdj ?? 0
  if (score < -1000 || score > 1000) refuse('process.oomScoreAdj', 'it must be between -1000 and 1000')
  if (process.apparmorProfile && process.apparmorProfile !== 'unconfined') missing('process.apparmorProfile')
  if (process.selinuxLabel) missing('process.selinuxLabel')
  if (process.scheduler !== undefined) missing('process.scheduler')
  if (process.ioPriority !== undefined) missing('process.ioPriority')
  if (process.execCPUAffinity !== undefined) missing('process.execCPUAffinity')
}

function validateMount(mount: OciMount, field: string): void {
  const { destination, type, source } = mount
  if (typeof destination !== 'string' || !destination.startsWith('/') || destination.includes('\0')) {
    refuse(`${field}.destination`, `${JSON.stringify(destination)} is not an absolute path`)
  }
  if (cleanPath(destination) === '/') refuse(`${field}.destination`, 'it is the root')
  if (isBind(mount)) {
    if (!source?.startsWith('/')) refuse(`${field}.source`, `${JSON.stringify(source)} is not an absolute path`)
  } else if (!type) {
    refuse(`${field}.type`, 'it is missing')
  }
  if (mount.uidMappings?.length || mount.gidMappings?.length) missing(`${field}.uidMappings`)
  parseMountOptions(mount.options)
}

function validateNamespaces(spec: OciSpec, linux: OciLinux): void {
  const namespaces = linux.namespaces ?? []
  const types = new Map(namespaces.map((namespace) => [namespace.type, namespace]))
  if (types.size !== namespaces.length) refuse('linux.namespaces', 'a type is listed twice')
  if (types.get('mount') === undefined || types.get('mount')?.path) refuse('linux.namespaces', 'a mount namespace of its own is missing')
  if (types.has('user')) missing('linux.namespaces: user')
  if ((spec.hostname || spec.domainname) && !types.has('uts')) refuse('hostname', 'it would be that of the host: there is no uts namespace')
  for (const key of Object.keys(linux.sysctl ?? {})) validateSysctl(key, types)
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

function validateLinux(linux: OciLinux): void {
  for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
    for (const path of linux[field] ?? []) if (!path.startsWith('/') || path.includes('\0')) refuse(`linux.${field}`, `${JSON.stringify(path)} is not an absolute path`)
  }
  for (const { path, type } of linux.devices ?? []) {
    if (!cleanPath(path).startsWith('/dev/')) refuse('linux.devices', `${JSON.stringify(path)} is not below /dev`)
    if (!['b', 'c', 'u', 'p'].includes(type)) refuse('linux.devices', `${JSON.stringify(type)} is not a type of device`)
  }
  if (linux.rootfsPropagation && parsePropagation(linux.rootfsPropagation) === undefined) refuse('linux.rootfsPropagation', `${linux.rootfsPropagation} is not a propagation`)
  if (linux.personality !== undefined && !(linux.personality.domain in personalities)) refuse('linux.personality', `${linux.personality.domain} is not a domain`)
  if (linux.mountLabel) missing('linux.mountLabel')
  if (linux.uidMappings?.length || linux.gidMappings?.length) missing('linux.uidMappings')
}

function refuse(field: string, reason: string): never {
  throw new GantryError('InvalidParameter', `cannot use specification: ${field}: ${reason}`)
}

function missing(field: string): never {
  throw new GantryError('NotImplemented', `not implemented yet: ${field} of a specification`)
}
