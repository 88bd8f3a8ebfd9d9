import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { kindOfMode, permissionsOf, toGoMode } from '../../../../src/lib/fsutil/file-mode.ts'
import { packetType } from '../../../../src/lib/fsutil/packet.ts'
import type { FileStat, Packet, PacketStream } from '../../../../src/lib/fsutil/packet.ts'
import { comparePaths } from '../../../../src/lib/fsutil/path-order.ts'
import { receiveFiles } from '../../../../src/lib/fsutil/receive.ts'
import { sendFiles } from '../../../../src/lib/fsutil/send.ts'
import type { SentFile } from '../../../../src/lib/fsutil/send.ts'
import { walkDirectory } from '../../../../src/lib/fsutil/walk.ts'

/** Two ends of a pipe of packets; `seen` is told of each. */
function pipe(seen: (packet: Partial<Packet>) => void = () => {}): [PacketStream, PacketStream] {
  const queues = [new TransformStream<Packet>(undefined, { highWaterMark: 1e6 }), new TransformStream<Packet>(undefined, { highWaterMark: 1e6 })] as const
  const writers = queues.map((queue) => queue.writable.getWriter())
  const end = (out: number, back: number): PacketStream => ({
    async send(packet) {
      seen(packet)
      await writers[out]!.write({ id: 0, data: new Uint8Array(0), stat: undefined, type: 0, ...packet, ...(packet.stat && { stat: { uid: 0, gid: 0, size: 0, modTime: 0n, linkName: '', deviceMajor: 0, deviceMinor: 0, xattrs: {}, ...(packet.stat as Partial<FileStat>) } as FileStat }) })
      return true
    },
    packets: queues[back]!.readable as unknown as AsyncIterable<Packet>,
  })
  return [end(0, 1), end(1, 0)]
}

async function transfer(from: string, to: string, before?: ReadonlyMap<string, string>): Promise<{ after: Map<string, string>; asked: number }> {
  let asked = 0
  const [sender, receiver] = pipe(({ type }) => type === packetType.request && asked++)
  const [after] = await Promise.all([receiveFiles(receiver, { root: to, before: before ?? new Map() }), sendFiles(walkDirectory(from), sender)])
  return { after, asked }
}

