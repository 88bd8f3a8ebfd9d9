import { prepareLaunch } from '../../kernel/launcher.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import { encodeProgram } from '../../kernel/program-codec.ts'
import { launchProgram, waitUntilExecuted } from '../../kernel/program-run.ts'
import { GantryError } from '../../lib/errors.ts'
import { flag, isSet } from '../arguments.ts'
import { callerFlags, planOf } from '../caller.ts'
import { unknownCapabilities } from '../capabilities.ts'
import type { Command } from '../command.ts'
import { compileExec } from '../compile-exec.ts'
import { comeCloser, layoutOf } from '../container-cgroup.ts'
import { load, loadSpec, statusOf } from '../container-store.ts'
import { execProcess } from '../exec-process.ts'
import { useFilterStore } from '../filter-store.ts'
import { addHome } from '../home.ts'
import { withListenDescriptors } from '../listen-descriptors.ts'
import { warn } from '../output.ts'
import { commandLineStartError } from '../start-error.ts'
import { subCgroups } from '../sub-cgroups.ts'
import { untilLeft } from '../until-left.ts'
import { writePidFile } from './create.ts'

export const exec: Command = {
  flags: {
    ...callerFlags,
    process: { letter: 'p', value: true },
    tty: { letter: 't' },
    user: { letter: 'u', value: true },
    'additional-gids': { letter: 'g', value: true, list: true },
    cwd: { value: true },
    env: { letter: 'e', value: true, list: true },
    detach: { letter: 'd' },
    'no-new-privs': {},
    cap: { letter: 'c', value: true, list: true },
    'ignore-paused': {},
    'process-label': { value: true },
    apparmor: { value: true },
    cgroup: { value: true, list: true },
  },
  arguments: [1, Infinity],
  failure: { prefix: 'exec failed: ', code: 255 },
  run: async ({ root, args }) => {
    const [id = '', ...command] = args.rest
    const container = load(root, id)
    refuseUnlessRunning(statusOf(container), isSet(args, 'ignore-paused'))
    const spec = loadSpec(container.directory)
    const { init_process_pid: pid, cgroup, rootfs } = container.record
    await comeCloser(cgroup)
    const target = withListenDescriptors(addHome(linuxKernel, execProcess(spec.process, command, args), rootfs))
    warn(unknownCapabilities(target.capabilities))
    const detach = isSet(args, 'detach')
    const plan = planOf(args, { terminal: target.terminal === true, detach, waits: false })
    const stdio = { terminal: target.terminal === true, stdin: false }
    prepareLaunch(3 + plan.preserved)
    useFilterStore()
    const program = compileExec({ pid, process: target, seccomp: spec.linux?.seccomp, layout: layoutOf(container.record), cgroupPath: cgroup || '/none', subCgroup: subCgroups(args.flags.get('cgroup') ?? []), directory: container.directory, stdio, detached: plan })
    try {
      const run = await launchProgram(linuxKernel, { program, encoded: encodeProgram(program), preserved: plan.preserved })
      if (detach) {
        waitUntilExecuted(run.status, () => program)
        await untilLeft(run.outer)
      }
      writePidFile(flag(args, 'pid-file'), run.pid)
      if (detach) return 0
      const { runInForeground } = await import('../foreground.ts')
      return await runInForeground({ program, run })
    } catch (error) {
      throw commandLineStartError(error, target.args[0] ?? '')
    }
  },
}

function refuseUnlessRunning(status: string, evenPaused: boolean): void {
  if (status === 'stopped') throw new GantryError('Conflict', 'cannot exec in a stopped container')
  if (status === 'paused' && !evenPaused) throw new GantryError('Conflict', 'cannot exec in a paused container (use --ignore-paused to override)')
}
