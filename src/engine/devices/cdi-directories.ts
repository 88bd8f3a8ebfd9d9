import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { parseCdiSpec, type CdiEdits, type CdiSpec } from './cdi-spec.ts'

/** Where specifications lie; what stands in a later directory takes precedence. */
export const defaultCdiDirectories: readonly string[] = ['/etc/cdi', '/var/run/cdi']

/** A device that can be asked for. */
export interface CdiDevice {
  /** "vendor.com/class=name". */
  id: string
  spec: CdiSpec
  edits: CdiEdits
}

/**
 * The devices of this moment, by id. One that two files of the same directory have is nobody's. Files that cannot be read are left
 * out; `problem` gets why.
 */
export function readCdiDevices(directories: readonly string[], problem: (line: string) => void = () => {}): Map<string, CdiDevice> {
  const devices = new Map<string, CdiDevice>()
  for (const directory of directories) {
    const own = new Map<string, CdiDevice | undefined>()
    for (const spec of specsIn(directory, problem)) {
      for (const { name, containerEdits = {} } of spec.devices) {
        const id = `${spec.kind}=${name}`
        if (own.has(id)) problem(`CDI device ${id} is in more than one file of ${directory}: it cannot be used`)
        own.set(id, own.has(id) ? undefined : { id, spec, edits: containerEdits })
      }
    }
    for (const [id, device] of own) {
      if (device === undefined) devices.delete(id)
      else devices.set(id, device)
    }
  }
  return devices
}

function specsIn(directory: string, problem: (line: string) => void): CdiSpec[] {
  return filesIn(directory).flatMap((name) => {
    const [, format] = /\.(json|yaml)$/.exec(name) ?? []
    if (format === undefined) return []
    const path = join(directory, name)
    try {
      return [parseCdiSpec(readFileSync(path, 'utf8'), format as 'json' | 'yaml')]
    } catch (error) {
      problem(`cannot read CDI specification ${path}: ${messageOf(error)}`)
      return []
    }
  })
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return [] // no such directory: no devices
  }
}
