import type { CliContext, Command } from '../command.ts'
import { isNotFound } from '../client/engine-error.ts'
import { ExitError } from '../exit-error.ts'
import { printObjects } from '../format/print-objects.ts'
import { objectFormatFlag } from '../grammar/common-flags.ts'

type ObjectType = 'container' | 'image' | 'network' | 'volume' | 'plugin'

const paths: Record<ObjectType, (name: string) => string> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
  plugin: (name) => `/plugins/${name}/json`,
}
const knownTypes = ['config', 'container', 'image', 'network', 'node', 'plugin', 'secret', 'service', 'task', 'volume']

export const inspectCommand: Command = {
  path: 'inspect',
  usage: ['NAME|ID [NAME|ID...]'],
  summary: 'Show what the engine knows of an object',
  flags: [
    objectFormatFlag,
    { name: 'size', short: 's', kind: 'boolean', help: 'Show the sizes of files if the object is a container' },
    { name: 'type', kind: 'string', help: 'Look for objects of this type only' },
  ],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const type = flags.string('type')
    if (type !== '' && !knownTypes.includes(type)) {
      const list = knownTypes.map((name) => JSON.stringify(name)).join(', ')
      throw new ExitError(`unknown type: ${JSON.stringify(type)}: must be one of ${list}`)
    }
    if (type !== '' && !Object.hasOwn(paths, type)) throw new ExitError(`not implemented yet: --type ${type}`)
    const size = flags.boolean('size')
    const fetch = type === '' ? (name: string) => fetchAny(context, name, size) : (name: string) => fetchOne(context, type as ObjectType, { name, size })
    await printObjects(context, args, { format: flags.string('format'), fetch })
  },
}

export function fetchOne(context: CliContext, type: ObjectType, object: { name: string; size?: boolean; verbose?: boolean; platform?: string }): Promise<string> {
  const name = type === 'image' ? object.name : encodeURIComponent(object.name)
  const query = { size: (type === 'container' && object.size) || undefined, verbose: object.verbose || undefined, platform: object.platform }
  return context.client.text('GET', paths[type](name), { query })
}

async function fetchAny(context: CliContext, name: string, size: boolean): Promise<string> {
  for (const type of Object.keys(paths) as ObjectType[]) {
    try {
      const json = await fetchOne(context, type, { name, size })
      if (size && type !== 'container') context.stderr.write(`WARNING: --size ignored for ${type}\n`)
      return json
    } catch (error) {
      // Plugins and volumes are asked last; an engine without them has no such object either.
      if (!isNotFound(error) && type !== 'plugin' && type !== 'volume') throw error
    }
  }
  throw new ExitError(`Error: No such object: ${name}`)
}
