import type { Command } from '../command.ts'
import { containerFlags } from '../container-options/flags.ts'
import { restartPolicy } from '../container-options/host-config.ts'
import { resources } from '../container-options/resources.ts'
import { errorText, ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'

const changeable = new Set([
  'blkio-weight', 'cpu-period', 'cpu-quota', 'cpu-rt-period', 'cpu-rt-runtime', 'cpu-shares', 'cpus', 'cpuset-cpus', 'cpuset-mems', 'kernel-memory',
  'memory', 'memory-reservation', 'memory-swap', 'pids-limit',
])

const flags = [
  ...containerFlags.filter(({ name }) => changeable.has(name)),
  { name: 'restart', kind: 'string', help: 'When to start the container again after it exits' },
] as const satisfies Command['flags']

export const updateCommand: Command = {
  path: 'update',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Update the limits of one or more containers',
  aliases: ['container update', 'update'],
  flags,
  args: { min: 1, max: Infinity },
  async run(context, invocation) {
    if (!flags.some(({ name }) => invocation.flags.has(name))) throw new ExitError('you must provide one or more flags when using this command')
    const change = changeOf(invocation.flags)
    const warnings: string[] = []
    const errors: string[] = []
    for (const name of invocation.args) {
      try {
        const answer = await context.client.json<{ Warnings: string[] | null }>('POST', `/containers/${encodeURIComponent(name)}/update`, { json: change })
        context.stdout.write(`${name}\n`)
        warnings.push(...(answer.Warnings ?? []))
      } catch (error) {
        errors.push(errorText(error))
      }
    }
    if (warnings.length > 0) context.stdout.write(`${warnings.join('\n')}\n`)
    if (errors.length > 0) throw new ExitError(errors.join('\n'))
  },
}

/** Zero and empty mean "leave it" to the engine, but a limit of processes is left by null. */
function changeOf(given: FlagValues): Record<string, unknown> {
  return {
    ...resources(given),
    PidsLimit: given.number('pids-limit') || null,
    ...(given.string('restart') !== '' && { RestartPolicy: restartPolicy(given) }),
  }
}
