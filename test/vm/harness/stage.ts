import { after, before, describe } from 'node:test'
import type { Finished } from './agent.ts'
import { type Daemon, installDaemon } from './daemon.ts'
import { type Machine, requireBuild, startMachine } from './machine.ts'
import type { Security } from './qemu.ts'

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
  /** Its directory of the cgroup tree, as the machine's kernel names it. */
  readonly cgroup: string
  inspect(template: string): Promise<string>
  /** Trimmed text of a file of its cgroup. */
  readonly read: (file: string) => Promise<string>
}

export const tiny = 'tiny'

/** Tells stories of one machine that stays up meanwhile. `stage` is filled before the first test. */
export function onOneMachine(title: string, tell: (stage: Stage) => void, options: { security?: Security } = {}): void {
  describe(title, { concurrency: false }, () => {
    const stage = {} as Stage
    before(async () => {
      requireBuild()
      const machine = await startMachine(options.security)
      Object.assign(stage, machine, { [Symbol.asyncDispose]: machine[Symbol.asyncDispose] })
      Object.assign(stage, withDocker(machine), { daemon: await installDaemon(machine) })
      await machine.must(importTiny)
    })
    tell(stage)
    after(async () => {
      // What the daemon says belongs to the output of a run that went wrong.
      if (process.env.GANTRY_VM_LOG && stage.daemon) console.log(await stage.daemon.log())
      await stage[Symbol.asyncDispose]?.()
    })
  })
}

const importTiny = `set -e
root=$(mktemp -d)
mkdir -p $root/bin $root/etc $root/tmp $root/www
cp /bin/busybox $root/bin/
chroot $root /bin/busybox --install -s /bin
echo root:x:0:0:root:/root:/bin/sh >$root/etc/passwd
tar -C $root -cf /root/tiny.tar .
docker import /root/tiny.tar ${tiny}`

function withDocker(machine: Machine): Pick<Stage, 'docker' | 'ok' | 'container'> {
  const ok = (...args: string[]) => machine.must(command(args))
  return {
    docker: (...args) => machine.run(command(args)),
    ok,
    async container(...args) {
      const id = await ok('run', '-d', ...args)
      const inspect = (template: string) => ok('inspect', '-f', template, id)
      const pid = Number(await inspect('{{.State.Pid}}'))
      const cgroup = await machine.must(`sed -n 's|^0::|/sys/fs/cgroup|p' /proc/${pid}/cgroup`)
      const read = (file: string) => machine.must(`cat ${cgroup}/${file}`)
      const dispose = async () => void (await ok('rm', '-f', id))
      return { id, pid, cgroup, inspect, read, [Symbol.asyncDispose]: dispose }
    },
  }
}

function command(args: string[]): string {
  return ['docker', ...args].map(quoted).join(' ')
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
