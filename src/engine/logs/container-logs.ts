import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import type { LogOptions } from '../engine.ts'
import { attributesText } from './attributes.ts'
import { logAttributes, readableLog } from './log-plan.ts'
import { readLog } from './read-log.ts'

export function containerLogs(ctx: ContainersContext, container: Container, options: LogOptions): { tty: boolean; stream: Readable } {
  if (!options.stdout && !options.stderr) throw new GantryError('InvalidParameter', 'Bad parameters: you must choose at least one stream')
  const log = readableLog(container, ctx.store.paths(container.id))
  if (log === undefined) throw new GantryError('NotImplemented', 'configured logging driver does not support reading')
  const tty = container.config.Tty ?? false
  const { stdout, stderr, timestamps, since, until, tail } = options
  return {
    tty,
    stream: readLog({
      ...log,
      stdout,
      stderr,
      tty,
      timestamps,
      since,
      until,
      tail,
      details: options.details ? attributesText(logAttributes(container)) : undefined,
      followUntil: options.follow && container.task !== undefined ? container.exited : undefined,
    }),
  }
}
