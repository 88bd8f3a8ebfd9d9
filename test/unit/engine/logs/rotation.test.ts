import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { compressLog } from '../../../../src/engine/logs/compress.ts'
import { mendFrames } from '../../../../src/engine/logs/framed-size.ts'
import { decodeEntry } from '../../../../src/engine/logs/local-entry.ts'
import { readLog, type ReadLog } from '../../../../src/engine/logs/read-log.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { eventually } from '../../../e2e/harness/eventually.ts'
import { loggedProcess } from './logged-process.ts'

const clean: (() => void)[] = []
after(() => clean.forEach((act) => act()))

const process = async (...args: Parameters<typeof loggedProcess>): ReturnType<typeof loggedProcess> => {
  const started = await loggedProcess(...args)
  clean.push(() => started.remove())
  return started
}
const sequence = (first: number, last: number): string => Array.from({ length: last - first + 1 }, (_, i) => `${first + i}\n`).join('')
const plain = (path: string, more: Partial<ReadLog> = {}): ReadLog => ({ path, stdout: true, stderr: true, tty: true, timestamps: false, ...more })
/** Long texts are not worth printing. */
const same = (actual: string, expected: string): void => {
  const lines = expected.split('\n')
  const at = actual.split('\n').findIndex((one, index) => one !== lines[index])
  assert.ok(actual === expected, `it differs from line ${at + 1} on: ${actual.split('\n').slice(at, at + 3).join(' ')}, length ${actual.length} of ${expected.length}`)
}
const files = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith('log')).toSorted()

