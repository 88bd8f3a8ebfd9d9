import { GantryError } from '../../lib/errors.ts'
import { platformText } from '../plan/platform.ts'
import type { Platform } from '../plan/contract.ts'

/** What an exporter was told to write beside an image. */
export interface Annotations {
  index: Record<string, string>
  /** Of the entry of `index.json`, where there is one. */
  indexDescriptor: Record<string, string>
  manifest(platform: Platform): Record<string, string>
  manifestDescriptor(platform: Platform): Record<string, string>
}

/**
 * "annotation.KEY", "annotation-LEVEL.KEY" and both with "[PLATFORM]" before the point. Source: BuildKit's documentation of annotations.
 * @throws InvalidParameter for a level that there is none of
 */
export function readAnnotations(attributes: Readonly<Record<string, string>>): Annotations {
  const found: { level: string; platform: string | undefined; key: string; value: string }[] = []
  for (const [name, value] of Object.entries(attributes)) {
    if (!/^annotation[-.[]/.test(name)) continue
    const match = /^annotation(?:-([a-z-]+))?(?:\[([^\]]+)\])?\.(.+)$/s.exec(name)
    const level = match?.[1] ?? 'manifest'
    if (match === null || !levels.includes(level)) throw new GantryError('InvalidParameter', `unrecognized annotation type ${match?.[1] ?? name}`)
    found.push({ level, platform: match[2], key: match[3]!, value })
  }
  const select = (level: string, platform?: Platform): Record<string, string> =>
    Object.fromEntries(found.filter((each) => each.level === level && (each.platform === undefined || (platform !== undefined && each.platform === platformText(platform)))).map(({ key, value }) => [key, value]))
  return {
    index: select('index'),
    indexDescriptor: select('index-descriptor'),
    manifest: (platform) => select('manifest', platform),
    manifestDescriptor: (platform) => select('manifest-descriptor', platform),
  }
}

const levels = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor']

export function hasAnnotations(attributes: Readonly<Record<string, string>>): boolean {
  return Object.keys(attributes).some((name) => /^annotation[-.[]/.test(name))
}
