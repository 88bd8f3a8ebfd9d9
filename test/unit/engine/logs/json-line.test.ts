import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, constantFrom, property, string as anyString } from 'fast-check'
import { decodeText, scanJsonLine } from '../../../../src/engine/logs/json-line.ts'

function decode(line: string): { text: string; stream: string; time: string } | undefined {
  const source = Buffer.from(line)
  const found = scanJsonLine(source, 0, source.length)
  if (found === undefined) return undefined
  const target = Buffer.alloc(source.length)
  const end = decodeText(source, { start: found.textStart, end: found.textEnd }, target, 0)
  if (end < 0) return undefined
  return { text: target.toString('utf8', 0, end), stream: found.stream, time: source.toString('utf8', found.timeStart, found.timeEnd) }
}

const anyText = anyString({ unit: 'binary', maxLength: 200 })

test('a record is read as JSON.parse reads it', () => {
  check(
    property(anyText, constantFrom('stdout', 'stderr'), (log, stream) => {
      const line = JSON.stringify({ log, stream, time: '2026-01-02T03:04:05.678901234Z' })
      assert.deepEqual(decode(line), { text: log.toWellFormed(), stream, time: '2026-01-02T03:04:05.678901234Z' })
    }),
  )
})

test('every escape of JSON is undone', () => {
  const escaped = String.raw`\n\r\t\b\f\/\\\"\u0041\u00e9\u20ac\ud83d\ude00\ud800x`
  const line = `{"log":"${escaped}","stream":"stdout","time":"2026-01-02T03:04:05Z"}`
  assert.equal(decode(line)?.text, (JSON.parse(line) as { log: string }).log.toWellFormed())
})

test('text that looks like the end of a record stays text', () => {
  const log = 'a","stream":"stderr","time":"2000-01-01T00:00:00Z"}\n'
  assert.deepEqual(decode(JSON.stringify({ log, stream: 'stdout', time: '2026-01-02T03:04:05Z' })), { text: log, stream: 'stdout', time: '2026-01-02T03:04:05Z' })
})

test('what is not spelled as monitors spell it is left to JSON.parse', () => {
  assert.equal(decode('{"stream":"stdout","log":"x","time":"2026-01-02T03:04:05Z"}'), undefined)
  assert.equal(decode('{"log":"x","stream":"stdout","attrs":{"a":"b"},"time":"2026-01-02T03:04:05Z"}'), undefined)
  assert.equal(decode('{"log":"x" ,"stream":"stdout","time":"2026-01-02T03:04:05Z"}'), undefined)
  assert.equal(decode(String.raw`{"log":"\q","stream":"stdout","time":"2026-01-02T03:04:05Z"}`), undefined)
  assert.equal(decode(''), undefined)
})
