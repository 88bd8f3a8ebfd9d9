import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseCommandLine } from '../../../src/gantryd/command-line.ts'
import { flags, missingFlags } from '../../../src/gantryd/flags.ts'
import { usageText } from '../../../src/gantryd/usage.ts'
import { GantryError } from '../../../src/lib/errors.ts'

const accepted: [string, Record<string, unknown>][] = [
  ['--debug --mtu 1400 --bip=10.0.0.1/24', { debug: true, mtu: 1400, bip: '10.0.0.1/24' }],
  ['-D -H unix:///a -Htcp://127.0.0.1:1 --host=unix:///b', { debug: true, host: ['unix:///a', 'tcp://127.0.0.1:1', 'unix:///b'] }],
  ['--debug=false --userland-proxy=0', { debug: false, 'userland-proxy': false }],
  ['-Dp/run/x.pid', { debug: true, pidfile: '/run/x.pid' }],
  ['-p=/run/x.pid -vD', { pidfile: '/run/x.pid', version: true, debug: true }],
  ['--label a=b --label c=d', { label: ['a=b', 'c=d'] }],
]
for (const [line, values] of accepted) {
  void test(`"${line}" is read as dockerd reads it`, () => {
    assert.deepEqual(Object.fromEntries(parseCommandLine(line.split(' '))), values)
  })
}

const refused: [string, string][] = [
  ['--foo', "unknown flag: --foo\nSee 'gantryd --help'."],
  ['-x', "unknown shorthand flag: 'x' in -x\nSee 'gantryd --help'."],
  ['serve', "\"gantryd\" accepts no argument(s).\nSee 'gantryd --help'."],
  ['--bip', "flag needs an argument: --bip\nSee 'gantryd --help'."],
  ['--mtu x', 'invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax\nSee \'gantryd --help\'.'],
  ['--debug=maybe', 'invalid argument "maybe" for "--debug" flag: strconv.ParseBool: parsing "maybe": invalid syntax\nSee \'gantryd --help\'.'],
  ['--containerd /run/c.sock', 'not implemented yet: --containerd'],
]
for (const [line, message] of refused) {
  void test(`"${line}" is refused`, () => {
    assert.throws(() => parseCommandLine(line.split(' ')), { message })
  })
}

void test('nothing on a command line makes anything but a GantryError', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('--', '-', '-H', '-D', '--debug', '--mtu', '=', '--host=', '-p'))
  fc.assert(
    fc.property(fc.array(word), (words) => {
      try {
        parseCommandLine(words)
      } catch (error) {
        assert(error instanceof GantryError)
      }
    }),
  )
})

void test('help has a line for every flag, and no flag is both there and missing', () => {
  const text = usageText()
  for (const { name, fileOnly } of flags) {
    if (fileOnly === true) continue
    assert.match(text, new RegExp(`--${name}\\b`))
    assert(!missingFlags.has(name), name)
  }
})
