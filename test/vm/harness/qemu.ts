import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Qmp, connectQmp } from './qmp.ts'

export interface QemuOptions {
  image: string
  /** Receives the console, the messages of qemu and its control socket. */
  directory: string
  /** A qcow2 that belongs to this machine alone. */
  disk: string
  /** Host directory that the guest can mount, read only, as the 9p tag "host". */
  share: string
  /** A saved state to go on from, in place of booting. */
  state?: string
  /** Which security module the kernel has; AppArmor unless told. SELinux has no policy until one is loaded. */
  security?: Security
}

export type Security = 'apparmor' | 'selinux'

/** A running qemu. Its stdin and stdout are the guest's port "agent". */
export interface Qemu {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  readonly qmp: Qmp
  /** The end of the console and of qemu's own messages, for error messages. */
  lastWords(): string
  /** Ends it, without a clean shutdown of the guest. */
  kill(): Promise<void>
}

// Features that the emulation is slow at are hidden from the guest's kernel.
const processor = 'max,la57=off,erms=off,fsrm=off,smap=off,smep=off,pku=off'
const kernelCommandLine = [
  ['root=/dev/vda', 'rw', 'console=ttyS0', 'quiet', 'loglevel=4', 'panic=-1', 'net.ifnames=0'],
  ['mitigations=off', 'nokaslr', 'no_timer_check', 'tsc=reliable', 'random.trust_cpu=on'],
  ['systemd.unified_cgroup_hierarchy=1', 'systemd.show_status=false'],
].flat().join(' ')

export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const { directory } = options
  const messages = openSync(path.join(directory, 'qemu.log'), 'w')
  // Whatever becomes of the tests, the kernel takes qemu along.
  const command = ['--pdeathsig', 'KILL', 'nice', '-n', '5', 'qemu-system-x86_64', ...qemuArguments(options)]
  const process = spawn('setpriv', command, { stdio: ['pipe', 'pipe', messages] }) as Qemu['process']
  closeSync(messages)
  process.stdin.on('error', () => {})
  const lastWords = () => ['console', 'qemu.log'].map((name) => tail(path.join(directory, name))).join('\n')
  try {
    return { process, qmp: await control(process, path.join(directory, 'qmp')), lastWords, kill: () => kill(process) }
  } catch (error) {
    await kill(process)
    throw new Error(`cannot start qemu: ${lastWords()}`, { cause: error })
  }
}

const securityArguments: Record<Security, string> = { apparmor: 'apparmor=1 security=apparmor', selinux: 'selinux=1 security=selinux enforcing=0' }

function qemuArguments({ image, directory, disk, share, state, security = 'apparmor' }: QemuOptions): string[] {
  const groups = [
    // Never KVM: a nested one may run no stock kernel, and all machines shall behave alike.
    ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', processor, '-M', 'q35,vmport=off', '-m', '2048', '-smp', '2'],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-nic', 'none'],
    ['-kernel', path.join(image, 'vmlinuz'), '-initrd', path.join(image, 'initrd'), '-append', `${kernelCommandLine} ${securityArguments[security]}`],
    ['-drive', `file=${disk},if=none,id=root,format=qcow2,cache=unsafe,discard=unmap`, '-device', 'virtio-blk-pci,drive=root'],
    ['-device', 'virtio-rng-pci', '-serial', `file:${path.join(directory, 'console')}`],
    ['-fsdev', `local,id=host,path=${share},security_model=none,readonly=on,multidevs=remap`],
    ['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=agent,signal=off', '-device', 'virtserialport,chardev=agent,name=agent'],
    ['-qmp', `unix:${path.join(directory, 'qmp')},server=on,wait=off`],
    state === undefined ? [] : ['-incoming', `exec:cat ${state}`],
  ]
  return groups.flat()
}

async function control(process: Qemu['process'], socket: string): Promise<Qmp> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (process.exitCode !== null) throw new Error(`it ended with ${process.exitCode}`)
    // It may be there before anybody listens.
    const qmp = existsSync(socket) ? await connectQmp(socket).catch(() => undefined) : undefined
    if (qmp !== undefined) return qmp
    await sleep(50)
  }
  throw new Error('it opens no control socket')
}

async function kill(process: Qemu['process']): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const gone = once(process, 'exit')
  process.kill('SIGKILL')
  await gone
}

function tail(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : ''
}
