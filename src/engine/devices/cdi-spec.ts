import { parseYaml } from '../../lib/yaml/parse-yaml.ts'
import type { OciIntelRdt } from '../../runc/spec.ts'

/** A file of the Container Device Interface (specification 1.0, "CDI JSON Specification"). */
export interface CdiSpec {
  cdiVersion: string
  /** "vendor.com/class". */
  kind: string
  devices: { name: string; containerEdits?: CdiEdits }[]
  /** For any device of the file. */
  containerEdits?: CdiEdits
}

export interface CdiEdits {
  env?: string[]
  deviceNodes?: CdiDeviceNode[]
  netDevices?: { hostInterfaceName: string; name: string }[]
  mounts?: { hostPath: string; containerPath: string; type?: string; options?: string[] }[]
  hooks?: { hookName: string; path: string; args?: string[]; env?: string[]; timeout?: number }[]
  additionalGids?: number[]
  intelRdt?: OciIntelRdt
}

/** What it leaves out is as the host's node is. */
export interface CdiDeviceNode {
  path: string
  hostPath?: string
  type?: string
  major?: number
  minor?: number
  fileMode?: number
  permissions?: string
  uid?: number
  gid?: number
}

const kindPattern = /^[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]\/[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$/
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/
const hookNames = new Set(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'])

/** "vendor.com/class=name", as it is asked for. */
export function isCdiName(text: string): boolean {
  const at = text.indexOf('=')
  return at > 0 && kindPattern.test(text.slice(0, at)) && namePattern.test(text.slice(at + 1))
}

/** @throws Error that says what is wrong with the file */
export function parseCdiSpec(text: string, format: 'json' | 'yaml'): CdiSpec {
  const spec = (format === 'json' ? JSON.parse(text) : parseYaml(text)) as Partial<CdiSpec> | null
  if (typeof spec !== 'object' || spec === null) throw new Error('it is not an object')
  const { cdiVersion, kind, devices, containerEdits } = spec
  if (!/^v?[01]\.\d+\.\d+$/.test(String(cdiVersion))) throw new Error(`cdiVersion ${JSON.stringify(cdiVersion)} is not known`)
  if (typeof kind !== 'string' || !kindPattern.test(kind)) throw new Error(`kind ${JSON.stringify(kind)} is not vendor/class`)
  if (!Array.isArray(devices) || devices.length === 0) throw new Error('it has no devices')
  const names = new Set<string>()
  for (const { name, containerEdits: edits } of devices) {
    if (typeof name !== 'string' || !namePattern.test(name)) throw new Error(`device name ${JSON.stringify(name)} is not valid`)
    if (names.has(name)) throw new Error(`device ${name} is there twice`)
    names.add(name)
    checkEdits(edits, `device ${name}`)
  }
  checkEdits(containerEdits, 'containerEdits')
  return { cdiVersion: String(cdiVersion), kind, devices, ...(containerEdits && { containerEdits }) }
}

function checkEdits(edits: CdiEdits | null | undefined, where: string): void {
  if (!edits) return
  for (const entry of edits.env ?? []) if (!/^[^=]+=/.test(entry)) throw new Error(`${where}: environment ${JSON.stringify(entry)} is not name=value`)
  for (const node of edits.deviceNodes ?? []) {
    if (typeof node.path !== 'string' || !node.path.startsWith('/')) throw new Error(`${where}: a device node needs a path`)
    if (node.type !== undefined && !['b', 'c', 'u', 'p', ''].includes(node.type)) throw new Error(`${where}: device type ${JSON.stringify(node.type)} is not known`)
    if (node.permissions !== undefined && !/^[rwm]*$/.test(node.permissions)) throw new Error(`${where}: permissions ${JSON.stringify(node.permissions)} are not valid`)
  }
  for (const { hostPath, containerPath } of edits.mounts ?? []) if (!hostPath || !containerPath?.startsWith('/')) throw new Error(`${where}: a mount needs hostPath and containerPath`)
  for (const { hookName, path } of edits.hooks ?? []) {
    if (!hookNames.has(hookName)) throw new Error(`${where}: hook ${JSON.stringify(hookName)} is not known`)
    if (!path) throw new Error(`${where}: a hook needs a path`)
  }
}
