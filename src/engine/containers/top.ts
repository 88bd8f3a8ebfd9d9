import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './container-events.ts'
import { isRestarting, notRunning } from './joined.ts'
import { checkPsArguments, parsePs } from './parse-ps.ts'
import type { ProcessTable } from './parse-ps.ts'

/** The host's ps, asked for the container's processes alone where it can be ("-q"), else for all. */
export async function topContainer(ctx: ContainersContext, container: Container, psArguments: string): Promise<ProcessTable> {
  const text = psArguments === '' ? '-ef' : psArguments
  checkPsArguments(text)
  const { task } = container
  if (container.state.Restarting) throw isRestarting(container.id)
  if (task === undefined) throw notRunning(container.id)
  const pids = task.pids()
  const words = text.split(' ').filter((word) => word !== '')
  let result = await ctx.kernel.tool(['ps', ...words, `-q${pids.join(',')}`])
  if (result.code !== 0) result = await ctx.kernel.tool(['ps', ...words])
  if (result.code !== 0) throw new GantryError('System', `ps: ${result.stderr.trim().split('\n')[0]}`)
  const table = parsePs(result.stdout, new Set(pids))
  emitContainerEvent(ctx, container, 'top')
  return table
}
