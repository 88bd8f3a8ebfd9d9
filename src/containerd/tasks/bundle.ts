import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson, stringifyJson } from '../../lib/json.ts'
import type { OciSpec } from '../../runc/spec.ts'

/** config.json of a bundle. */
export function writeSpec(directory: string, spec: OciSpec): void {
  writeFileSync(join(directory, 'config.json'), stringifyJson(spec))
}

/** undefined when there is none that can be read. */
export function readSpec(directory: string): OciSpec | undefined {
  try {
    return parseJson(readFileSync(join(directory, 'config.json'), 'utf8')) as OciSpec
  } catch {
    return undefined
  }
}
