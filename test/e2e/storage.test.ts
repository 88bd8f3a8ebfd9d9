import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { assertNothingLeftOfEngine } from './harness/footprint.ts'
import { provideImages, rootfsArchive, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { read } from './harness/processes.ts'
import { findProgram } from './harness/program.ts'
import { must, run } from './harness/run.ts'
import { engineUnderTest } from './harness/stories.ts'

/** What a container shows that stands on a driver: its files, links, owners and capabilities of the kernel's own making. */
const story = 'echo one > /etc/new; ln /etc/new /etc/same; rm /etc/group; rm -r /home/user500; mkdir /home/user500; chown 7:8 /home/user500; echo two >> /etc/passwd'
const diff = ['A /etc/new', 'A /etc/same', 'C /etc', 'C /etc/passwd', 'C /home', 'C /home/user500', 'D /etc/group']

void describe('storage drivers', { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
  let engine: Engine
  let docker: Client
  let gantry: Client
  const mounted: string[] = []
  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    docker = makeClient('docker', engine)
    gantry = makeClient('gantry', engine)
    await provideImages(docker, [tiny])
  })
  after(async () => {
    await engine.shutDown()
    for (const directory of mounted) await must(['umount', directory])
    await assertNothingLeftOfEngine(engine)
    await engine.remove()
  })
  const configure = async (settings: object): Promise<void> => {
    await engine.stop()
    writeFileSync(path.join(engine.directory, 'daemon.json'), JSON.stringify(settings))
    await engine.start()
  }
  const loop = async (kind: string[], driver: string, options = 'loop'): Promise<string> => {
    const image = path.join(engine.directory, `${driver}.img`)
    const directory = path.join(engine.dataRoot, driver)
    writeFileSync(image, '')
    truncateSync(image, 320 << 20)
    await must([...kind, image])
    mkdirSync(directory, { recursive: true })
    await must(['mount', '-o', options, image, directory])
    mounted.push(directory)
    return directory
  }

  /** The same bytes each time. */
  const alteredArchive = async (): Promise<string> => {
    const root = mkdtempSync(path.join(engine.directory, 'altered-'))
    mkdirSync(path.join(root, 'deep'))
    for (const name of ['kept', 'gone', 'deep/mode']) writeFileSync(path.join(root, name), 'kept')
    linkSync(path.join(root, 'kept'), path.join(root, 'same'))
    symlinkSync('kept', path.join(root, 'link'))
    await must(['tar', '-C', root, '--mtime=@1500000000', '--sort=name', '-cf', `${root}.tar`, '.'])
    return `${root}.tar`
  }

  test('overlay2 is chosen, and says what it is', async () => {
    const info = JSON.parse(await docker.ok('info', '-f', '{{json .}}')) as { Driver: string; DriverStatus: [string, string][] }
    assert.equal(info.Driver, 'overlay2')
    assert.deepEqual(info.DriverStatus.map(([name]) => name), ['Backing Filesystem', 'Supports d_type', 'Using metacopy', 'Native Overlay Diff', 'userxattr'])
    assert.match(await docker.ok('run', '--rm', tiny, 'mount'), /^overlay on \/ type overlay/m)
  })

  test('a quota is refused with the words of Docker where the file system has none', async () => {
    const { stderr } = await docker.docker('create', '--storage-opt', 'size=10M', tiny)
    assert.match(stderr, /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/)
    assert.match((await docker.docker('create', '--storage-opt', 'colour=red', tiny)).stderr, /Unknown option colour/)
  })

  test('the check finds what is damaged and what belongs to nothing, and repairs it', async () => {
    await docker.ok('import', '-c', 'LABEL damaged=yes', await rootfsArchive(tiny), 'damaged')
    const id = await docker.ok('inspect', '-f', '{{.Id}}', 'damaged')
    const blobs = path.join(engine.dataRoot, 'content/blobs/sha256')
    appendFileSync(path.join(blobs, id.slice(7)), ' ')
    const stray = createHash('sha256').update('stray').digest('hex')
    writeFileSync(path.join(blobs, stray), 'stray')
    const found = await gantry.docker('system', 'check')
    assert.equal(found.code, 1)
    assert.match(found.stdout, new RegExp(`^blob ${id} is damaged$`, 'm'))
    assert.match(found.stdout, /^image \S*damaged:latest lacks blob/m)
    assert.match(found.stdout, new RegExp(`^blob sha256:${stray} belongs to nothing$`, 'm'))
    assert.match(await gantry.ok('system', 'check', '--repair'), /belongs to nothing \(repaired\)[^]*: clean$/)
    assert.match(await gantry.ok('system', 'check'), /: clean$/)
    assert.equal(await docker.ok('images', '-q', 'damaged'), '')
    assert.equal(await docker.ok('run', '--rm', tiny, 'echo', 'whole'), 'whole')
  })

  test('the full check compares files of layers with their archives, and what is repaired can come again', async () => {
    await docker.ok('import', await alteredArchive(), 'altered')
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    const layer = await docker.ok('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', 'altered')
    writeFileSync(path.join(layer, 'kept'), 'KEPT')
    chmodSync(path.join(layer, 'deep/mode'), 0o600)
    assert.match(await gantry.ok('system', 'check'), /: clean$/)
    rmSync(path.join(layer, 'gone'))
    // A file that is missing or shorter is seen by its bytes alone, and then the layer is looked at as a whole.
    const quick = await gantry.docker('system', 'check')
    assert.match(quick.stdout, /^layer sha256:\w+ is not what its archive says: deep\/mode: its mode is 600, and 644 in the archive; gone: it is missing; kept: /m)
    assert.equal(quick.code, 1)
    await docker.ok('create', '--name', 'stands', 'altered', 'true')
    const found = await gantry.docker('system', 'check', '--full', '--repair')
    assert.equal(found.code, 1)
    assert.match(found.stdout, /^layer sha256:\w+ is not what its archive says: deep\/mode: its mode is 600, and 644 in the archive; gone: it is missing; kept: its (content|time) is another: cannot repair: it is used by stands$/m)
    await docker.ok('rm', 'stands')
    assert.match(await gantry.ok('system', 'check', '--full', '--repair'), /: clean$/)
    assert.equal(await docker.ok('images', '-q', 'altered'), '')
    await docker.ok('import', await alteredArchive(), 'altered')
    assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    await docker.ok('rmi', 'altered')
  })

  test('after a change of driver the images of the other are not shown, but marked by our own command, and come back', async () => {
    await configure({ 'storage-driver': 'vfs' })
    assert.equal(await docker.ok('info', '-f', '{{.Driver}}'), 'vfs')
    assert.equal(await docker.ok('images', '-q'), '')
    assert.match(await gantry.ok('images'), /^tiny\s+latest\s+[0-9a-f]{12}\s.* \(in overlay2\)$/m)
    assert.equal(await gantry.ok('images', '-q'), '')
    await configure({})
    assert.match(await docker.ok('images', '-q'), /^[0-9a-f]{12}$/)
  })

  test('what cannot be keeps the daemon from starting, with the reason', async () => {
    await engine.stop()
    const refused = async (driver: string, ...flags: string[]) =>
      run([process.execPath, 'dist/gantryd.cjs', '--data-root', path.join(engine.directory, 'other'), '--exec-root', path.join(engine.directory, 'otherx'), '--pidfile', path.join(engine.directory, 'otherp'), '-H', `unix://${engine.directory}/others`, '-s', driver, ...flags], { timeout: 20_000 })
    for (const [driver, reason] of [['aufs', /aufs is in no current kernel and Docker removed it in 24\.0; use overlay2/], ['floppy', /driver not supported: floppy/], ['btrfs', /btrfs: prerequisites for driver not satisfied \(wrong filesystem\?\)/]] as const) {
      const { code, stderr } = await refused(driver)
      assert.equal(code, 1)
      assert.match(stderr, reason)
    }
    const zfs = await refused('zfs')
    const hasZfs = /\bzfs$/m.test(read('/proc/filesystems'))
    if (!hasZfs) assert.deepEqual([zfs.code, zfs.stderr.trim().split('\n').at(-1)], [1, 'failed to start daemon: error initializing graphdriver: cannot use storage driver zfs: the kernel module "zfs" is not loaded (modprobe zfs)'])
    else if (zfs.code !== 0) assert.match(zfs.stderr, /zfs: (cannot find|exec: "zfs"|prerequisites)/)
    assert.match((await refused('vfs', '--storage-opt', 'vfs.colour=red')).stderr, /vfs: unknown option vfs\.colour/)
    await engine.start()
  })

  test('images and stopped containers move from driver to driver and lose nothing', async () => {
    const drivers = ['vfs', ...(findProgram('fuse-overlayfs') ? ['fuse-overlayfs'] : []), ...(findProgram('mkfs.btrfs') ? ['btrfs'] : []), 'overlay2']
    if (drivers.includes('btrfs')) await loop(['mkfs.btrfs', '-q'], 'btrfs')
    await docker.ok('tag', tiny, 'other/name:v1')
    const listing = () => gantry.ok('images', '--digests', '--no-trunc', '--format', '{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}} {{.Size}}')
    const images = await listing()
    await docker.ok('run', '--name', 'moved', tiny, 'sh', '-c', story)
    await docker.ok('run', '-d', '--name', 'runs', tiny, 'sleep', '99')
    const { code, stderr } = await gantry.docker('storage', 'switch', 'vfs')
    assert.equal(code, 1)
    assert.match(stderr, /containers are running, stop them first: runs/)
    await docker.ok('rm', '-f', 'runs')
    for (const [at, driver] of drivers.entries()) {
      await gantry.ok('storage', 'switch', driver)
      if (at % 2 === 1) {
        await engine.stop()
        await engine.start()
      }
      assert.equal(await docker.ok('info', '-f', '{{.Driver}}'), driver)
      assert.equal(await listing(), images)
      assert.deepEqual((await docker.ok('diff', 'moved')).split('\n').toSorted(), diff, driver)
      const look = 'cat /etc/new; stat -c "%h" /etc/same; stat -c "%u:%g %a" /etc/same /home/user500; ls /etc/group 2>&1; tail -n 1 /etc/passwd'
      await docker.ok('commit', 'moved', 'made:1')
      assert.equal(await docker.ok('run', '--rm', 'made:1', 'sh', '-c', look), 'one\n2\n0:0 644\n7:8 755\nls: /etc/group: No such file or directory\ntwo', driver)
      await docker.ok('rmi', 'made:1')
      await using live = await docker.container(tiny, 'sleep', '99')
      await docker.ok('exec', live.id, 'touch', '/tmp/here')
      assert.match(await docker.ok('diff', live.id), /A \/tmp\/here/)
      assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    }
    assert.match(await gantry.ok('storage', 'switch', '--forget'), /Forgotten: vfs/)
    assert.match(await gantry.ok('system', 'check'), /: clean$/)
    assert.match((await gantry.docker('storage', 'switch', '--forget')).stderr, /there is no old store to forget/)
    assert.match(await gantry.ok('du', 'moved'), /^\S+B +written by the container: 2 added, 4 changed, 1 deleted\n\S+B +layer of tiny: .*\n\S+B +all that it sees, on overlay2; no other container stands on the same image$/)
    await docker.ok('rm', 'moved')
  })

  test('btrfs has a subvolume for each layer and container, and starts one without a copy', { skip: !findProgram('mkfs.btrfs') && 'btrfs-progs is not installed' }, async () => {
    const directory = path.join(engine.dataRoot, 'btrfs')
    if (!mounted.includes(directory)) await loop(['mkfs.btrfs', '-q'], 'btrfs')
    await configure({ 'storage-driver': 'btrfs' })
    await provideImages(docker, [tiny])
    const subvolumes = async () => (await must(['btrfs', 'subvolume', 'list', directory])).split('\n').filter((line) => line.includes('subvolumes/')).length
    const before = await subvolumes()
    await docker.ok('create', '--name', 'sub', '--storage-opt', 'size=20M', tiny, 'dd', 'if=/dev/urandom', 'of=/big', 'bs=1M', 'count=60')
    assert.equal(await subvolumes(), before + 1)
    assert.match((await docker.docker('start', '-a', 'sub')).stderr, /Disk quota exceeded|No space left/)
    await docker.ok('rm', 'sub')
    await docker.ok('rmi', tiny)
    assert.equal(await subvolumes(), 0)
    await configure({})
  })

  test('overlay2 holds a container to its quota where the file system counts projects', async (t) => {
    const directory = path.join(engine.directory, 'quota')
    const image = `${directory}.img`
    mkdirSync(directory)
    writeFileSync(image, '')
    truncateSync(image, 128 << 20)
    await must(['mkfs.ext4', '-q', '-O', 'project,quota', '-E', 'quotatype=prjquota', image])
    const { code } = await run(['mount', '-o', 'loop,prjquota', image, directory])
    if (code !== 0) return t.skip('this kernel has no project quotas for ext4 (CONFIG_QFMT_V2)')
    mounted.push(directory)
    const other = await startEngine({ kind: 'gantryd', flags: ['--data-root', path.join(directory, 'd')] })
    try {
      const client = makeClient('docker', other)
      await provideImages(client, [tiny])
      const fill = ['dd', 'if=/dev/zero', 'of=/big', 'bs=1M', 'count=30']
      assert.match((await client.docker('run', '--rm', '--storage-opt', 'size=10M', tiny, ...fill)).stderr, /No space left|Disk quota exceeded/)
      assert.equal((await client.docker('run', '--rm', '--storage-opt', 'size=40M', tiny, ...fill)).code, 0)
      assert.equal((await client.docker('run', '--rm', tiny, ...fill)).code, 0)
    } finally {
      await other.shutDown()
      await other.remove()
    }
  })
})
