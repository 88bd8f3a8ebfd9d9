import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { buildDisplay, type ProgressKind } from '../../../../src/cli/display/build/build-display.ts'
import { BuildModel } from '../../../../src/cli/display/build/build-model.ts'
import { failureText, warningsText } from '../../../../src/cli/display/build/outcome.ts'
import type { StatusResponse } from '../../../../src/lib/buildkit/control-messages.ts'
import { sourceExcerpt } from '../../../../src/lib/buildkit/source-excerpt.ts'
import { GrpcError } from '../../../../src/lib/grpc/status.ts'

function shown(kind: ProgressKind, updates: Partial<StatusResponse>[], columns = 60): { text: string; model: BuildModel } {
  let text = ''
  const out = Object.assign(new Writable({ write: (chunk: Buffer, _encoding, done) => { text += chunk.toString(); done() } }), { columns, rows: 20 })
  const model = new BuildModel()
  const display = buildDisplay(kind, { out, model })
  for (const update of updates) display.update({ vertexes: [], statuses: [], logs: [], warnings: [], ...update })
  display.end(false)
  return { text, model }
}

const vertex = (digest: string, name: string, more: Partial<StatusResponse['vertexes'][number]> = {}): StatusResponse['vertexes'][number] => ({ digest, name, inputs: [], cached: false, started: 1000, completed: undefined, error: '', ...more })
const log = (of: string, text: string, at: number): StatusResponse['logs'][number] => ({ vertex: of, stream: 1, data: Buffer.from(text), at })

void test('plain progress is one step after the other, with its output and how it ended', () => {
  const { text } = shown('plain', [
    { vertexes: [vertex('a', '[internal] load build definition from Dockerfile')] },
    { statuses: [{ id: 'transferring dockerfile:', vertex: 'a', name: '', current: 1234, total: 0, at: 1000, started: 1000, completed: 1010 }], vertexes: [vertex('a', '[internal] load build definition from Dockerfile', { completed: 1020 })] },
    { vertexes: [vertex('b', '[1/2] RUN make'), vertex('c', '[2/2] COPY a b')] },
    { logs: [log('b', 'one\ntw', 1500), log('b', 'o\n', 1600)] },
    { vertexes: [vertex('c', '[2/2] COPY a b', { completed: 1000, cached: true })] },
    { vertexes: [vertex('b', '[1/2] RUN make', { completed: 3100 })] },
    { vertexes: [vertex('d', 'exporting to image', { completed: 1000, error: 'disk full' })] },
  ])
  assert.equal(
    text,
    `#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 1.23kB done
#1 DONE 0.0s

#2 [1/2] RUN make
#2 0.500 one
#2 0.600 two
#2 DONE 2.1s

#3 [2/2] COPY a b
#3 CACHED

#4 exporting to image
#4 ERROR: disk full

`,
  )
})

void test('the last line of a step is shown when it has no end', () => {
  const { text } = shown('plain', [{ vertexes: [vertex('b', 'RUN x')] }, { logs: [log('b', 'no newline', 1100)] }, { vertexes: [vertex('b', 'RUN x', { completed: 1200 })] }])
  assert.match(text, /#1 0\.200 no newline\n#1 DONE/)
})

void test('on a terminal rows are as wide as it is, and the title says how many steps are done', () => {
  const { text } = shown('tty', [{ vertexes: [vertex('a', 'x'.repeat(100), { completed: 2000 }), vertex('b', '[2/2] RUN', { completed: 1500, cached: true })] }])
  const lines = text.replaceAll(/\u001B\[[\d;]*[A-Za-z]/g, '').split('\n')
  assert.match(lines[0]!, /^\r\[\+\] Building 0\.0s \(2\/2\) FINISHED +docker:default$/)
  assert.match(lines[1]!, /^ => x+\.\.\. +1\.0s$/)
  assert.match(lines[2]!, /^ => CACHED \[2\/2\] RUN +0\.5s$/)
  assert.ok(lines.every((line) => line.replace('\r', '').length < 60))
})

void test('what a step prints cannot move the cursor of the list', () => {
  const { text } = shown('tty', [{ vertexes: [vertex('a', '\u001B[2Jevil\u0007')] }])
  assert.doesNotMatch(text, /\u001B\[2J|\u0007/)
})

void test('raw JSON is a document a line', () => {
  const { text } = shown('rawjson', [{ vertexes: [vertex('a', 'n', { completed: 2000 })], logs: [log('a', 'x', 1500)] }])
  assert.deepEqual(JSON.parse(text), {
    vertexes: [{ digest: 'a', name: 'n', started: '1970-01-01T00:00:01.000Z', completed: '1970-01-01T00:00:02.000Z' }],
    logs: [{ vertex: 'a', stream: 1, data: 'eA==', timestamp: '1970-01-01T00:00:01.500Z' }],
  })
})

void test('a failure shows the end of the output and the lines of the Dockerfile', () => {
  const { model } = shown('quiet', [{ vertexes: [vertex('a', '[2/2] RUN make')] }, { logs: [log('a', Array.from({ length: 12 }, (_, n) => `line ${n}\n`).join(''), 1500)] }, { vertexes: [vertex('a', '[2/2] RUN make', { completed: 2000, error: 'exit code: 1' })] }])
  const source = { info: { filename: 'Dockerfile', data: Buffer.from('FROM x\nRUN make\n').toString('base64') }, ranges: [{ start: { line: 2 }, end: { line: 2 } }] }
  const error = new GrpcError(2, 'exit code: 1', { details: [{ typeUrl: 'github.com/moby/buildkit/errdefs.Source+json', value: Buffer.from(JSON.stringify(source)) }] })
  const text = failureText(error, model, false)
  assert.match(text, /^------\n > \[2\/2\] RUN make:\n0\.500 line 2\n/)
  assert.match(text, /0\.500 line 11\n------\nDockerfile:2\n-{20}\n {3}1 \|     FROM x\n {3}2 \| >>> RUN make\n {3}3 \|     \n-{20}\n$/)
})

const warning = (short: string): StatusResponse['warnings'][number] => ({ vertex: '', level: 1, short: Buffer.from(short), detail: [Buffer.from('why')], url: 'https://docs/x', info: { filename: 'Dockerfile', data: Buffer.from('from x\n'), language: '' }, ranges: [{ start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }] })

void test('warnings are counted and listed', () => {
  assert.equal(warningsText([], false), '')
  assert.equal(warningsText([warning('A: b (line 1)')], false), '\n 1 warning found (use --debug to expand):\n - A: b (line 1)\n')
  assert.match(warningsText([warning('A: b'), warning('C: d')], true), /^\n 2 warnings found:\n - A: b\nwhy\nMore info: https:\/\/docs\/x\nDockerfile:1\n/)
})

void test('an excerpt has lines around, as many as there are', () => {
  const source = { name: 'D', text: '1\n2\n3\n4\n5\n6\n7\n8\n9' }
  const marked = (start: number, end: number): string[] => sourceExcerpt(source, { start, end }).split('\n').filter((line) => line.includes('|')).map((line) => line.trim().replace(/ \| (>>>)?.*/, '$1'))
  assert.deepEqual(marked(5, 5), ['3', '4', '5>>>', '6', '7'])
  assert.deepEqual(marked(4, 5), ['3', '4>>>', '5>>>', '6'])
  assert.equal(sourceExcerpt(source, { start: 0, end: 0 }), '')
  assert.equal(sourceExcerpt(source, { start: 99, end: 99 }), '')
})
