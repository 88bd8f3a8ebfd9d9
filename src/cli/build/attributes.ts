import { readUlimit } from '../container-options/ulimit.ts'
import { parseCsv } from '../container-options/csv.ts'
import { keyValues } from '../container-options/environment.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'

/** What flags say to front end "dockerfile.v0". @throws ExitError with docker's texts */
export function frontendAttributes(flags: FlagValues, env: NodeJS.ProcessEnv): Record<string, string> {
  const attributes: Record<string, string> = {}
  const set = (name: string, value: string): void => {
    if (value !== '') attributes[name] = value
  }
  set('target', flags.string('target'))
  set('platform', flags.list('platform').join(','))
  set('cgroup-parent', flags.string('cgroup-parent'))
  set('force-network-mode', networkMode(flags.string('network')))
  set('add-hosts', flags.list('add-host').map((word) => word.replace(/^([^:=]+)[=:]\[?(.+?)\]?$/, '$1=$2')).join(','))
  set('ulimit', flags.list('ulimit').map((word) => readUlimit(word)).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(','))
  if (flags.number('shm-size') > 0) attributes['shm-size'] = String(flags.number('shm-size'))
  attributes['image-resolve-mode'] = flags.boolean('pull') ? 'pull' : 'local'
  set('no-cache', flags.list('no-cache-filter').join(','))
  if (flags.boolean('no-cache')) attributes['no-cache'] = ''
  if (flags.list('platform').join(',').includes(',')) attributes['multi-platform'] = 'true'
  for (const [name, value] of Object.entries(buildArguments(flags.list('build-arg'), env))) attributes[`build-arg:${name}`] = value
  for (const [name, value] of Object.entries(keyValues(flags.list('label')))) attributes[`label:${name}`] = value
  for (const [name, value] of attestations(flags)) attributes[`attest:${name}`] = value
  return attributes
}

export function entitlements(flags: FlagValues): string[] {
  const allowed = flags.list('allow').map((word) => {
    if (word !== 'network.host' && word !== 'security.insecure') throw new ExitError(`invalid entitlement: ${word}`)
    return word
  })
  return [...new Set([...allowed, ...(flags.string('network') === 'host' ? ['network.host'] : [])])]
}

/** --cache-from and --cache-to: "type=registry,ref=…"; an image's name alone is a registry's. */
export function cacheEntries(words: readonly string[]): { type: string; attributes: Record<string, string> }[] {
  return words.flatMap((word) => {
    const fields = parseCsv(word)
    if (fields.every((field) => !field.includes('='))) return fields.map((ref) => ({ type: 'registry', attributes: { ref } }))
    const { type = '', ...attributes } = keyValues(fields)
    if (type === '') throw new ExitError(`type required form> ${JSON.stringify(word)}`)
    return [{ type, attributes }]
  })
}

function networkMode(mode: string): string {
  if (mode === '' || mode === 'default') return ''
  if (mode === 'host' || mode === 'none') return mode
  throw new ExitError(`network mode ${JSON.stringify(mode)} not supported by buildkit - you can define a custom network for your builder using the network driver-opt in buildx create`)
}

/** A name alone takes its value from the environment; one that has none there is not set. Proxies of the environment are no arguments. */
function buildArguments(words: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {}
  for (const word of words) {
    const equals = word.indexOf('=')
    const value = equals < 0 ? env[word] : word.slice(equals + 1)
    if (value !== undefined) found[equals < 0 ? word : word.slice(0, equals)] = value
  }
  return found
}

function attestations(flags: FlagValues): [string, string][] {
  const words = [...flags.list('attest'), ...shorthand('provenance', flags.string('provenance')), ...shorthand('sbom', flags.string('sbom'))]
  return words.map((word) => {
    const fields = parseCsv(word)
    const type = fields.find((field) => field.startsWith('type='))?.slice('type='.length)
    if (type === undefined) throw new ExitError(`attestation type not specified`)
    return [type, fields.filter((field) => !field.startsWith('type=')).join(',')]
  })
}

/** --provenance=true, =false or =mode=max. */
function shorthand(type: string, value: string): string[] {
  if (value === '') return []
  if (value === 'true') return [`type=${type}`]
  return [value === 'false' ? `type=${type},disabled=true` : `type=${type},${value}`]
}
