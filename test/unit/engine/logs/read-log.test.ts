import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buffer, text } from 'node:stream/consumers'
import { array, assert as check, asyncProperty, constantFrom, nat, option, record, string as anyString } from 'fast-check'
import { readLog } from '../../../../src/engine/logs/read-log.ts'
import type { ReadLog } from '../../../../src/engine/logs/read-log.ts'

const directory = mkdtempSync(join(tmpdir(), 'gantry-logs-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Entry {
  log: string
  stream: 'stdout' | 'stderr'
  time: string
}

function entry(log: string, options: Partial<Entry> = {}): Entry {
  return { log, stream: 'stdout', time: '2026-01-02T03:04:05.6Z', ...options }
}

function logFile(entries: Entry[]): string {
  const path = join(directory, `${Math.random()}.json`)
  writeFileSync(path, entries.map((one) => `${JSON.stringify(one)}\n`).join(''))
  return path
}

function options(path: string, more: Partial<ReadLog> = {}): ReadLog {
  return { path, stdout: true, stderr: true, tty: true, timestamps: false, ...more }
}

function frames(bytes: Buffer): { stream: number; text: string }[] {
  const found = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4)
    found.push({ stream: bytes[at] as number, text: bytes.toString('utf8', at + 8, at + 8 + length) })
    at += 8 + length
  }
  return found
}

test('without a terminal every record is one frame of its stream', async () => {
  const path = logFile([entry('out\n'), entry('err\n', { stream: 'stderr' })])
  assert.deepEqual(frames(await buffer(readLog(options(path, { tty: false })))), [
    { stream: 1, text: 'out\n' },
    { stream: 2, text: 'err\n' },
  ])
})

test('only the streams that were asked for are sent', async () => {
  const path = logFile([entry('out\n'), entry('err\n', { stream: 'stderr' })])
  assert.equal(await text(readLog(options(path, { stdout: false }))), 'err\n')
})

test('timestamps have nine digits', async () => {
  const path = logFile([entry('a\n')])
  assert.equal(await text(readLog(options(path, { timestamps: true }))), '2026-01-02T03:04:05.600000000Z a\n')
})

test('the parts of a long line are joined under one prefix', async () => {
  const path = logFile([entry('aaa'), entry('bbb\n'), entry('c\n')])
  assert.equal(await text(readLog(options(path, { timestamps: true, details: 'k=v' }))), '2026-01-02T03:04:05.600000000Z k=v aaabbb\n2026-01-02T03:04:05.600000000Z k=v c\n')
})

test('since and until choose by time, fractions included', async () => {
  const path = logFile(['1.1', '2.25', '2.75', '3'].map((second) => entry(`${second}\n`, { time: `2026-01-02T03:04:0${second}Z` })))
  const at = BigInt(Date.parse('2026-01-02T03:04:02Z')) * 1_000_000n
  assert.equal(await text(readLog(options(path, { since: at + 250_000_000n }))), '2.25\n2.75\n3\n')
  assert.equal(await text(readLog(options(path, { since: at, until: at + 750_000_000n }))), '2.25\n2.75\n')
})

test('since the very time of a line includes it, whatever its nanoseconds', async () => {
  for (const nanoseconds of ['000000001', '123456789', '999999999', '864197532']) {
    const path = logFile([entry('early\n', { time: '2026-01-02T03:04:02Z' }), entry('line\n', { time: `2026-01-02T03:04:03.${nanoseconds}Z` })])
    const since = BigInt(Date.parse('2026-01-02T03:04:03Z')) * 1_000_000n + BigInt(nanoseconds)
    assert.equal(await text(readLog(options(path, { since }))), 'line\n')
    assert.equal(await text(readLog(options(path, { since: since + 1n }))), '')
  }
})

test('a line that is no record is left out, other spellings of records are read', async () => {
  const path = join(directory, 'torn.json')
  writeFileSync(path, `{"log":"a\\n","str\n${JSON.stringify({ time: '2026-01-02T03:04:05Z', stream: 'stdout', log: 'b\n' })}\n{"log":"unfinished`)
  assert.equal(await text(readLog(options(path))), 'b\n')
})

test('a log that does not exist is empty', async () => {
  assert.equal(await text(readLog(options(join(directory, 'none')))), '')
})

test('any log comes out as JSON.parse sees it, any tail is its end', async () => {
  const texts = array(record({ log: anyString({ unit: 'binary', maxLength: 40 }), stream: constantFrom('stdout' as const, 'stderr' as const) }), { maxLength: 30 })
  await check(
    asyncProperty(texts, option(nat({ max: 35 }), { nil: undefined }), async (records, tail) => {
      const path = logFile(records.map(({ log, stream }) => entry(log, { stream })))
      const wanted = tail === undefined ? records : records.slice(Math.max(0, records.length - tail))
      const expected = wanted.map(({ log, stream }) => ({ stream: stream === 'stdout' ? 1 : 2, text: Buffer.from(log).toString() }))
      assert.deepEqual(frames(await buffer(readLog(options(path, { tty: false, tail })))), expected)
    }),
    { numRuns: 200 },
  )
})

test('a tail longer than a block is found', async () => {
  const path = logFile(Array.from({ length: 5000 }, (_, i) => entry(`line ${i}\n`)))
  assert.equal(await text(readLog(options(path, { tail: 3000 }))), Array.from({ length: 3000 }, (_, i) => `line ${i + 2000}\n`).join(''))
})

test('following sends what is appended and ends after the writer ended', async () => {
  const path = logFile([entry('first\n')])
  const ended = Promise.withResolvers<void>()
  const stream = readLog(options(path, { followUntil: ended.promise }))
  const seen: string[] = []
  for await (const chunk of stream) {
    seen.push(String(chunk))
    if (seen.join('') === 'first\n') appendFileSync(path, `${JSON.stringify(entry('second\n'))}\n`)
    if (seen.join('') === 'first\nsecond\n') {
      appendFileSync(path, `${JSON.stringify(entry('last\n'))}\n`)
      ended.resolve()
    }
  }
  assert.equal(seen.join(''), 'first\nsecond\nlast\n')
})

test('a follower that goes away leaves nothing behind', async () => {
  const path = logFile([entry('first\n')])
  const stream = readLog(options(path, { followUntil: new Promise(() => undefined) }))
  for await (const chunk of stream) {
    assert.equal(String(chunk), 'first\n')
    break
  }
  assert.equal(stream.destroyed, true)
})

test('following ends when until has passed', async () => {
  const path = logFile([entry('first\n')])
  const stream = readLog(options(path, { followUntil: new Promise(() => undefined), until: BigInt(Date.now() + 100) * 1_000_000n }))
  assert.equal(await text(stream), 'first\n')
})
