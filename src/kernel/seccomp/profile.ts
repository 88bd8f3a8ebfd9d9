import type { OciSeccomp, OciSyscallRule } from '../../runc/spec.ts'
import { type Architecture, profileNames } from './architecture.ts'

/**
 * A seccomp profile in Docker's format: OCI's rules, plus conditions on capabilities, machine and kernel.
 * Source: docs.docker.com, "Seccomp security profiles for Docker".
 */
export interface SeccompProfile {
  defaultAction: string
  defaultErrnoRet?: number
  /** Interfaces in their OCI names; not together with `archMap`. */
  architectures?: string[]
  /** Further interfaces of each machine. */
  archMap?: { architecture: string; subArchitectures?: string[] | null }[]
  flags?: string[]
  listenerPath?: string
  listenerMetadata?: string
  syscalls?: ProfileRule[]
}

export interface ProfileRule extends Omit<OciSyscallRule, 'names' | 'args'> {
  /** Older form of `names`; not together with it. */
  name?: string
  names?: string[]
  args?: OciSyscallRule['args'] | null
  comment?: string
  /** The rule counts only where all of these hold. */
  includes?: ProfileFilter
  /** The rule does not count where any of these holds. */
  excludes?: ProfileFilter
}

export interface ProfileFilter {
  caps?: string[]
  arches?: string[]
  /** "4.8": this or a newer one. */
  minKernel?: string
}

export interface ProfileContext {
  /** Full names. */
  capabilities: readonly string[]
  kernel: { major: number; minor: number }
  architecture: Architecture
}

/** Reads a profile given as text. @throws Error "Decoding seccomp profile failed: …" */
export function parseProfile(text: string): SeccompProfile {
  let profile: unknown
  try {
    profile = JSON.parse(text)
  } catch (cause) {
    throw decodingFailed(cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (!isObject(profile)) throw decodingFailed('not a JSON object')
  if (typeof profile['defaultAction'] !== 'string') throw decodingFailed('defaultAction is missing')
  for (const field of ['syscalls', 'architectures', 'archMap', 'flags']) {
    const value = profile[field]
    if (value !== undefined && value !== null && !Array.isArray(value)) throw decodingFailed(`${field} is not an array`)
  }
  for (const rule of (profile['syscalls'] as unknown[] | null | undefined) ?? []) checkRule(rule)
  return profile as unknown as SeccompProfile
}

function checkRule(rule: unknown): void {
  if (!isObject(rule)) throw decodingFailed('a rule of syscalls is not an object')
  if (typeof rule['action'] !== 'string') throw decodingFailed('a rule of syscalls has no action')
  const names = rule['names']
  const named = typeof rule['name'] === 'string' && rule['name'] !== ''
  if (names && (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))) {
    throw decodingFailed('names of a rule is not an array of strings')
  }
  if (!named && !names) throw decodingFailed('a rule of syscalls has neither name nor names')
}

/**
 * The rules of a profile that hold for a container, as OCI has them.
 * @throws Error for a profile that contradicts itself
 */
export function resolveProfile(profile: SeccompProfile, context: ProfileContext): OciSeccomp {
  const { defaultAction, defaultErrnoRet, flags, listenerPath, listenerMetadata } = profile
  return {
    defaultAction,
    ...(typeof defaultErrnoRet === 'number' ? { defaultErrnoRet } : {}),
    architectures: architecturesOf(profile, context.architecture),
    ...(flags?.length ? { flags } : {}),
    ...(listenerPath ? { listenerPath } : {}),
    ...(listenerMetadata ? { listenerMetadata } : {}),
    syscalls: (profile.syscalls ?? []).filter((rule) => applies(rule, context)).map(ociRule),
  }
}

function architecturesOf(profile: SeccompProfile, architecture: Architecture): string[] {
  if (profile.architectures?.length && profile.archMap?.length) {
    throw new Error("both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'")
  }
  if (profile.architectures?.length) return profile.architectures
  const native = profileNames[architecture].scmp
  const entry = profile.archMap?.find((entry) => entry.architecture === native)
  return [native, ...(entry?.subArchitectures ?? [])]
}

function applies({ includes, excludes }: ProfileRule, context: ProfileContext): boolean {
  const { capabilities, architecture } = context
  const machine = profileNames[architecture].go
  if (excludes?.arches?.includes(machine)) return false
  if (excludes?.caps?.some((capability) => capabilities.includes(capability))) return false
  if (excludes?.minKernel && isAtLeast(context.kernel, excludes.minKernel)) return false
  if (includes?.arches?.length && !includes.arches.includes(machine)) return false
  if (includes?.caps?.some((capability) => !capabilities.includes(capability))) return false
  return !includes?.minKernel || isAtLeast(context.kernel, includes.minKernel)
}

function ociRule({ name, names, action, errnoRet, args }: ProfileRule): OciSyscallRule {
  if (name && names?.length) throw new Error("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'")
  return {
    names: name ? [name] : (names ?? []),
    action,
    ...(typeof errnoRet === 'number' ? { errnoRet } : {}),
    ...(args?.length ? { args } : {}),
  }
}

function isAtLeast(kernel: ProfileContext['kernel'], wanted: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(wanted) ?? []
  if (major === undefined || minor === undefined) throw new Error(`invalid kernel version ${JSON.stringify(wanted)} in the seccomp profile`)
  return kernel.major > Number(major) || (kernel.major === Number(major) && kernel.minor >= Number(minor))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decodingFailed(reason: string, cause?: unknown): Error {
  return new Error(`Decoding seccomp profile failed: ${reason}`, cause === undefined ? undefined : { cause })
}
