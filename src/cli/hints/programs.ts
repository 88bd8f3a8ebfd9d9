import type { EngineClient } from '../client/engine-client.ts'
import { commands } from '../catalogue.ts'
import { programName } from '../program.ts'

const shown = 8

/** A container without the program that was asked for: which ones it has. */
export async function programsHint(message: string, { container, client }: { container: string; client: EngineClient }): Promise<string | undefined> {
  const [, wanted = ''] = /exec: "([^"]*)"/.exec(message) ?? []
  const { programs } = await client.json<{ programs: string[] }>('GET', `/gantry/v1/containers/${encodeURIComponent(container)}/programs`, { unversioned: true })
  const debug = 'debug' in commands ? ` Try '${programName} debug ${container}'.` : ''
  if (programs.length === 0) return `The image has no ${wanted}, and no other program where programs are looked for.${debug}`
  const more = programs.length > shown ? `, and ${programs.length - shown} more` : ''
  const example = debug === '' && programs.length <= shown ? ` Try '${programName} exec ${container} ${programs[0]}'.` : debug
  return `The image has no ${wanted}; its programs are: ${programs.slice(0, shown).join(', ')}${more}.${example}`
}