for (const format of ['json', 'local'] as const) {
  test(`a ${format} log keeps so many files of such a size, and is read as one`, async () => {
    const { monitor, directory, logPath } = await process('seq 1 2000', { format, maxSize: 10_000, maxFiles: 4 })
    await monitor.start()
    await monitor.wait()
    assert.deepEqual(files(directory), ['log', 'log.1', 'log.2', 'log.3'])
    for (const name of ['log.1', 'log.2', 'log.3']) assert.ok(Math.abs(statSync(`${directory}/${name}`).size - 10_000) < 100, name)
    const whole = await text(readLog(plain(logPath, { format })))
    const first = Number(whole.split('\n')[0])
    assert.ok(first > 1 && first < 1800)
    assert.equal(whole, sequence(first, 2000))
    for (const tail of [0, 1, 5, 150, 300, 400]) assert.equal(await text(readLog(plain(logPath, { format, tail }))), tail === 0 ? '' : sequence(2001 - tail, 2000), `tail ${tail}`)
    assert.equal(await text(readLog(plain(logPath, { format, tail: 99_999 }))), whole)
  })

  test(`following a ${format} log loses and doubles nothing while files are rotated and compressed`, async () => {
    const { monitor, directory, logPath } = await process('for i in 1 2 3 4 5 6; do seq $((i * 5000 - 4999)) $((i * 5000)); sleep 0.1; done', { format, maxSize: 20_000, maxFiles: 200 })
    const followed = text(readLog(plain(logPath, { format, followUntil: monitor.wait() })))
    await monitor.start()
    const over = new AbortController()
    const compressing = (async () => {
      while (!over.signal.aborted) {
        await compressLog(linuxKernel, logPath, { sentOnly: false })
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    await monitor.wait()
    const seen = await followed
    over.abort()
    await compressing
    same(seen, sequence(1, 30_000))
    const names = await eventually(async () => {
      await compressLog(linuxKernel, logPath, { sentOnly: false })
      const found = files(directory)
      assert.ok(found.every((name) => name === 'log' || name.endsWith('.gz')), found.join(' '))
      return found
    })
    assert.ok(names.length > 40 && names.every((name) => name === 'log' || /^log\.\d+\.gz$/.test(name)), names.join(' '))
    same(await text(readLog(plain(logPath, { format }))), sequence(1, 30_000))
    same(await text(readLog(plain(logPath, { format, tail: 10_000 }))), sequence(20_001, 30_000))
    // Another reader of gzip sees the same: an empty member in front is nobody's business.
    assert.deepEqual(execFileSync('zcat', [`${directory}/log.1.gz`]).length > 19_000, true)
  })
}

test('one file alone is begun anew, attributes stand in every line, and pieces of a line have its first time', async () => {
  const long = 'head -c 40000 /dev/zero | tr "\\0" x; sleep 0.05; echo; echo end'
  const { monitor, directory, logPath } = await process(long, { maxSize: 30_000, maxFiles: 1, attributes: '{"a":"b"}' })
  await monitor.start()
  await monitor.wait()
  assert.deepEqual(files(directory), ['log'])
  const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n')
  const rows = lines.map((row) => JSON.parse(row) as { log: string; attrs: unknown; time: string })
  assert.ok(lines.every((row) => /^\{"log":"[^"]*","stream":"stdout","attrs":\{"a":"b"\},"time":"[^"]+Z"\}$/.test(row)))
  assert.deepEqual(rows.map(({ log }) => log.length), [40_000 - 2 * 16_384 + 1, 4])
  assert.notEqual(rows[0]?.time, rows[1]?.time)
  assert.equal(await text(readLog(plain(logPath, { timestamps: true, tail: 1 }))).then((line) => line.length), 'end\n'.length + 31)
})

test('a local log has the bytes as they were, and says which piece of a line each is', async () => {
  const { monitor, logPath } = await process(`printf 'a\\377b\\n' >&2; head -c 20000 /dev/zero | tr '\\0' x; echo; printf rest`, { format: 'local' })
  await monitor.start()
  await monitor.wait()
  const bytes = readFileSync(logPath)
  const entries = []
  for (let at = 0; at < bytes.length; ) {
    const entry = decodeEntry(bytes, at)
    entries.push({ stream: entry.stream, line: bytes.toString('latin1', entry.lineStart, entry.lineEnd), partial: entry.partial, time: entry.time })
    assert.equal(bytes.readUInt32BE(entry.next - 4), bytes.readUInt32BE(at))
    at = entry.next
  }
  const err = entries.find(({ stream }) => stream === 'stderr')
  assert.equal(err?.line, 'a\u00ffb')
  assert.ok(Math.abs(Number((err?.time ?? 0n) / 1_000_000n) - Date.now()) < 60_000)
  const out = entries.filter(({ stream }) => stream === 'stdout')
  assert.deepEqual(out.map(({ line, partial }) => [line.length, partial?.ordinal, partial?.last]), [[16_384, 1, false], [3616, 2, true], [4, 1, false]])
  assert.equal(out[0]?.partial?.id, out[1]?.partial?.id)
  assert.equal(out[0]?.time, out[1]?.time)
  assert.match(out[0]?.partial?.id ?? '', /^[0-9a-f]{16}$/)
})

test('a frame that a power cut has torn is taken away before anything is appended', async () => {
  const { monitor, logPath } = await process('echo whole', { format: 'local' })
  await monitor.start()
  await monitor.wait()
  const whole = readFileSync(logPath)
  writeFileSync(logPath, Buffer.concat([whole, whole.subarray(0, 11)]))
  assert.equal(await text(readLog(plain(logPath, { format: 'local', tail: 5 }))), 'whole\n')
  await mendFrames(logPath)
  assert.deepEqual(readFileSync(logPath), whole)
})

test('with hold a full log makes the process wait until the oldest file has been sent', async () => {
  const { monitor, directory, logPath } = await process('seq 1 30000; echo done > ended', { format: 'local', maxSize: 5000, maxFiles: 3, hold: true })
  await monitor.start()
  let before = -1
  await eventually(() => {
    const now = statSync(logPath).size
    assert.equal([now > 5000, now - before].join(' '), ((before = now), 'true 0'))
  }, 10_000, 300)
  assert.equal(readdirSync(directory).includes('ended'), false)
  const { chmodSync } = await import('node:fs')
  const marking = setInterval(() => {
    for (const name of files(directory)) if (/^log\.\d$/.test(name)) chmodSync(`${directory}/${name}`, 0o440)
  }, 20)
  await monitor.wait()
  clearInterval(marking)
  assert.match(await text(readLog(plain(logPath, { format: 'local', tail: 1 }))), /^30000\n$/)
})
