import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Snapshotter } from '../../../../src/containerd/snapshots/contract.ts'
import type { SnapshotDriver } from '../../../../src/containerd/snapshots/driver.ts'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { chainId, layerTar, type Member } from './layer.ts'

export interface DriverPlace {
  /** An empty directory, or one that does not exist. */
  root: string
  options?: string[]
  /** Instead of Linux; other processes cannot have it, so that nothing is killed. */
  kernel?: Kernel
  /** How many are thousands, for a place that is slow. */
  files?: number
  remove(): void
}

/** What every storage driver must do, whatever it is made of: see the contract. */
export function snapshotterSuite(driver: SnapshotDriver, makePlace: () => DriverPlace, { on = '' }: { on?: string } = {}): void {
  describe(`storage driver ${driver.name}${on}`, () => {
    let place: DriverPlace
    const opened: Snapshotter[] = []
    // Not before: a run that leaves this suite out makes no place, and would not remove it.
    before(() => {
      place = makePlace()
    })
    const open = async (): Promise<Snapshotter> => {
      mkdirSync(place.root, { recursive: true })
      const snapshotter = await driver.open({ root: place.root, kernel: place.kernel ?? linuxKernel, options: place.options ?? [], log: (line) => assert.match(line, /discouraged for production/) })
      opened.push(snapshotter)
      return snapshotter
    }
    after(async () => {
      for (const snapshotter of opened) await snapshotter.close()
      place.remove()
    })

    test('layers stand on each other, whiteouts hide what is below and nothing of their own', async () => {
      const snapshotter = await open()
      const low = await extract(snapshotter, [
        { name: 'a/', type: 'directory' }, { name: 'a/gone', text: '1' }, { name: 'a/kept', text: '1' },
        { name: 'b/', type: 'directory' }, { name: 'b/old', text: '1' }, { name: 'b/sub/', type: 'directory' }, { name: 'b/sub/old', text: '1' },
        { name: 'c/', type: 'directory' }, { name: 'c/old', text: '1' },
        { name: 'd', text: 'file' }, { name: 'e/', type: 'directory' }, { name: 'e/x', text: '1' },
        { name: 'l', type: 'symlink', linkName: 'a' },
      ])
      const high = await extract(snapshotter, [
        { name: 'a/', type: 'directory' }, { name: 'a/.wh.gone' },
        { name: 'b/', type: 'directory' }, { name: 'b/new', text: '2' }, { name: 'b/.wh..wh..opq' },
        { name: '.wh.c' }, { name: 'c/', type: 'directory' }, { name: 'c/new', text: '2' },
        { name: 'd/', type: 'directory' }, { name: 'd/in', text: '2' },
        { name: 'e', text: 'file' }, { name: 'l/', type: 'directory' }, { name: 'l/own', text: '2' }, { name: '.wh.never' },
      ], low)
      await snapshotter.prepare('layers', high)
      const listing = await inside(snapshotter, 'layers', 'find . -type f | sort | tr "\\n" " "')
      assert.equal(listing, './a/kept ./b/new ./c/new ./d/in ./e ./l/own ')
      await removeAll(snapshotter, ['layers'], [high, low])
    })

    test('owners, modes, times, links, devices and attributes arrive as they are in the tar', async () => {
      const snapshotter = await open()
      const mtime = 1_577_836_800_123_456_789n
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
      const low = await extract(snapshotter, [
        { name: 'bin/', type: 'directory', mode: 0o2755, gid: 7, mtime },
        { name: 'bin/tool', text: 'tool', mode: 0o4755, uid: 1, gid: 2, mtime, xattrs: new Map([['security.capability', capability], ['user.note', Buffer.from('n')]]) },
        { name: 'bin/same', type: 'link', linkName: 'bin/tool' },
        { name: 'bin/name', type: 'symlink', linkName: '/bin/tool', uid: 3, mtime },
        { name: 'dev/null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
        { name: 'run/pipe', type: 'fifo', mode: 0o600 },
        { name: 'b\udcffd', text: 'no utf-8' },
      ])
      await snapshotter.prepare('nodes', low)
      const shown = await inside(snapshotter, 'nodes', 'stat -c "%n %F %a %u:%g %h %t:%T %.9Y" bin bin/tool bin/name dev/null run/pipe; getfattr -h -e hex --absolute-names -n security.capability bin/same | grep =; cmp bin/tool bin/same && ls b?d | wc -l')
      assert.deepEqual(shown.trim().split('\n').map((line) => line.replace(/^(dev|run)(.*) \d+\.\d+$/, '$1$2').replace(/^bin directory 2755 0:7 \d+/, 'bin directory 2755 0:7 n')), [
        'bin directory 2755 0:7 n 0:0 1577836800.123456789',
        'bin/tool regular file 4755 1:2 2 0:0 1577836800.123456789',
        'bin/name symbolic link 777 3:0 1 0:0 1577836800.123456789',
        'dev/null character special file 666 0:0 1 1:3',
        'run/pipe fifo 600 0:0 1 0:0',
        `security.capability=0x${capability.toString('hex')}`,
        '1',
      ])
      await removeAll(snapshotter, ['nodes'], [low])
    })

    test('changes are told, and their tar makes the same tree of the same parent', async () => {
      const snapshotter = await open()
      const low = await extract(snapshotter, [
        ...['etc', 'gone', 'new', 'same', 'same/deep', 'swap'].map((name): Member => ({ name: `${name}/`, type: 'directory' })),
        ...['etc/a', 'etc/b', 'gone/x', 'new/x', 'same/deep/x', 'swap/x', 'tofile/x'].map((name) => ({ name, text: '1' })),
        { name: 'todir', text: '1' }, { name: 'chmod', text: '1' },
      ])
      await snapshotter.prepare('changed', low)
      assert.deepEqual(await snapshotter.changes('changed'), [])
      await inside(snapshotter, 'changed', 'echo 22 > etc/a; rm etc/b; mkdir -p added/d; echo 3 > added/d/f; ln added/d/f added/g; rm -r gone; rm -r new; mkdir new; echo 1 > new/y; rm -r tofile; echo f > tofile; rm todir; mkdir todir; mknod todir/p p; chmod 600 chmod; ln -s nowhere same/deep/l')
      const changes = (await snapshotter.changes('changed')).map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`)
      assert.deepEqual(changes.filter((line) => line !== 'D /tofile/x'), [
        'A /added', 'A /added/d', 'A /added/d/f', 'A /added/g', 'C /chmod', 'C /etc', 'C /etc/a', 'D /etc/b', 'D /gone', 'C /new', 'D /new/x', 'A /new/y',
        'C /same', 'C /same/deep', 'A /same/deep/l', 'C /todir', 'A /todir/p', 'C /tofile',
      ])
      const copy = chainId(`copy of ${driver.name}`)
      await snapshotter.extract({ chainId: copy, parent: low, tar: snapshotter.diff('changed') })
      await snapshotter.prepare('again', copy)
      const tree = 'find . -mindepth 1 -printf "%p %y %m %U %T@ %l %n\\n" | sed "s/^\\(.* d .*\\) [0-9]*$/\\1/" | sort; cat etc/a'
      assert.equal(await inside(snapshotter, 'again', tree), await inside(snapshotter, 'changed', tree))
      assert.ok((await snapshotter.usage('changed')) > 0)
      await removeAll(snapshotter, ['changed', 'again'], [copy, low])
    })

    test('a snapshot that is committed is the layer that its tar is', async () => {
      const snapshotter = await open()
      const low = await extract(snapshotter, [{ name: 'a/', type: 'directory' }, { name: 'a/old', text: 'old' }, { name: 'a/gone', text: '1' }, { name: 'b/', type: 'directory' }, { name: 'b/x', text: '1' }, { name: 'same/', type: 'directory' }])
      await snapshotter.prepare('committed', low)
      await inside(snapshotter, 'committed', 'echo new > a/new; rm a/gone; rm -r b; mkdir b; echo y > b/y; ln a/new hard; ln -s a link; chmod 1700 same; mkfifo fifo')
      const before = Buffer.concat(await Array.fromAsync(snapshotter.diff('committed')))
      const [copy, moved] = [chainId(`copied ${Math.random()}`), chainId(`moved ${Math.random()}`)]
      await snapshotter.extract({ chainId: copy, parent: low, tar: (async function* () { yield before })() })
      const committed = await snapshotter.commit('committed', moved)
      if (committed === undefined) {
        // This driver wants the tar: the snapshot is as it was.
        assert.ok(snapshotter.keys().includes('committed'))
        await removeAll(snapshotter, ['committed'], [copy, low])
        return
      }
      assert.deepEqual([snapshotter.keys().includes('committed'), snapshotter.layerSize(moved)], [false, committed.size])
      assert.equal(committed.size, snapshotter.layerSize(copy))
      const looks: string[] = []
      for (const layer of [copy, moved]) {
        await snapshotter.prepare('look', layer)
        looks.push(await inside(snapshotter, 'look', 'find . -mindepth 1 -printf "%p %y %m %U %T@ %n\\n" | sed "s/^\\(.* d .*\\) [0-9]*$/\\1/" | sort; cat a/new b/y'))
        assert.deepEqual(await snapshotter.changes('look'), [])
        await snapshotter.remove('look')
      }
      assert.equal(looks[1], looks[0])
      await snapshotter.prepare('again', low)
      assert.equal((await snapshotter.commit('again', moved))?.size, committed.size)
      const other = await open()
      assert.ok(other.hasLayer(moved) && !other.keys().includes('again'))
      await removeAll(other, [], [moved, copy, low])
    })

    test('a layer that is not what its archive says is told, file by file', async () => {
      const snapshotter = await open()
      const low = await extract(snapshotter, [{ name: 'below', text: '1' }])
      const members: Member[] = [{ name: 'd/', type: 'directory' }, { name: 'd/a', text: 'one' }, { name: 'd/b', text: 'one' }, { name: 'd/c', type: 'link', linkName: 'd/a' }, { name: 'l', type: 'symlink', linkName: 'd' }]
      const id = await extract(snapshotter, members, low)
      const other: Member[] = [{ name: 'd/', type: 'directory', uid: 5 }, { name: 'd/a', text: 'two' }, { name: 'd/b', text: 'longer' }, { name: 'd/c', type: 'link', linkName: 'd/b' }, { name: 'l', type: 'symlink', linkName: 'e' }, { name: 'more', text: '' }]
      assert.deepEqual(await snapshotter.compare(id, layerTar(other)), [
        'd/a: its content is another', 'd/b: it has 3 bytes, and 6 in the archive', 'd/c: it is no link to d/b', 'd: its owner is 0:0, and 5:0 in the archive', 'l: it leads elsewhere', 'more: it is missing',
      ])
      await assert.rejects(snapshotter.compare(chainId('missing'), layerTar([])), { kind: 'NotFound' })
      await removeAll(snapshotter, [], [id, low])
    })

    test('a layer whose files are fewer bytes than were unpacked is suspected, and one with the same member twice at worst', async () => {
      const snapshotter = await open()
      const low = await extract(snapshotter, [{ name: 'd/', type: 'directory' }, { name: 'd/a', text: 'one' }, { name: 'd/b', type: 'link', linkName: 'd/a' }, { name: 'l', type: 'symlink', linkName: 'd' }, { name: 'zo\u00eb/', type: 'directory' }, { name: 'zo\u00eb/in', text: 'utf-8' }])
      const top = await extract(snapshotter, [{ name: 'd/.wh.a', text: '' }, { name: 'e', text: 'more' }], low)
      assert.deepEqual(await snapshotter.suspects(), [])
      const twice = await extract(snapshotter, [{ name: 'x', text: '1' }, { name: 'x', text: '22' }])
      assert.deepEqual((await snapshotter.suspects()).filter((id) => id !== twice), [])
      await removeAll(snapshotter, [], [twice, top, low])
    })

    test('what exists is not made again, and what is stood on is not removed', async () => {
      const snapshotter = await open()
      const id = await extract(snapshotter, [{ name: 'x', text: '12345' }])
      assert.deepEqual(await snapshotter.extract({ chainId: id, parent: undefined, tar: layerTar([{ name: 'other' }]) }), { size: 5 })
      assert.deepEqual([snapshotter.hasLayer(id), snapshotter.layerSize(id), snapshotter.layers()], [true, 5, [id]])
      assert.equal(snapshotter.layerSize(chainId('missing')), 0)
      await assert.rejects(extract(snapshotter, [], chainId('missing')), { kind: 'NotFound' })
      await assert.rejects(snapshotter.removeLayer(chainId('missing')), { kind: 'NotFound' })
      await assert.rejects(snapshotter.prepare('x', chainId('missing')), { kind: 'NotFound' })
      await assert.rejects(snapshotter.prepare('../x', undefined), { kind: 'InvalidParameter' })
      for (const call of ['activate', 'deactivate', 'remove', 'changes', 'usage'] as const) await assert.rejects(snapshotter[call]('x'), { kind: 'NotFound' })
      assert.throws(() => snapshotter.mount('x'), { kind: 'NotFound' })
      const high = await extract(snapshotter, [], id)
      await snapshotter.prepare('x', high)
      await assert.rejects(snapshotter.prepare('x', high), { kind: 'Conflict' })
      await assert.rejects(snapshotter.removeLayer(id), { kind: 'Conflict' })
      await assert.rejects(snapshotter.removeLayer(high), { kind: 'Conflict' })
      await removeAll(snapshotter, ['x'], [high, id])
      assert.deepEqual(await filesIn(place.root), [])
    })

    test('another process finds what was made, and a broken archive leaves nothing', async () => {
      const snapshotter = await open()
      const id = await extract(snapshotter, [{ name: 'x', text: '1' }])
      await snapshotter.prepare('found', id)
      await inside(snapshotter, 'found', 'echo written > y')
      await assert.rejects(snapshotter.extract({ chainId: chainId('broken'), parent: id, tar: broken() }), /hung up/)
      await snapshotter.close()
      const again = await open()
      assert.deepEqual([again.layers(), again.keys()], [[id], ['found']])
      assert.equal(await inside(again, 'found', 'cat x y'), '1written\n')
      await removeAll(again, ['found'], [id])
      assert.deepEqual(await filesIn(place.root), [])
    })

    test('many may look at one layer and its containers at the same time', async () => {
      const snapshotter = await open()
      const id = await extract(snapshotter, [{ name: 'x', text: '1' }])
      const keys = ['many1', 'many2', 'many3']
      for (const key of keys) await snapshotter.prepare(key, id)
      await inside(snapshotter, 'many1', 'echo 2 > y')
      const told = await Promise.all(keys.flatMap((key) => [snapshotter.changes(key), snapshotter.changes(key)]))
      assert.deepEqual(told.map((changes) => changes.length), [1, 1, 0, 0, 0, 0])
      await snapshotter.activate('many2')
      await Promise.all([snapshotter.usage('many2'), snapshotter.changes('many2')])
      assert.equal(await inside(snapshotter, 'many2', 'cat x'), '1')
      await removeAll(snapshotter, keys, [id])
    })

    test('thousands of files arrive', async () => {
      const snapshotter = await open()
      const { files = 4000 } = place
      const members = Array.from({ length: files }, (_, at) => ({ name: `d${at % 40}/${'deep/'.repeat(at % 5)}f${at}`, text: String(at) }))
      const id = await extract(snapshotter, members)
      await snapshotter.prepare('many', id)
      assert.equal(await inside(snapshotter, 'many', `find . -type f | wc -l; cat d7/deep/deep/f${files / 2 + 7}`), `${files}\n${files / 2 + 7}`)
      await removeAll(snapshotter, ['many'], [id])
    })

    test('a kill at any moment leaves whole layers only, and no files that belong to nothing', async (t) => {
      if (place.kernel) return t.skip('its kernel is in this process')
      for (const delay of [0, 15, 60, 150, 400]) {
        const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, `crash-child${extname(import.meta.filename)}`), driver.name, place.root, ...(place.options ?? [])], { stdio: ['ignore', 'pipe', 'inherit'] })
        const ended = once(child, 'exit') as Promise<[number | null]>
        await Promise.race([once(child.stdout, 'data'), ended])
        await sleep(delay)
        child.kill('SIGKILL')
        const [code] = await ended
        assert.equal(code, null, 'it ended by itself')
        const snapshotter = await open()
        for (const key of snapshotter.keys()) await snapshotter.remove(key)
        const layers = snapshotter.layers()
        for (const [at, id] of layers.entries()) {
          await snapshotter.prepare(`check${at}`, id)
          const count = Number(await inside(snapshotter, `check${at}`, 'find . -type f | wc -l'))
          assert.ok(count === 40 || count === 31, `${count} files`)
          await snapshotter.remove(`check${at}`)
        }
        for (const id of layers.toSorted((a, b) => order(snapshotter, a) - order(snapshotter, b))) if (snapshotter.hasLayer(id)) await removeWithChildren(snapshotter, id)
        assert.deepEqual(await filesIn(place.root), [])
      }
    })
  })
}

async function extract(snapshotter: Snapshotter, members: readonly Member[], parent?: string): Promise<string> {
  const id = chainId(`${Math.random()}`)
  await snapshotter.extract({ chainId: id, parent, tar: layerTar(members) })
  assert.deepEqual(await snapshotter.compare(id, layerTar(members)), [])
  return id
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield* take(layerTar([{ name: 'a', text: 'x'.repeat(5000) }]), 2000)
  throw new Error('the other side hung up')
}

function order(snapshotter: Snapshotter, id: string): number {
  return snapshotter.layerSize(id)
}

async function removeWithChildren(snapshotter: Snapshotter, id: string): Promise<void> {
  try {
    await snapshotter.removeLayer(id)
  } catch (error) {
    assert.equal((error as { kind?: string }).kind, 'Conflict')
    for (const other of snapshotter.layers()) if (other !== id) await removeWithChildren(snapshotter, other)
    await snapshotter.removeLayer(id)
  }
}

/** Runs a script in the container's root, mounted as the task service does. */
export async function inside(snapshotter: Snapshotter, key: string, script: string): Promise<string> {
  await snapshotter.activate(key)
  const mount = snapshotter.mount(key)
  const mountpoint = snapshotter.mountpoint(key)
  const how = mount.type === 'bind'
    ? ['--bind', mount.source, mountpoint]
    : ['-t', 'overlay', 'overlay', '-o', `lowerdir=${mount.lower.join(':')},upperdir=${mount.upper},workdir=${mount.work}`, mountpoint]
  const output = execFileSync('unshare', ['-m', 'sh', '-ec', `mkdir -p "${mountpoint}"; mount "$@"; cd "${mountpoint}"; ${script}`, 'sh', ...how]).toString()
  await snapshotter.deactivate(key)
  return output
}

async function removeAll(snapshotter: Snapshotter, keys: string[], layers: string[]): Promise<void> {
  for (const key of keys) await snapshotter.remove(key)
  for (const id of layers) await snapshotter.removeLayer(id)
  assert.deepEqual([snapshotter.keys(), snapshotter.layers()], [[], []])
}

/** What a driver has no further use for: files that lie in its directory when it holds no layer and no container. */
async function filesIn(root: string): Promise<string[]> {
  const found = execFileSync('find', [root, '-type', 'f', '-not', '-path', '*/devicemapper/*', '-not', '-name', 'pool.json', '-not', '-path', '*/devices/base', '-not', '-name', '.last-project']).toString()
  return found.split('\n').filter((line) => line !== '')
}

async function* take(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const chunk of source) {
    if (left <= 0) return
    yield chunk.subarray(0, left)
    left -= chunk.length
  }
}
