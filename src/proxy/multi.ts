import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { listenForControl } from '../lib/control-socket.ts'
import type { Command, Reply } from './control-protocol.ts'
import type { Forwarder, ForwardRule } from './rule.ts'
import { ruleName } from './rule.ts'
import { report } from './single.ts'
import { forwardTcp } from './tcp.ts'
import { forwardUdp } from './udp.ts'

/** How long a new process waits for its first command, in ms. */
const patience = 10_000

/** All rules of an engine in one process. It ends when there is no rule and nobody to give one. */
export async function runMulti(socketPath: string): Promise<void> {
  const rules = new Map<string, { rule: ForwardRule; forwarder: Forwarder }>()
  const controllers = new Set<Socket>()
  let retired = false
  const leaveWhenIdle = (): void => {
    if (rules.size > 0 || (controllers.size > 0 && !retired)) return
    server.close()
    process.exit(0)
  }

  const open = async (wanted: ForwardRule[]): Promise<Reply['failure']> => {
    const fresh = wanted.map((rule, index) => ({ rule, index })).filter(({ rule }) => !rules.has(ruleName(rule)))
    const attempts = await Promise.allSettled(fresh.map(({ rule }) => (rule.protocol === 'udp' ? forwardUdp(rule) : forwardTcp(rule))))
    const opened = attempts.flatMap((attempt, at) => (attempt.status === 'fulfilled' ? [{ forwarder: attempt.value, rule: fresh[at]?.rule }] : []))
    const failedAt = attempts.findIndex(({ status }) => status === 'rejected')
    const failed = attempts[failedAt]
    if (failed?.status === 'rejected') {
      await Promise.all(opened.map(({ forwarder }) => forwarder.close()))
      const error = failed.reason as NodeJS.ErrnoException
      return { index: fresh[failedAt]?.index ?? 0, code: error.code ?? '', text: error.message }
    }
    for (const { rule, forwarder } of opened) if (rule !== undefined) rules.set(ruleName(rule), { rule, forwarder })
    return undefined
  }

  const obey = async (command: Command): Promise<Reply> => {
    switch (command.op) {
      case 'open': {
        retired = false
        const failure = await open(command.rules)
        return failure === undefined ? { id: command.id } : { id: command.id, failure }
      }
      case 'close': {
        const closing = command.rules.flatMap((rule) => rules.get(ruleName(rule)) ?? [])
        for (const { rule } of closing) rules.delete(ruleName(rule))
        await Promise.all(closing.map(({ forwarder }) => forwarder.close()))
        return { id: command.id }
      }
      case 'list':
        return { id: command.id, rules: [...rules.values()].map(({ rule }) => rule) }
      case 'retire':
        retired = true
        break
    }
    return { id: command.id }
  }

  const server = createServer((controller) => {
    controllers.add(controller)
    // One at a time, in order: "close" and "open" of the same port must not overtake each other.
    let turn = Promise.resolve()
    createInterface({ input: controller }).on('error', () => {}).on('line', (line) => {
      turn = turn.then(async () => {
        const reply = await obey(JSON.parse(line) as Command)
        await new Promise((sent) => controller.write(`${JSON.stringify(reply)}\n`, sent))
        leaveWhenIdle()
      }).catch(() => {
        controller.destroy()
      })
    })
    controller.on('error', () => {})
    controller.on('close', () => {
      controllers.delete(controller)
      void turn.then(leaveWhenIdle)
    })
  })

  try {
    await listenForControl(server, socketPath, 'proxy')
  } catch (error) {
    report(`1\n${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
    return
  }
  setTimeout(leaveWhenIdle, patience).unref()
  report('0\n')
}
