import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import { logPath } from '../containers/record-file.ts'
import type { LogOptions } from '../engine.ts'
import { logAttributes } from './attributes.ts'
import { readLog } from './read-log.ts'

export function containerLogs(ctx: ContainersContext, container: Container, options: LogOptions): { tty: boolean; stream: Readable } {
  if (!options.stdout && !options.stderr) throw new GantryError('InvalidParameter', 'Bad parameters: you must choose at least one stream')
  const path = logPath(container, ctx.store.paths(container.id))
  if (path === '') throw new GantryError('NotImplemented', 'configured logging driver does not support reading')
  const tty = container.config.Tty ?? false
  const { stdout, stderr, timestamps, since, until, tail } = options
  return {
    tty,
    stream: readLog({
      path,
      stdout,
      stderr,
      tty,
      timestamps,
      since,
      until,
      tail,
      details: options.details ? logAttributes(container.config, container.hostConfig.LogConfig?.Config) : undefined,
      followUntil: options.follow && container.task !== undefined ? container.exited : undefined,
    }),
  }
}
