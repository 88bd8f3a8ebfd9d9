import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { countedSteps, fetchWays, stepLines } from '../ways.ts'

interface TestPacket {
  protocol: string
  address: string
  port: number
  outcome: string
}

export const netTraceCommand: Command = {
  path: 'net trace',
  usage: ['CONTAINER[:PORT[/PROTO]]'],
  summary: 'Show which interfaces and rules count while packets travel; with a port, a test packet of its own',
  flags: [
    { name: 'format', kind: 'string', help: '"json", or nothing for text' },
    { name: 'seconds', kind: 'int', help: 'Watch for so long; without a port 5 unless told' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args: [word = ''] }) {
    const format = flags.string('format')
    if (format !== '' && format !== 'json') throw new ExitError(`invalid format "${format}": there is "json"`)
    const [, container = word, port] = /^(.*):([^:]*)$/.exec(word) ?? []
    const seconds = flags.number('seconds', port === undefined ? 5 : 0)
    const before = await fetchWays(context.client, container)
    const sent = port === undefined ? undefined : await context.client.json<TestPacket>('POST', `/gantry/v1/containers/${encodeURIComponent(container)}/network/test`, { json: { Port: port }, unversioned: true })
    await sleep(seconds * 1000)
    const steps = countedSteps(before, await fetchWays(context.client, container))
    if (format === 'json') {
      context.stdout.write(`${JSON.stringify({ sent, steps })}\n`)
      return
    }
    if (sent !== undefined) context.stdout.write(`test packet to ${sent.address.includes(':') ? `[${sent.address}]` : sent.address}:${sent.port}/${sent.protocol}: ${sent.outcome}\n`)
    context.stdout.write(steps.length === 0 ? 'nothing counted\n' : `${stepLines(steps.map((step) => (step.at === 'rule' ? { ...step, text: `${step.name}: ${step.text}` } : step))).join('\n')}\n`)
  },
}
