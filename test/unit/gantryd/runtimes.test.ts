import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from '../../../src/gantryd/command-line.ts'
import type { FlagValues } from '../../../src/gantryd/command-line.ts'
import { resolveRuntimes } from '../../../src/gantryd/runtimes.ts'
import { runtimeTable } from '../../../src/engine/containers/runtimes.ts'

function values(args: string[], runtimes?: Record<string, unknown>): FlagValues {
  return new Map([...parseCommandLine(args), ...(runtimes === undefined ? [] : [['runtimes', runtimes] as const])])
}

void test('the built-in runtime is the usual one and has three names', () => {
  const runtimes = runtimeTable()
  assert.equal(runtimes.default, 'gantry')
  for (const name of ['gantry', 'gantry-runc', 'io.containerd.runc.v2']) assert.equal(runtimes.choose(name), undefined)
  assert.deepEqual(runtimes.list(), { gantry: { path: 'gantry-runc' } })
})

void test('"runc" is the installed one, else the built-in one', () => {
  assert.deepEqual(runtimeTable({ installed: (name) => `/bin/${name}` }).choose('runc'), { name: 'runc', path: '/bin/runc', args: [] })
  assert.equal(runtimeTable().choose('runc'), undefined)
})

void test('what is not installed and not registered is unknown, in Docker\'s words', () => {
  for (const name of ['crun', 'runsc', 'x']) {
    assert.throws(() => runtimeTable().choose(name), { kind: 'InvalidParameter', message: `unknown or invalid runtime name: ${name}` })
  }
})

void test('flags and daemon.json register runtimes, which come before installed ones', () => {
  const runtimes = resolveRuntimes(values(['--add-runtime', 'one=/opt/one', '--default-runtime', 'two'], { two: { path: '/opt/two', runtimeArgs: ['--a', 'b'] }, runc: { path: '/opt/runc' } }))
  assert.equal(runtimes.default, 'two')
  assert.deepEqual(runtimes.choose('one'), { name: 'one', path: '/opt/one', args: [] })
  assert.deepEqual(runtimes.choose('two'), { name: 'two', path: '/opt/two', args: ['--a', 'b'] })
  assert.equal(runtimes.choose('runc')?.path, '/opt/runc')
  const { one, two, gantry } = runtimes.list()
  assert.deepEqual([one, two, gantry], [{ path: '/opt/one' }, { path: '/opt/two', runtimeArgs: ['--a', 'b'] }, { path: 'gantry-runc' }])
})

const refused: [string[], Record<string, unknown> | undefined, RegExp][] = [
  [['--add-runtime', 'x'], undefined, /^invalid runtime argument: x$/],
  [['--add-runtime', '=/x'], undefined, /^invalid runtime argument: =\/x$/],
  [['--add-runtime', 'gantry=/x'], undefined, /^runtime name 'gantry' is reserved$/],
  [['--add-runtime', '../x=/x'], undefined, /^invalid runtime name: \.\.\/x$/],
  [['--add-runtime', 'x=/x', '--add-runtime', 'x=/y'], undefined, /^runtime 'x' was already defined$/],
  [['--add-runtime', 'x=/x'], { x: { path: '/y' } }, /^runtime 'x' was already defined$/],
  [['--default-runtime', 'x'], undefined, /^specified default runtime 'x' does not exist$/],
  [[], { x: '/x' }, /it must be an object$/],
  [[], { x: {} }, /^cannot use runtime x: it has no path$/],
  [[], { x: { path: '/x', runtimeArgs: 'a' } }, /a list of strings is needed$/],
  [[], { x: { runtimeType: 'io.containerd.runsc.v1' } }, /^not implemented yet: runtimeType of runtime x$/],
]
for (const [args, file, message] of refused) {
  void test(`${[...args, JSON.stringify(file) ?? ''].join(' ')} is refused`, () => {
    assert.throws(() => resolveRuntimes(values(args, file)), { message })
  })
}
