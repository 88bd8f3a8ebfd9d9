import { hookPoints } from './hooks.ts'
import { isBind } from './mounts/bind.ts'
import { cleanPath } from './mounts/target.ts'
import { refuse } from './refuse.ts'
import { withoutNulls } from './shape.ts'
import { specShape } from './spec-shape.ts'
import type { OciHook, OciLinux, OciMount, OciNamespace, OciProcess, OciSpec } from './spec.ts'
import { validateLinux } from './validate-linux.ts'
import { validateProcess } from './validate-process.ts'
import { validateUserNamespace } from './validate-user-namespace.ts'

export { validateProcess }

/** A specification with everything that a program needs. */
export interface ValidSpec extends OciSpec {
  process: OciProcess
  root: { path: string; readonly?: boolean }
  mounts: OciMount[]
  linux: OciLinux & { namespaces: { type: OciNamespace; path?: string }[] }
}

/** @throws GantryError InvalidParameter for what is wrong, NotImplemented for what is not there yet, naming the field */
export function validateSpec(given: OciSpec): ValidSpec {
  const spec = withoutNulls(given)
  specShape(spec, '')
  const { process, root } = spec as ValidSpec
  const mounts = spec.mounts ?? []
  const linux: OciLinux = spec.linux ?? {}
  if (!spec.ociVersion.startsWith('1.')) refuse('ociVersion', `${JSON.stringify(spec.ociVersion)} is not a version 1`)
  if (root.path === '') refuse('root.path', 'it is missing')
  validateProcess(process)
  for (const [index, mount] of mounts.entries()) validateMount(mount, `mounts[${index}]`)
  const valid = { ...spec, process, root, mounts, linux: { ...linux, namespaces: linux.namespaces ?? [] } }
  validateLinux(valid)
  validateUserNamespace(valid)
  for (const point of hookPoints) for (const [index, hook] of (spec.hooks?.[point] ?? []).entries()) validateHook(hook, `hooks.${point}[${index}]`)
  return valid
}

function validateMount(mount: OciMount, field: string): void {
  const { destination, type, source, options = [] } = mount
  if (!destination.startsWith('/')) refuse(`${field}.destination`, `${JSON.stringify(destination)} is not an absolute path`)
  if (cleanPath(destination) === '/') refuse(`${field}.destination`, 'it is the root')
  const bind = isBind(mount)
  if (bind && !source?.startsWith('/')) refuse(`${field}.source`, `${JSON.stringify(source)} is not an absolute path`)
  if (!bind && !type) refuse(`${field}.type`, 'it is missing')
  const maps = [mount.uidMappings ?? [], mount.gidMappings ?? []]
  const mapped = maps.some((mappings) => mappings.length > 0)
  if (mapped && maps.some((mappings) => mappings.length === 0)) refuse(`${field}.uidMappings`, 'it goes with gidMappings, and gidMappings with it')
  if ((mapped || options.some((option) => option === 'idmap' || option === 'ridmap')) && !bind) refuse(`${field}.uidMappings`, 'only a bind mount can map ids')
  if (options.includes('tmpcopyup') && type !== 'tmpfs') refuse(`${field}.options`, 'tmpcopyup is for a tmpfs')
}

function validateHook({ path }: OciHook, field: string): void {
  if (!path.startsWith('/')) refuse(`${field}.path`, `${JSON.stringify(path)} is not an absolute path`)
}