function within(work: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gantry-fsutil-'))
    try {
      mkdirSync(join(directory, 'from'))
      mkdirSync(join(directory, 'to'))
      await work(directory)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** By another program: names, modes, owners, times, links, contents. */
function listing(directory: string): string {
  return execFileSync('sh', ['-c', 'find . -mindepth 1 -printf "%p %y %m %U %G %n %T@ %l\\n" | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum'], { cwd: directory, encoding: 'utf8' }).replaceAll(/(\.\d{6})\d*/g, '$1')
}

function sample(root: string): void {
  mkdirSync(join(root, 'dir/deep'), { recursive: true, mode: 0o755 })
  writeFileSync(join(root, 'dir.txt'), 'sorts behind what is in dir')
  writeFileSync(join(root, 'dir/deep/big'), Buffer.alloc(300_000, 'x'))
  writeFileSync(join(root, 'dir/run'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(root, 'empty'), '')
  linkSync(join(root, 'dir/run'), join(root, 'second-name'))
  symlinkSync('../../outside', join(root, 'dir/deep/link'))
  for (const name of ['dir/run', 'dir', 'empty']) utimesSync(join(root, name), 1_600_000_000, 1_600_000_000.5)
}

void test('a directory arrives as it was sent', within(async (directory) => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')]
  sample(from)
  const { asked } = await transfer(from, to)
  assert.equal(listing(to), listing(from))
  assert.equal(asked, 4)
}))

void test('the second time only what changed is asked for, and what is gone goes', within(async (directory) => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')]
  sample(from)
  const first = await transfer(from, to)
  const again = await transfer(from, to, first.after)
  assert.equal(again.asked, 0)
  writeFileSync(join(from, 'empty'), 'no more')
  rmSync(join(from, 'dir/deep'), { recursive: true })
  writeFileSync(join(from, 'dir/deep'), 'a file now')
  rmSync(join(from, 'dir.txt'))
  const third = await transfer(from, to, again.after)
  assert.equal(third.asked, 2)
  assert.equal(listing(to), listing(from))
  rmSync(join(from, 'dir/deep'))
  mkdirSync(join(from, 'dir/deep'))
  await transfer(from, to, third.after)
  assert.equal(listing(to), listing(from))
}))

void test('paths of a hostile sender lead nowhere', within(async (directory) => {
  const to = join(directory, 'to')
  const hostile: SentFile[][] = [
    [{ stat: { path: '../evil', mode: 0o644 }, content: () => [Buffer.from('x')] }],
    [{ stat: { path: '/evil', mode: 0o644 }, content: () => [] }],
    [{ stat: { path: 'a/../../evil', mode: 0o644 }, content: () => [] }],
    [{ stat: { path: 'link', mode: toGoMode(0o120777), linkName: directory } }, { stat: { path: 'link/evil', mode: 0o644 }, content: () => [] }],
    [{ stat: { path: 'b', mode: 0o644 }, content: () => [] }, { stat: { path: 'a', mode: 0o644 }, content: () => [] }],
    [{ stat: { path: 'a', mode: 0o644 }, content: () => [] }, { stat: { path: 'a', mode: 0o644 }, content: () => [] }],
    [{ stat: { path: 'a', mode: 0o644, linkName: '../from/secret' } }],
  ]
  writeFileSync(join(directory, 'from/secret'), 'secret')
  for (const files of hostile) {
    const [sender, receiver] = pipe()
    const sent = sendFiles(files, sender)
    sent.catch(() => {})
    await assert.rejects(receiveFiles(receiver, { root: to, before: new Map() }), /invalid path|out of order|invalid link/)
    await assert.rejects(sent, /invalid path|out of order|invalid link/)
  }
  assert.equal(existsSync(join(directory, 'evil')), false)
  assert.equal(existsSync(join(to, 'a')) && readFileSync(join(to, 'a'), 'utf8') === 'secret', false)
}))

void test('a link that is there already is replaced and not followed', within(async (directory) => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')]
  writeFileSync(join(directory, 'outside'), 'untouched')
  symlinkSync(join(directory, 'outside'), join(to, 'name'))
  writeFileSync(join(from, 'name'), 'new')
  await transfer(from, to)
  assert.equal(readFileSync(join(directory, 'outside'), 'utf8'), 'untouched')
  assert.equal(lstatSync(join(to, 'name')).isFile(), true)
}))

void test('what the sender cannot read fails on both sides with its reason', within(async (directory) => {
  const [sender, receiver] = pipe()
  const files: SentFile[] = [{ stat: { path: 'a', mode: 0o644 }, content: async function* () { yield Buffer.from('x'); throw new Error('EIO: disk is broken') } }]
  const sent = assert.rejects(sendFiles(files, sender))
  await assert.rejects(receiveFiles(receiver, { root: join(directory, 'to') }), /disk is broken/)
  await sent
}))

void test('modes go to Go and back', () => {
  for (const path of ['/tmp', '/dev/null', '/bin', '/etc/passwd']) {
    const { mode } = lstatSync(path)
    assert.equal(permissionsOf(toGoMode(mode)), mode & 0o7777, path)
  }
  assert.equal(kindOfMode(toGoMode(statSync('/dev/null').mode)), 'character')
  assert.equal(kindOfMode(toGoMode(statSync('/tmp').mode)), 'directory')
  assert.equal(toGoMode(0o100755), 0o755)
})

void test('the order of paths is that of a walk', () => {
  assert.ok(comparePaths('a/b', 'a.txt') < 0)
  assert.ok(comparePaths('a', 'a/b') < 0)
  const path = fc.array(fc.string({ minLength: 1, maxLength: 3 }).filter((part) => !part.includes('/')), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  fc.assert(fc.property(path, path, (left, right) => Math.sign(comparePaths(left, right)) === -Math.sign(comparePaths(right, left)) || comparePaths(left, right) === 0))
})
