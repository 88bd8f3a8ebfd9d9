import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extraAttributes } from '../../../src/logging/attributes.ts'
import { checkLogOptions } from '../../../src/logging/check-options.ts'
import { humanSize, memorySize } from '../../../src/logging/option-values.ts'
import { logTag } from '../../../src/logging/tag.ts'
import { id, source } from './source.ts'

test('a tag is a template over the container', () => {
  const tags = {
    '': 'abcdef012345', '{{.ID}}': 'abcdef012345', '{{.FullID}}': id, '{{.Name}}': 'web', '{{.ImageName}}': 'shop/web:1', '{{.ImageID}}': 'sha256:00000',
    '{{.ImageFullID}}': source().imageId, '{{.DaemonName}}': 'docker', '{{.Command}}': '/bin/serve -p 80', '{{upper .Name}}-{{.ContainerLabels.team}}': 'WEB-a',
  }
  for (const [tag, text] of Object.entries(tags)) assert.equal(logTag(source({ tag })), text, tag)
  assert.throws(() => logTag(source({ tag: '{{.Nope' })), { kind: 'InvalidParameter', message: /^template: log-tag:1: / })
})

const chosen = (options: Record<string, string>): Record<string, string> => Object.fromEntries(extraAttributes(source(options)))

test('labels and variables are chosen by name and by expression', () => {
  assert.deepEqual(chosen({ labels: 'team,none', env: 'HOME' }), { team: 'a', HOME: '/' })
  assert.deepEqual(chosen({ 'labels-regex': '^team', 'env-regex': 'STA.E' }), { team: 'a', 'team.lead': 'b', STAGE: 'test' })
  assert.throws(() => chosen({ 'env-regex': '(' }), { message: /^error parsing regexp: / })
})

test('what no driver has is refused when a container is made', () => {
  const cases: [string, Record<string, string>, string][] = [
    ['paper', {}, "logger: no log driver named 'paper' is registered"],
    ['json-file', { x: '1' }, "unknown log opt 'x' for json-file log driver"],
    ['local', { x: '1' }, "unknown log opt 'x' for log driver local"],
    ['journald', { x: '1' }, "unknown log opt 'x' for journald log driver"],
    ['json-file', { mode: 'x' }, 'logger: logging mode not supported: x'],
    ['json-file', { 'max-buffer-size': '1m' }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'x' }, "error parsing option max-buffer-size: invalid size: 'x'"],
    ['syslog', { 'cache-disabled': 'x' }, 'invalid value for option cache-disabled: x'],
  ]
  for (const [driver, options, message] of cases) assert.throws(() => checkLogOptions(driver, options), { kind: 'InvalidParameter', message })
  checkLogOptions('none', { whatever: '1' })
  checkLogOptions('syslog', { mode: 'non-blocking', 'max-buffer-size': '4m', 'cache-max-size': '1m', tag: 'x' })
})

test('sizes of files count by thousands, sizes of memory by 1024', () => {
  assert.deepEqual(['1k', '20m', '1.5kB', '7', '1 GiB'].map(humanSize), [1000, 20_000_000, 1500, 7, 1_000_000_000])
  assert.deepEqual(['1k', '1m', '7b'].map(memorySize), [1024, 1_048_576, 7])
  assert.throws(() => humanSize('-1'), { message: "invalid size: '-1'" })
})
