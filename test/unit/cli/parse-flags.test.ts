import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Flag } from '../../../src/cli/grammar/flag.ts'
import { parseFlags } from '../../../src/cli/grammar/parse-flags.ts'

const flags: Flag[] = [
  { name: 'detach', short: 'd', kind: 'boolean', help: '' },
  { name: 'interactive', short: 'i', kind: 'boolean', help: '' },
  { name: 'tty', short: 't', kind: 'boolean', help: '' },
  { name: 'rm', kind: 'boolean', help: '' },
  { name: 'publish', short: 'p', kind: 'list', help: '' },
  { name: 'env', short: 'e', kind: 'list', help: '' },
  { name: 'memory', short: 'm', kind: 'bytes', help: '' },
  { name: 'cpus', kind: 'nano', help: '' },
  { name: 'network', kind: 'list', aliases: ['net'], help: '' },
]
const parse = (...words: string[]) => parseFlags(words, flags, { interspersed: false })

void test('short flags can be joined and take their value in three ways', () => {
  const { values, positionals } = parse('-dit', '-p80:80', '-p=81:81', '-p', '82:82', '-itp83:83', 'image', '-d')
  assert.ok(values.boolean('detach') && values.boolean('interactive') && values.boolean('tty'))
  assert.deepEqual(values.list('publish'), ['80:80', '81:81', '82:82', '83:83'])
  assert.deepEqual(positionals, ['image', '-d'])
})

void test('a boolean takes a value only after an equals sign', () => {
  const { values, positionals } = parse('--rm=false', '--tty', 'false')
  assert.equal(values.has('rm'), true)
  assert.equal(values.boolean('rm', true), false)
  assert.equal(values.boolean('tty'), true)
  assert.deepEqual(positionals, ['false'])
})

void test('long flags take their value with a blank or an equals sign', () => {
  assert.deepEqual(parse('--env', 'A=1', '--env=B=2', '-e', '', '--net=host').values.list('env'), ['A=1', 'B=2', ''])
  assert.deepEqual(parse('--net=host').values.list('network'), ['host'])
})

void test('two dashes end the flags', () => {
  assert.deepEqual(parse('--rm', '--', '--tty', 'x').positionals, ['--tty', 'x'])
})

void test('a dash alone is a word', () => {
  assert.deepEqual(parse('-').positionals, ['-'])
})

void test('flags may follow positionals only where the command says so', () => {
  const { values, positionals } = parseFlags(['a', '--rm', 'b'], flags, { interspersed: true })
  assert.equal(values.boolean('rm'), true)
  assert.deepEqual(positionals, ['a', 'b'])
})

void test('values are read by kind', () => {
  const { values } = parse('-m', '64m', '--cpus', '1.5')
  assert.equal(values.number('memory'), 67_108_864)
  assert.equal(values.number('cpus'), 1_500_000_000)
})

const refused: [string[], string][] = [
  [['--foo'], 'unknown flag: --foo'],
  [['-Z'], "unknown shorthand flag: 'Z' in -Z"],
  [['-dZi'], "unknown shorthand flag: 'Z' in -Zi"],
  [['--memory'], 'flag needs an argument: --memory'],
  [['-m'], "flag needs an argument: 'm' in -m"],
  [['--rm=maybe'], 'invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
  [['-m', 'x'], 'invalid argument "x" for "-m, --memory" flag: invalid size: \'x\''],
  [['-m', '5x'], 'invalid argument "5x" for "-m, --memory" flag: invalid suffix: \'x\''],
  [['--cpus', 'abc'], 'invalid argument "abc" for "--cpus" flag: failed to parse abc as a rational number'],
]
for (const [words, message] of refused) {
  void test(`${words.join(' ')} is refused with docker's words`, () => {
    assert.throws(() => parse(...words), { name: 'GrammarError', message })
  })
}

void test('help is asked for unless -h means something else', () => {
  assert.equal(parse('--help').wantsHelp, true)
  assert.equal(parse('-h').wantsHelp, true)
  const own: Flag[] = [{ name: 'hostname', short: 'h', kind: 'string', help: '' }]
  assert.equal(parseFlags(['-h', 'x'], own, { interspersed: false }).values.string('hostname'), 'x')
})
