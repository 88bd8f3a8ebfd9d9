import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mergeResources } from '../../kernel/cgroup/merge-resources.ts'
import { parseJson, stringifyJson } from '../../lib/json.ts'
import type { OciResources, OciSpec } from '../../runc/spec.ts'

/** config.json of a bundle. Replaced as a whole: an exec that cannot read it would run without the seccomp filter. */
export function writeSpec(directory: string, spec: OciSpec): void {
  const file = join(directory, 'config.json')
  writeFileSync(`${file}.tmp`, stringifyJson(spec))
  renameSync(`${file}.tmp`, file)
}

/** undefined when there is none that can be read. */
export function readSpec(directory: string): OciSpec | undefined {
  try {
    return parseJson(readFileSync(join(directory, 'config.json'), 'utf8')) as OciSpec
  } catch {
    return undefined
  }
}

/** A specification with limits changed; those that `changed` leaves out stay. */
export function withResources(spec: OciSpec, changed: OciResources): OciSpec {
  return { ...spec, linux: { ...spec.linux, resources: mergeResources(spec.linux?.resources ?? {}, changed) } }
}
