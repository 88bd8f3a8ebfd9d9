import { builtInRuntimeName, runtimeTable, type Runtimes } from '../engine/containers/runtimes.ts'
import { findExecutable, pathDirectories } from '../kernel/find-executable.ts'
import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

type Registered = Map<string, { path: string; args: readonly string[] }>

/**
 * --add-runtime NAME=PATH, and `runtimes` of daemon.json: {"NAME": {"path": "PATH", "runtimeArgs": ["..."]}}.
 * A path without a slash is looked up in PATH, as is a well-known runtime that nobody registered.
 * @throws InvalidParameter; NotImplemented for runtimes that are shims of containerd's
 */
export function resolveRuntimes(values: FlagValues): Runtimes {
  const registered: Registered = new Map()
  const add = (name: string, runtime: { path: string; args: readonly string[] }): void => {
    if (name === builtInRuntimeName) throw invalid(`runtime name '${name}' is reserved`)
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw invalid(`invalid runtime name: ${name}`)
    if (registered.has(name)) throw invalid(`runtime '${name}' was already defined`)
    registered.set(name, { ...runtime, path: runtime.path.includes('/') ? runtime.path : (findInPath(runtime.path) ?? runtime.path) })
  }
  for (const text of (values.get('add-runtime') as string[] | undefined) ?? []) {
    const [, name = '', path = ''] = /^([^=]*)=(.*)$/.exec(text) ?? []
    if (name.trim() === '' || path.trim() === '') throw invalid(`invalid runtime argument: ${text}`)
    add(name.trim(), { path: path.trim(), args: [] })
  }
  for (const [name, runtime] of Object.entries((values.get('runtimes') as Record<string, unknown> | undefined) ?? {})) add(name, fromFile(name, runtime))
  const usual = (values.get('default-runtime') as string | undefined) || builtInRuntimeName
  const table = runtimeTable({ default: usual, registered, installed: findInPath })
  try {
    table.choose(usual)
  } catch (error) {
    throw new GantryError('InvalidParameter', `specified default runtime '${usual}' does not exist`, { cause: error })
  }
  return table
}

function fromFile(name: string, value: unknown): { path: string; args: readonly string[] } {
  if (typeof value !== 'object' || value === null) throw invalid(`cannot use ${JSON.stringify(value)} for runtime ${name}: it must be an object`)
  const { path, runtimeArgs = [], ...others } = value as Record<string, unknown>
  const other = Object.keys(others)[0]
  if (other === 'runtimeType' || other === 'options') throw new GantryError('NotImplemented', `not implemented yet: ${other} of runtime ${name}`)
  if (other !== undefined) throw invalid(`cannot use ${other} for runtime ${name}: path and runtimeArgs are known`)
  if (typeof path !== 'string' || path === '') throw invalid(`cannot use runtime ${name}: it has no path`)
  if (!Array.isArray(runtimeArgs) || !runtimeArgs.every((word) => typeof word === 'string')) throw invalid(`cannot use runtimeArgs of runtime ${name}: a list of strings is needed`)
  return { path, args: runtimeArgs }
}

/** Administrators' programs are often not in the PATH of a service. */
function findInPath(name: string): string | undefined {
  return findExecutable(name, [...pathDirectories(), '/usr/local/sbin', '/usr/sbin', '/usr/bin'])
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
