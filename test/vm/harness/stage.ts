import { after, before, describe } from 'node:test'
import type { Finished } from './agent.ts'
import { type Daemon, daemonOf } from './daemon.ts'
import type { Machine } from './machine.ts'
import type { Security } from './qemu.ts'
import { startStaged } from './staged.ts'

export { tiny } from './staged.ts'

/** A machine with a running gantryd and the stock docker client; in its image store one image, `tiny`: a static busybox. */
export interface Stage extends Machine {
  daemon: Daemon
  docker(...args: string[]): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  ok(...args: string[]): Promise<string>
  /** `run -d` with these arguments; removed with force at the end of the block (`await using`). */
  container(...args: string[]): Promise<Container>
}

export interface Container extends AsyncDisposable {
  readonly id: string
  readonly pid: number
  /** Its directory of the cgroup tree, the one that has its id in its name. `pid` is the first process in it. */
  readonly cgroup: string
  inspect(template: string): Promise<string>
  /** Trimmed text of a file of its cgroup. */
  readonly read: (file: string) => Promise<string>
}

/** Tells stories of one machine that stays up meanwhile. `stage` is filled before the first test. */
export function onOneMachine(title: string, tell: (stage: Stage) => void, options: { security?: Security } = {}): void {
  describe(title, { concurrency: false }, () => {
    const stage = {} as Stage
    let started = 0
    before(async () => {
      started = Date.now()
      const machine = await startStaged(options.security)
      Object.assign(stage, machine, withDocker(machine), { daemon: daemonOf(machine) })
    })
    tell(stage)
    after(async () => {
      // What the daemon says belongs to the output of a run that went wrong.
      if (process.env.GANTRY_VM_LOG && stage.daemon) console.log(await stage.daemon.log())
      if (started > 0 && 'daemon' in stage) console.error(`vm: ${title}: ${Math.round((Date.now() - started) / 1000)} s, ${stage.processorSeconds()} s of processors`)
      await stage[Symbol.asyncDispose]?.()
    })
  })
}

function withDocker(machine: Machine): Pick<Stage, 'docker' | 'ok' | 'container'> {
  const ok = (...args: string[]) => machine.must(command(args))
  return {
    docker: (...args) => machine.run(command(args)),
    ok,
    async container(...args) {
      // What is asked of the kernel costs nothing; each start of the client takes a second.
      const [id = '', cgroup = '', pid] = (await machine.must(`set -o pipefail; id=$(${command(['run', '-d', ...args])}) || exit
place=$(find /sys/fs/cgroup -type d -name "*$id*" | head -n 1); echo $id; echo $place; head -n 1 $place/cgroup.procs`)).split('\n')
      const inspect = (template: string) => ok('inspect', '-f', template, id)
      const read = (file: string) => machine.must(`cat ${cgroup}/${file}`)
      const dispose = async () => void (await ok('rm', '-f', id))
      return { id, pid: Number(pid), cgroup, inspect, read, [Symbol.asyncDispose]: dispose }
    },
  }
}

function command(args: string[]): string {
  return ['docker', ...args].map(quoted).join(' ')
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
