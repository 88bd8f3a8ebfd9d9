import { encodeJson, parseJson } from '../../lib/go-template/json.ts'
import type { ValueMap } from '../../lib/go-template/value.ts'
import type { Command } from '../command.ts'
import { infoText } from '../format/info-text.ts'
import { objectFormatFlag } from '../grammar/common-flags.ts'
import { version } from '../program.ts'
import { printTemplate } from './version.ts'

export const infoCommand: Command = {
  path: 'info',
  usage: [''],
  summary: 'Show the state of the engine and its host',
  aliases: ['system info', 'info'],
  flags: [objectFormatFlag],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const client = { Debug: context.debug, Version: version, Context: 'default', Plugins: [], Warnings: null }
    const format = flags.string('format')
    let text: string
    try {
      text = await context.client.text('GET', '/info')
    } catch (error) {
      if (format === '') context.stdout.write(infoText(client, undefined))
      throw error
    }
    if (format === '') {
      const info = JSON.parse(text) as Record<string, unknown>
      context.stdout.write(infoText(client, info))
      for (const warning of (info['Warnings'] as string[] | null) ?? []) context.stderr.write(`${warning}\n`)
    } else printTemplate(context, format, encodeJson({ ...(parseJson(text) as ValueMap), ClientInfo: client }))
  },
}
