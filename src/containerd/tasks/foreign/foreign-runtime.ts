import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { CgroupLayout } from '../../../kernel/cgroup/layout.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { OciSpec } from '../../../runc/spec.ts'
import type { RuntimeChoice } from '../contract.ts'
import { hiddenDirectories, type HiddenDirectories } from './hidden-directories.ts'
import { runtimeFailure } from './runtime-failure.ts'

/** File names in the directory of a task or an exec. */
export const runtimeFiles = { log: 'log.json', pid: 'pid', console: 'c', process: 'process.json', holder: 'holder' } as const

/** A runtime as one container sees it. */
export interface ForeignRuntime {
  choice: RuntimeChoice
  /** Where it keeps its state. */
  root: string
  hidden: HiddenDirectories
  /** It has systemd make the cgroup. */
  systemd: boolean
  /** Beside PATH, when it makes a process. */
  environment?: readonly string[]
}

export interface OpenForeignRuntime {
  kernel: Pick<Kernel, 'tool'>
  layout: CgroupLayout
  /** Directory of all runtimes' states. */
  runtimes: string
  choice: RuntimeChoice
  spec: OciSpec | undefined
  systemd?: boolean
}

export async function openForeignRuntime({ kernel, layout, runtimes, choice, spec, systemd = false }: OpenForeignRuntime): Promise<ForeignRuntime> {
  const hidden = await hiddenDirectories({ kernel, layout, path: choice.path, spec })
  return { choice, root: join(runtimes, basename(choice.name)), hidden, systemd }
}

/** Its command line; errors go to the log in the current directory or `directory`. */
export function commandLine({ choice, root, systemd }: ForeignRuntime, directory: string, command: readonly string[]): string[] {
  return [choice.path, '--root', root, '--log', join(directory, runtimeFiles.log), '--log-format', 'json', ...(systemd ? ['--systemd-cgroup'] : []), ...choice.args, ...command]
}

// Its parameters: how many directories, the directories, the command.
const coverAndRun = 'n=$1; shift; while [ "$n" -gt 0 ]; do mount -t tmpfs none "$1" || exit 125; shift; n=$((n-1)); done; exec "$@"'

export interface RunForeign {
  kernel: Pick<Kernel, 'tool'>
  runtime: ForeignRuntime
  /** For the log. */
  directory: string
  command: readonly string[]
}

/**
 * One command of the runtime to its end.
 * @throws GantryError with what its log says, see `runtimeFailure`
 */
export async function runForeign({ kernel, runtime, directory, command }: RunForeign): Promise<string> {
  const { hidden } = runtime
  rmSync(join(directory, runtimeFiles.log), { force: true })
  const line = commandLine(runtime, directory, command)
  const cover = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', coverAndRun, 'sh', String(hidden.length), ...hidden]
  const { code, stdout, stderr } = await kernel.tool(hidden.length === 0 ? line : [...cover, ...line])
  if (code !== 0) throw runtimeFailure({ act: command[0] ?? '', directory, otherwise: stderr.trim() || `exit status ${code}` })
  return stdout
}
