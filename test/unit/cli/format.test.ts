import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerListing, containerRow, type ContainerSummary } from '../../../src/cli/format/container-row.ts'
import { humanBinarySize, humanDuration, humanSize } from '../../../src/cli/format/human.ts'
import { renderList } from '../../../src/cli/format/listing.ts'
import { portsText } from '../../../src/cli/format/ports-text.ts'
import { alignColumns } from '../../../src/cli/format/table.ts'
import { DetachWatch, parseDetachKeys } from '../../../src/cli/terminal/detach-keys.ts'

void test('sizes have three or four significant digits', () => {
  assert.deepEqual([0, 999, 1_982_447, 4_261_550, 123_456_789].map((bytes) => humanSize(bytes, 3)), ['0B', '999B', '1.98MB', '4.26MB', '123MB'])
  assert.equal(humanSize(1_982_447), '1.982MB')
  assert.equal(humanBinarySize(25_276_383_232), '23.54GiB')
})

void test('spans are told the way docker tells them', () => {
  const spans: [number, string][] = [
    [0.5, 'Less than a second'], [1, '1 second'], [59, '59 seconds'], [60, 'About a minute'], [120, '2 minutes'], [3600, 'About an hour'],
    [7200, '2 hours'], [47 * 3600, '47 hours'], [48 * 3600, '2 days'], [14 * 86_400, '2 weeks'], [60 * 86_400, '2 months'], [730 * 86_400, '2 years'],
  ]
  for (const [seconds, text] of spans) assert.equal(humanDuration(seconds), text)
})

void test('columns are ten wide at least and padded by three', () => {
  assert.equal(alignColumns('A\tB\tC\nlong cell here\t\tx\n'), `A${' '.repeat(16)}B         C\nlong cell here${' '.repeat(13)}x\n`)
})

void test('ports of one kind become ranges', () => {
  assert.equal(portsText([port(81), port(80), port(90)]), '80-81/tcp, 90/tcp')
  assert.equal(portsText([port(80, { IP: '0.0.0.0', PublicPort: 8080 }), port(80, { IP: '::', PublicPort: 8080 })]), '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp')
  assert.equal(portsText([port(80, { IP: '0.0.0.0', PublicPort: 80 }), port(81, { IP: '0.0.0.0', PublicPort: 81 })]), '0.0.0.0:80-81->80-81/tcp')
})

function port(PrivatePort: number, more: { IP?: string; PublicPort?: number } = {}) {
  return { PrivatePort, Type: 'tcp', ...more }
}

const container: ContainerSummary = {
  Id: 'a'.repeat(64), Names: ['/web', '/other/link'], Image: 'bb', ImageID: `sha256:${'b'.repeat(64)}`, Command: "sh -c 'a long command line'",
  Created: Date.now() / 1000 - 65, State: 'running', Status: 'Up About a minute', Ports: [], Labels: { b: '2', a: '1' },
}

void test('ps prints docker columns, cut to width', () => {
  const rows = [containerRow(container, { truncate: true })]
  const [header, row] = renderList(containerListing, rows, '').split('\n')
  assert.match(header!, /^CONTAINER ID   IMAGE     COMMAND                  CREATED              STATUS              PORTS     NAMES$/)
  assert.match(row!, /^aaaaaaaaaaaa   bb        "sh -c 'a long comma…"   About a minute ago   Up About a minute             web$/)
})

void test('a row can be asked for anything by a template', () => {
  const rows = [containerRow(container, { truncate: false })]
  assert.equal(renderList(containerListing, rows, '{{.Names}} {{.Labels}} {{.Label "a"}} {{json .State}}'), 'web,other/link a=1,b=2 1 "running"\n')
  assert.equal(renderList(containerListing, rows, String.raw`table {{.Names}}\t{{.Label "x.foo-bar"}}`), 'NAMES            foo bar\nweb,other/link   \n')
  assert.throws(() => renderList(containerListing, rows, '{{.Foo}}'), {
    message: `failed to execute template: template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext`,
  })
})

void test('detach keys are held back until they are complete or broken', () => {
  const watch = new DetachWatch(parseDetachKeys('ctrl-p,ctrl-q'))
  const feed = (text: string) => {
    const { pass, detached } = watch.feed(Buffer.from(text))
    return [pass.toString(), detached]
  }
  assert.deepEqual(feed('ab\u0010'), ['ab', false])
  assert.deepEqual(feed('c'), ['\u0010c', false])
  assert.deepEqual(feed('\u0010\u0010'), ['\u0010', false])
  assert.deepEqual(feed('\u0011rest'), ['', true])
  assert.throws(() => parseDetachKeys('ctrl-p,foo'), /Unknown character: 'foo'/)
})
