import type { Kernel } from '../kernel/kernel.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { OciHook, OciState } from './spec.ts'

/** The points at which hooks run, in the order of a container's life (OCI config.md, "POSIX-platform Hooks"). */
export const hookPoints = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
export type HookPoint = (typeof hookPoints)[number]

/**
 * Runs hooks of the host one after the other, the state on their standard input: prestart and createRuntime when the container
 * is there and waits for its start. (createContainer and startContainer run inside: they are operations of the program.)
 * @throws GantryError System at the first that fails or takes longer than its timeout; the container must then be destroyed
 */
export async function runHooks(kernel: Pick<Kernel, 'tool'>, hooks: readonly OciHook[] = [], state: OciState): Promise<void> {
  const input = JSON.stringify(state)
  for (const hook of hooks) await runHook(kernel, hook, input)
}

/** As `runHooks` for poststart and poststop: what fails is told, and the others run all the same. @returns the warnings */
export async function tryHooks(kernel: Pick<Kernel, 'tool'>, hooks: readonly OciHook[] = [], state: OciState): Promise<string[]> {
  const input = JSON.stringify(state)
  const warnings: string[] = []
  for (const hook of hooks) await runHook(kernel, hook, input).catch((error: unknown) => warnings.push(messageOf(error)))
  return warnings
}

/** Milliseconds: Node takes a longer one for none at all. */
const longestTimer = 2 ** 31 - 1

async function runHook(kernel: Pick<Kernel, 'tool'>, { path, args = [path], env = [], timeout }: OciHook, input: string): Promise<void> {
  const [argv0 = path, ...rest] = args
  const variables = Object.fromEntries(env.map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]))
  const { code, stderr, timedOut } = await kernel.tool([path, ...rest], input, { argv0, env: variables, ...(timeout === undefined ? {} : { timeout: Math.min(timeout * 1000, longestTimer) }) })
  if (timedOut === true) throw new GantryError('System', `cannot run hook ${path}: it took longer than ${timeout} s`)
  if (code !== 0) throw new GantryError('System', `cannot run hook ${path}: exit status ${code}, stderr: ${stderr.trim()}`)
}
