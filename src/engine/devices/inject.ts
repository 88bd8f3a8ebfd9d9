import { GantryError } from '../../lib/errors.ts'
import type { OciDevice, OciHooks, OciMount, OciSpec } from '../../runc/spec.ts'
import { mergeEnvironment } from '../spec/environment.ts'
import { deviceAt } from '../spec/host-facts.ts'
import type { CdiDevice } from './cdi-directories.ts'
import type { CdiDeviceNode, CdiEdits } from './cdi-spec.ts'

/**
 * A specification with the edits of CDI devices: those for any device of a file once, before the first of its devices.
 * @throws System with Docker's text
 */
export function injectDevices(spec: OciSpec, ids: readonly string[], devices: ReadonlyMap<string, CdiDevice>): OciSpec {
  if (ids.length === 0) return spec
  const missing = ids.filter((id) => !devices.has(id))
  if (missing.length > 0) throw failure(`unresolvable CDI devices ${missing.join(', ')}`)
  const seen = new Set<unknown>()
  let edited = spec
  for (const id of ids) {
    const { spec: file, edits } = devices.get(id) as CdiDevice
    if (!seen.has(file)) edited = applyEdits(edited, file.containerEdits ?? {})
    seen.add(file)
    edited = applyEdits(edited, edits)
  }
  return edited
}

function applyEdits(spec: OciSpec, edits: CdiEdits): OciSpec {
  const { process, linux = {} } = spec
  const added = (edits.deviceNodes ?? []).map((node) => ({ node, device: deviceOf(node, process?.user) }))
  const paths = new Set(added.map(({ device }) => device.path))
  const rules = added.flatMap(({ node, device: { type, major, minor } }) => (type === 'b' || type === 'c' ? [{ allow: true, type, major, minor, access: node.permissions || 'rwm' }] : []))
  const gids = (edits.additionalGids ?? []).filter((gid) => gid !== 0)
  return {
    ...spec,
    ...(process && { process: { ...process, env: mergeEnvironment(process.env ?? [], edits.env), user: { ...process.user, additionalGids: [...new Set([...(process.user.additionalGids ?? []), ...gids])] } } }),
    mounts: withMounts(spec.mounts ?? [], edits.mounts ?? []),
    ...(edits.hooks?.length && { hooks: withHooks(spec.hooks ?? {}, edits.hooks) }),
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []).filter(({ path }) => !paths.has(path)), ...added.map(({ device }) => device)],
      resources: { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] },
      ...(edits.netDevices?.length && { netDevices: { ...linux.netDevices, ...Object.fromEntries(edits.netDevices.map(({ hostInterfaceName, name }) => [hostInterfaceName, { name }])) } }),
      ...(edits.intelRdt && { intelRdt: edits.intelRdt }),
    },
  }
}

/** What the specification leaves out is as the host's node is; a process that is not root gets the node. */
function deviceOf(node: CdiDeviceNode, user: { uid: number; gid: number } | undefined): OciDevice {
  const source = node.hostPath || node.path
  const complete = node.type !== undefined && node.type !== '' && (node.type === 'p' || (node.major !== undefined && node.minor !== undefined))
  const [host] = complete ? [] : deviceAt(source)
  if (!complete && host === undefined) throw failure(`failed to stat CDI host device ${JSON.stringify(source)}: no such file or directory`)
  if (host !== undefined && node.type && node.type !== host.type) throw failure(`CDI device (${JSON.stringify(node.path)}, ${JSON.stringify(source)}), host type mismatch (${host.type}, ${node.type})`)
  const { type = '', major = 0, minor = 0, fileMode, uid = user?.uid || undefined, gid = user?.gid || undefined } = node
  return {
    path: node.path,
    type: type || (host?.type ?? ''),
    major: major || (host?.major ?? 0),
    minor: minor || (host?.minor ?? 0),
    ...((fileMode ?? host?.fileMode) === undefined ? {} : { fileMode: fileMode ?? host?.fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }
}

/** One at a place that is mounted already replaces that; parents come before what is below them. */
function withMounts(mounts: readonly OciMount[], asked: NonNullable<CdiEdits['mounts']>): OciMount[] {
  if (asked.length === 0) return [...mounts]
  const added = asked.map(({ hostPath, containerPath, type, options = [] }): OciMount => ({ destination: containerPath, source: hostPath, type: type || 'bind', options: /bind/.test(options.join()) || type ? options : [...options, 'rbind'] }))
  const places = new Set(added.map(({ destination }) => destination))
  return [...mounts.filter(({ destination }) => !places.has(destination)), ...added.toSorted((one, other) => depth(one) - depth(other))]
}

function depth({ destination }: OciMount): number {
  return destination.split('/').filter((part) => part !== '').length
}

function withHooks(hooks: OciHooks, asked: NonNullable<CdiEdits['hooks']>): OciHooks {
  const all: OciHooks = { ...hooks }
  for (const { hookName, path, args, env, timeout } of asked) {
    const point = hookName as keyof OciHooks
    all[point] = [...(all[point] ?? []), { path, ...(args && { args }), ...(env && { env }), ...(timeout !== undefined && { timeout }) }]
  }
  return all
}

function failure(reason: string): GantryError {
  return new GantryError('System', `CDI device injection failed: ${reason}`)
}
