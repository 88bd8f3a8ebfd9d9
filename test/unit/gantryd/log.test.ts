import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../../src/gantryd/log.ts'

function recording(format: 'text' | 'json'): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = []
  return { lines, log: createLog({ level: 'info', format, write: (line) => lines.push(line) }) }
}

void test('text lines have the fields of dockerd\'s log', () => {
  const { lines, log } = recording('text')
  log('warn', 'a "quoted"\nline', new Error('outer', { cause: new Error('inner') }))
  assert.match(lines[0] ?? '', /^time="\d{4}-\d\d-\d\dT[\d:.]+Z" level=warning msg="a \\"quoted\\"\\nline" error="outer: inner"\n$/)
})

void test('json lines are one document each', () => {
  const { lines, log } = recording('json')
  log('info', 'hello')
  const { level, msg } = JSON.parse(lines[0] ?? '') as Record<string, string>
  assert.deepEqual([level, msg], ['info', 'hello'])
})

void test('the level can be changed while running', () => {
  const { lines, log } = recording('text')
  log('debug', 'unseen')
  log.level = 'debug'
  log('debug', 'seen')
  assert.equal(lines.length, 1)
})
