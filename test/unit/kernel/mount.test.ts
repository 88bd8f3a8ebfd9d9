import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import type { SyscallArgument } from '../../../src/kernel/kernel.ts'
import { mountOverlay } from '../../../src/kernel/mount.ts'
import { nr } from '../../../src/kernel/syscalls.ts'

const EINVAL = 22
const FSCONFIG_CMD_CREATE = 6

interface Call {
  number: number
  args: SyscallArgument[]
}

/** A kernel that answers 0, or what `refuse` says. */
function kernelThat(refuse: (name: { config: boolean; command: SyscallArgument | undefined; key: SyscallArgument | undefined }) => boolean) {
  const calls: Call[] = []
  const syscall = (number: number, ...args: SyscallArgument[]): number => {
    calls.push({ number, args })
    if (refuse({ config: number === nr('fsconfig'), command: args[1], key: args[2] })) return -EINVAL
    return number === nr('fsopen') || number === nr('fsmount') ? openSync('/dev/null', 'r') : 0
  }
  return { syscall, calls, options: () => calls.filter(({ number }) => number === nr('mount')).map(({ args }) => String(args[4])) }
}

const overlay = (layers: number) => ({ lower: Array.from({ length: layers }, () => '/usr/lib/../lib/../lib/../lib/../lib/../lib/../lib'), upper: '/u', work: '/w' })

test('a kernel that takes layers one by one gets them so', () => {
  const kernel = kernelThat(() => false)
  mountOverlay(kernel, '/target', overlay(3))
  assert.equal(kernel.calls.filter(({ args }) => args[2] === 'lowerdir+').length, 3)
  assert.deepEqual(kernel.options(), [])
})

test('a kernel that knows no lowerdir+ gets one string of options', () => {
  const kernel = kernelThat(({ key }) => key === 'lowerdir+')
  mountOverlay(kernel, '/target', { ...overlay(0), lower: ['/one', '/t,w:o'], options: ['userxattr'] })
  assert.deepEqual(kernel.options(), [String.raw`lowerdir=/one:/t\,w\:o,upperdir=/u,workdir=/w,userxattr`])
})

test('a kernel that takes any key and fails at the end gets the string, too', () => {
  const kernel = kernelThat(({ config, command }) => config && command === FSCONFIG_CMD_CREATE)
  mountOverlay(kernel, '/target', { ...overlay(0), lower: ['/one'] })
  assert.deepEqual(kernel.options(), ['lowerdir=/one,upperdir=/u,workdir=/w'])
})

test('an option with commas is quoted in a string of options, and only there', () => {
  const label = 'context=u:r:t:s0:c1,c2'
  const old = kernelThat(({ key }) => key === 'lowerdir+')
  mountOverlay(old, '/target', { ...overlay(0), lower: ['/one'], options: [label] })
  assert.deepEqual(old.options(), ['lowerdir=/one,upperdir=/u,workdir=/w,context="u:r:t:s0:c1,c2"'])
  const kernel = kernelThat(() => false)
  mountOverlay(kernel, '/target', { ...overlay(1), options: [label] })
  assert.ok(kernel.calls.some(({ args }) => args[2] === 'context' && args[3] === 'u:r:t:s0:c1,c2'))
})

test('the options of 128 layers with long paths fit in a page', () => {
  const kernel = kernelThat(({ key }) => key === 'lowerdir+')
  mountOverlay(kernel, '/target', overlay(128))
  const [options = ''] = kernel.options()
  assert.ok(options.length < 4096, `${options.length} bytes`)
  assert.equal(options.match(/\/proc\/self\/fd\/\d+/g)?.length, 128)
})
