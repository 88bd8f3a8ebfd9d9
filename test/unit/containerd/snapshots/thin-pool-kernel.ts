import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kernel, ToolResult } from '../../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'

const bindMount = 4096

/** A kernel with a thin pool that it has not: a thin device is a directory of a file system of its own, a snapshot a copy of it. */
export interface ThinPoolKernel {
  kernel: Kernel
  /** Each command that was run, joined by blanks. */
  commands: string[]
  /** Numbers of thin devices. */
  devices: Set<number>
  /** Of 32,768. */
  usedBlocks: number
  /** Names in /dev/mapper. */
  mapped: Map<string, number>
  remove(): void
}

const done = (stdout = ''): ToolResult => ({ code: 0, stdout, stderr: '' })
const failed = (stderr: string): ToolResult => ({ code: 1, stdout: '', stderr })

export function thinPoolKernel(): ThinPoolKernel {
  const place = mkdtempSync(join(tmpdir(), 'thin-pool-'))
  execFileSync('mount', ['-t', 'tmpfs', 'thin-pool', place])
  const ids = new Set<number>()
  const mapped = new Map<string, number>()
  const commands: string[] = []
  const device = (id: number): string => join(place, String(id))

  const message = (text: string): ToolResult => {
    const [verb = '', first, second] = text.split(' ')
    const id = Number(first)
    if (verb === 'delete') {
      if (!ids.delete(id)) return failed('device-mapper: message ioctl on pool failed: No data available')
      if ([...mapped.values()].includes(id)) return failed('device-mapper: message ioctl on pool failed: Device or resource busy')
      rmSync(device(id), { recursive: true })
      return done()
    }
    if (ids.has(id)) return failed('device-mapper: message ioctl on pool failed: File exists')
    if (verb === 'create_snap') {
      if (!ids.has(Number(second))) return failed('device-mapper: message ioctl on pool failed: No data available')
      execFileSync('cp', ['-a', device(Number(second)), device(id)])
    } else mkdirSync(device(id))
    ids.add(id)
    return done()
  }

  const dmsetup = (verb: string, name = '', ...rest: string[]): ToolResult => {
    if (verb === 'targets') return done('thin-pool        v1.23.0\n')
    if (verb === 'version') return done('Library version:   1.02.185\n')
    if (verb === 'ls') return done([...mapped.keys()].map((each) => `${each}\t(253:1)\n`).join(''))
    if (verb === 'status') return done(`0 4194304 thin-pool 0 10/16384 ${pool.usedBlocks}/32768 - rw\n`)
    if (verb === 'table') return done('0 4194304 thin-pool 7:1 7:0 128 32768 1 skip_block_zeroing\n')
    if (verb === 'message') return message(rest[1] ?? '')
    if (verb === 'mknodes') return done()
    if (verb === 'create') {
      if (mapped.has(name)) return failed(`device-mapper: create ioctl on ${name} failed: Device or resource busy`)
      const [, id] = / thin \S+ (\d+)$/.exec(rest[1] ?? '') ?? []
      if (id !== undefined && !ids.has(Number(id))) return failed(`device-mapper: reload ioctl on ${name} failed: No data available`)
      mapped.set(name, Number(id ?? -1))
      return done()
    }
    const target = verb === 'remove' ? rest.at(-1) ?? name : name
    if (!mapped.has(target)) return failed(`Device ${target} not found`)
    if (verb !== 'remove') return done()
    if (isBusy(device(mapped.get(target)!))) return failed(`device-mapper: remove ioctl on ${target} failed: Device or resource busy`)
    mapped.delete(target)
    return done()
  }

  const tools: Record<string, (...words: string[]) => ToolResult> = {
    dmsetup: (verb = '', ...rest) => dmsetup(verb, ...rest), losetup: (...words) => done(words.includes('--show') ? '/dev/loop7\n' : ''),
    blockdev: () => done('4194304\n'), modprobe: () => done(), 'mkfs.ext4': () => done(), resize2fs: () => done(),
  }
  const kernel: Kernel = {
    ...linuxKernel,
    async tool(argv, ...more) {
      commands.push(argv.join(' '))
      return tools[argv[0]!]?.(...argv.slice(1)) ?? (await linuxKernel.tool(argv, ...more))
    },
    syscall(number, ...args) {
      const [source] = args
      if (number !== nr('mount') || typeof source !== 'string' || !source.startsWith('/dev/mapper/')) return linuxKernel.syscall(number, ...args)
      return linuxKernel.syscall(number, device(mapped.get(source.slice('/dev/mapper/'.length)) ?? -1), args[1]!, '', bindMount, '')
    },
  }
  const pool: ThinPoolKernel = {
    kernel, commands, mapped, devices: ids, usedBlocks: 20,
    remove() {
      execFileSync('umount', [place])
      rmSync(place, { recursive: true })
    },
  }
  return pool
}

/** Is its file system mounted somewhere? */
function isBusy(directory: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some((line) => line.split(' ')[3] === `/${directory.split('/').at(-1)}` && line.includes(' thin-pool '))
}
