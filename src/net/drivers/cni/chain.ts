import type { Kernel } from '../../../kernel/kernel.ts'
import { GantryError } from '../../../lib/errors.ts'
import { findProgram, isObject, isSince } from './configuration.ts'
import type { CniConfiguration, CniPlugin } from './configuration.ts'
import type { CniResult } from './result.ts'

/** One container's interface, as all calls of its life name it. On disk with the endpoint, so that DEL finds what ADD found. */
export interface CniCall {
  configuration: CniConfiguration
  folders: string[]
  containerId: string
  interfaceName: string
  /** "MAC=…;IP=…" */
  args: string
  /** Values for the capabilities that plugins declare (CONVENTIONS.md). */
  runtime: Record<string, unknown>
  /** Of ADD. */
  result?: CniResult
}

type Command = 'ADD' | 'DEL' | 'CHECK'

/** Longer than DHCP takes for an address, in ms. */
const patience = 60_000

/** All plugins, each with the result of the one before (SPEC.md, section 4). @throws Unavailable with the plugin's words */
export async function addToChain(kernel: Kernel, call: CniCall, netns: string): Promise<CniResult> {
  let result: CniResult | undefined
  for (const plugin of call.configuration.plugins) {
    const answer = await run(kernel, call, { command: 'ADD', plugin, netns, previous: result })
    result = answer ?? result
  }
  return result ?? {}
}

/** In reverse, every one of them, whatever the others say. @returns what failed, in words. `netns` "": it is gone. */
export async function deleteFromChain(kernel: Kernel, call: CniCall, netns: string): Promise<string[]> {
  const failures: string[] = []
  for (const plugin of call.configuration.plugins.toReversed()) {
    try {
      await run(kernel, call, { command: 'DEL', plugin, netns, previous: isSince(call.configuration.cniVersion, '0.4.0') ? call.result : undefined })
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  return failures
}

/** Came with 0.4.0. @throws Unavailable with the plugin's words when the interface is not as ADD left it */
export async function checkChain(kernel: Kernel, call: CniCall, netns: string): Promise<void> {
  const { configuration } = call
  if (configuration.disableCheck || !isSince(configuration.cniVersion, '0.4.0')) return
  for (const plugin of configuration.plugins) await run(kernel, call, { command: 'CHECK', plugin, netns, previous: call.result })
}

async function run(kernel: Kernel, call: CniCall, step: { command: Command; plugin: CniPlugin; netns: string; previous: CniResult | undefined }): Promise<CniResult | undefined> {
  const { command, plugin, netns, previous } = step
  const program = findProgram(plugin.type, call.folders)
  const env = {
    PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C',
    CNI_COMMAND: command, CNI_CONTAINERID: call.containerId, CNI_NETNS: netns, CNI_IFNAME: call.interfaceName, CNI_ARGS: call.args, CNI_PATH: call.folders.join(':'),
  }
  const { code, stdout, stderr, timedOut } = await kernel.tool([program], JSON.stringify(inputOf(call, plugin, previous)), { env, timeout: patience })
  if (timedOut) throw new GantryError('Unavailable', `CNI plugin ${plugin.type} gave no answer to ${command} in ${patience / 1000} seconds`)
  const answer = parse(stdout)
  if (code !== 0) throw new GantryError('Unavailable', `CNI plugin ${plugin.type} failed to ${command} ${call.interfaceName}: ${reasonOf(answer, stdout, stderr)}`)
  if (command !== 'ADD' || stdout.trim() === '') return undefined
  if (answer === undefined) throw new GantryError('Unavailable', `CNI plugin ${plugin.type} gave an answer to ADD that is not JSON: ${stdout.trim().slice(0, 200)}`)
  return answer
}

/** A plugin's own section, with what the runtime adds (SPEC.md, section 3). */
function inputOf({ configuration, runtime }: CniCall, plugin: CniPlugin, previous: CniResult | undefined): Record<string, unknown> {
  const { capabilities = {}, ...rest } = plugin
  const declared = Object.fromEntries(Object.entries(runtime).filter(([name]) => capabilities[name] === true))
  return {
    ...rest, name: configuration.name, cniVersion: configuration.cniVersion,
    ...(Object.keys(declared).length > 0 ? { runtimeConfig: declared } : {}),
    ...(previous === undefined ? {} : { prevResult: previous }),
  }
}

/** { "code": 7, "msg": "…", "details": "…" } */
function reasonOf(answer: CniResult | undefined, stdout: string, stderr: string): string {
  const { msg, details, code } = answer ?? {}
  if (typeof msg !== 'string') return (stderr.trim() || stdout.trim() || 'it says nothing').slice(0, 1000)
  return `${msg}${typeof details === 'string' && details !== '' ? `: ${details}` : ''}${typeof code === 'number' ? ` (code ${code})` : ''}`
}

function parse(text: string): CniResult | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
