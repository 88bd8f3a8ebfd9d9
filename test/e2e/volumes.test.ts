import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from './harness/eventually.ts'
import { makePrivateEtc } from './harness/private-etc.ts'
import { read } from './harness/processes.ts'
import { findProgram } from './harness/program.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, type Stage, throughEachClient, tiny } from './harness/stories.ts'

interface KernelMount {
  /** What of its file system is mounted. */
  root: string
  options: string
  propagation: string
  type: string
  superOptions: string
}

/** The topmost mount at a path, as the kernel tells it to a process. */
function mountAt(pid: number | 'self', place: string): KernelMount | undefined {
  const line = read(`/proc/${pid}/mountinfo`).split('\n').findLast((text) => text.split(' ')[4] === place)
  if (line === undefined) return undefined
  const fields = line.split(' ')
  const dash = fields.indexOf('-')
  return { root: fields[3] ?? '', options: fields[5] ?? '', propagation: fields.slice(6, dash).join(' '), type: fields[dash + 1] ?? '', superOptions: fields[dash + 3] ?? '' }
}

/** Names, kinds, modes, owners, links, times, holes and extended attributes of everything in a directory, and of itself. */
function factsOf(directory: string): string {
  const script = `
import os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    dirs.sort()
    for name in ['.'] + sorted(dirs + files):
        p = os.path.join(top, name); s = os.lstat(p)
        link = os.readlink(p) if os.path.islink(p) else ''
        size = (s.st_size, s.st_blocks * 512 < s.st_size) if os.path.isfile(p) and not link else ''
        print(os.path.relpath(p, sys.argv[1]), oct(s.st_mode), s.st_uid, s.st_gid, s.st_rdev, s.st_mtime_ns, size, 0 if os.path.isdir(p) else s.st_nlink, link, {a: os.getxattr(p, a, follow_symlinks=False).hex() for a in sorted(os.listxattr(p, follow_symlinks=False))})
`
  return execFileSync('python3', ['-c', script, directory]).toString()
}

/** An image whose /data has everything that a file system can have, and places that are links. */
async function provideFurnished(stage: Stage): Promise<string> {
  const root = path.join(stage.engine.directory, 'furnished')
  const archive = `${root}.tar`
  if (!existsSync(archive)) {
    mkdirSync(path.join(root, 'data/sub/deep'), { recursive: true })
    await must(['sh', '-c', `cd ${root} && mkdir bin etc proc sys dev tmp && cp /bin/busybox bin/busybox && for a in sh cat ls true sleep touch mount; do ln -s busybox bin/$a; done
      cd data && echo text > file && ln file sub/twin && ln -s /etc/passwd absolute && ln -s sub/deep relative && mknod null c 1 3 && mkfifo pipe && truncate -s 64M holes && printf end >> holes
      cp /bin/busybox able && chown 7:8 able && chmod 4755 able && setcap cap_net_raw=ep able && python3 -c 'import os; os.setxattr("sub", "user.note", bytes([0, 1, 255]))' && touch "$(printf 'bad\\377name')"
      chown -R 33:44 sub && chmod 2770 sub && chown -h 5:6 relative && chown 70:71 . && chmod 1751 . && find . -exec touch -h -d @1000000000 {} +
      cd .. && ln -s data linked && ln -s ../../../../../../etc outside && mkdir empty && chown 12:13 empty && chmod 700 empty`])
    await must(['tar', '-C', root, '--xattrs', '--xattrs-include=*', '-S', '--numeric-owner', '--format=pax', '-cf', archive, '.'])
  }
  await stage.ok('import', '-c', 'CMD ["/bin/sh"]', '-c', 'ENV PATH=/bin', archive, 'furnished')
  return root
}

const mount = (subpath: string): string[] => ['run', '--rm', '--mount', `type=volume,src=deep,dst=/m,volume-subpath=${subpath}`, tiny]

/** Debian's 20.10 loses directory times and holes, forgets mounts at a restart, removes what others share, and lacks subpaths and images. */
const newer = { skip: engineUnderTest === 'dockerd' && 'it is older than that' }

throughEachClient('volumes', (stage) => {
  let place = ''
  before(() => {
    place = mkdtempSync(path.join(stage.engine.directory, 'host-'))
  })
  after(async () => {
    for (const line of read('/proc/self/mountinfo').split('\n').filter((text) => text.includes(place)).toReversed()) await must(['umount', '-l', line.split(' ')[4] ?? ''])
    await stage.ok('volume', 'prune', '-f', '-a').catch(() => '')
  })
  const pathOf = (name: string): Promise<string> => stage.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', name)
  const failure = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await stage.docker(...args)
    assert.notEqual(code, 0, args.join(' '))
    return stderr.trim()
  }

  void test('a named volume outlives its containers and the engine, and is what the kernel has mounted', async () => {
    assert.equal(await stage.ok('volume', 'create', '--label', 'color=blue', 'kept'), 'kept')
    const data = await pathOf('kept')
    {
      await using container = await stage.container('-v', 'kept:/data', '-v', 'kept:/again:ro', tiny, 'sh', '-c', 'echo one > /data/file && sleep 99')
      await eventually(() => assert.equal(readFileSync(`${data}/file`, 'utf8'), 'one\n'))
      assert.ok(data.endsWith(mountAt(container.pid, '/data')?.root ?? 'nothing') && mountAt(container.pid, '/data')?.root.endsWith('/volumes/kept/_data'))
      assert.match(mountAt(container.pid, '/data')?.options ?? '', /^rw/)
      assert.match(mountAt(container.pid, '/again')?.options ?? '', /^ro/)
      const shown = JSON.parse(await container.inspect('{{json .Mounts}}')) as { Destination: string }[]
      assert.deepEqual(shown.find(({ Destination }) => Destination === '/again'), {
        Type: 'volume', Name: 'kept', Source: data, Destination: '/again', Driver: 'local', Mode: 'ro', RW: false, Propagation: '',
      })
      assert.equal(await failure('volume', 'rm', 'kept'), `Error response from daemon: remove kept: volume is in use - [${container.id}]`)
      assert.equal(await stage.ok('ps', '-q', '--no-trunc', '--filter', 'volume=kept'), container.id)
      assert.equal(await stage.ok('ps', '-q', '--no-trunc', '--filter', 'volume=/again'), container.id)
      await stage.engine.kill9()
      await stage.engine.start()
      assert.match(await failure('volume', 'rm', '-f', 'kept'), /volume is in use/)
    }
    assert.equal(await stage.ok('run', '--rm', '-v', 'kept:/x', tiny, 'cat', '/x/file'), 'one')
    assert.equal(await stage.ok('run', '--rm', '--mount', 'type=volume,src=kept,dst=/x', tiny, 'cat', '/x/file'), 'one')
    assert.deepEqual(JSON.parse(await stage.ok('inspect', '--type', 'volume', '-f', '{{json .Labels}}', 'kept')), { color: 'blue' })
    assert.equal(await stage.ok('volume', 'rm', 'kept'), 'kept')
    assert.equal(existsSync(path.dirname(data)), false)
  })

  void test('an empty volume gets what the image has, owners, modes, attributes, links and all; links in the image lead nowhere else', newer, async () => {
    const root = await provideFurnished(stage)
    await stage.ok('create', '--name', 'filled', '-v', 'filled:/data', '-v', 'by-link:/linked', '-v', 'nocopy:/data/sub:nocopy', '-v', 'empty:/empty', '-v', 'outside:/outside', 'furnished')
    const { engine } = stage
    assert.equal(factsOf(`${engine.dataRoot}/volumes/filled/_data`), factsOf(`${root}/data`))
    assert.equal(factsOf(`${engine.dataRoot}/volumes/by-link/_data`), factsOf(`${root}/data`))
    assert.deepEqual(readdirSync(await pathOf('nocopy')), [])
    const { mode, uid, gid } = statSync(await pathOf('empty'))
    assert.deepEqual([mode & 0o7777, uid, gid], [0o700, 12, 13])
    // The image's own etc is empty; the host's is not.
    assert.deepEqual(readdirSync(await pathOf('outside')), [])
    assert.deepEqual(readdirSync(`${engine.dataRoot}/volumes/filled`).toSorted(), ['_data', 'volume.json'])

    // One that holds anything is left alone.
    writeFileSync(`${await pathOf('empty')}/mine`, '')
    await stage.ok('create', '--name', 'second', '-v', 'empty:/data', '--mount', 'type=volume,src=plain,dst=/data/sub,volume-nocopy', 'furnished')
    assert.deepEqual(readdirSync(await pathOf('empty')), ['mine'])
    assert.deepEqual(readdirSync(await pathOf('plain')), [])
    assert.match(await failure('create', '-v', 'file:/data/file', 'furnished'), /source .*\/data\/file is not directory/)
    assert.match(await failure('create', '-v', '/data/file', 'furnished'), /cannot mount volume over existing file, file exists .*\/data\/file/)
    // Also into what is mounted there for the time.
    await stage.ok('volume', 'create', '-o', 'type=none', '-o', `device=${place}`, '-o', 'o=bind', 'elsewhere')
    await stage.ok('create', '--name', 'third', '-v', 'elsewhere:/data', 'furnished')
    assert.equal(factsOf(place), factsOf(`${root}/data`))
    assert.equal(mountAt('self', await pathOf('elsewhere')), undefined)
    await stage.ok('rm', 'filled', 'second', 'third')
    await stage.ok('volume', 'rm', 'filled', 'by-link', 'nocopy', 'empty', 'outside', 'plain', 'file', 'elsewhere')
  })

  void test('anonymous volumes go with rm -v and --rm, and no others; those that are shared go with the last', newer, async () => {
    const names = async (container: string): Promise<string[]> => (await stage.ok('inspect', '-f', '{{range .Mounts}}{{.Name}} {{end}}', container)).split(' ').toSorted()
    const volumes = (): string[] => readdirSync(`${stage.engine.dataRoot}/volumes`).toSorted()
    const before = volumes()
    await stage.ok('import', '-c', 'VOLUME /declared', path.join(stage.engine.directory, 'furnished.tar'), 'declares')
    await stage.ok('create', '--name', 'owner', '-v', '/anonymous', '-v', 'named:/named', '--mount', 'type=volume,dst=/mounted', 'declares', 'true')
    const [first, ...rest] = await names('owner')
    assert.equal(rest.length, 3)
    await stage.ok('create', '--name', 'heir', '--volumes-from', 'owner:ro', '-v', 'own:/named', tiny, 'true')
    assert.deepEqual((await stage.ok('inspect', '-f', '{{range .Mounts}}{{.Destination}}={{.RW}} {{end}}', 'heir')).split(' ').toSorted(), ['/anonymous=false', '/declared=false', '/mounted=false', '/named=true'])
    assert.ok((await names('heir')).includes('own') && (await names('heir')).includes(first ?? ''))
    await stage.ok('rm', '-v', 'owner')
    assert.deepEqual(volumes(), [...before, 'named', 'own', ...(await names('heir')).filter((name) => name.length === 64)].toSorted())
    await stage.ok('rm', '-v', 'heir')
    assert.deepEqual(volumes(), [...before, 'named', 'own'].toSorted())
    await stage.ok('run', '--rm', '-v', '/anonymous', '-v', 'named:/named', 'declares', '/bin/true')
    assert.deepEqual(volumes(), [...before, 'named', 'own'].toSorted())
    await stage.ok('create', '--name', 'left', '-v', '/anonymous', tiny)
    const [left = ''] = await names('left')
    await stage.ok('rm', 'left')
    assert.deepEqual(volumes(), [...before, 'named', 'own', left].toSorted())
    // prune takes anonymous ones only, unless told.
    const pruned = await stage.ok('volume', 'prune', '-f')
    assert.match(pruned, new RegExp(`^Deleted Volumes:\n${left}\n\nTotal reclaimed space: 0B$`))
    writeFileSync(`${await pathOf('named')}/kilobyte`, Buffer.alloc(1000))
    assert.match(await stage.ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Size}} {{.Reclaimable}}'), /Local Volumes \d+ 1kB 1kB \(100%\)/)
    assert.match(await stage.ok('volume', 'prune', '-a', '-f', '--filter', 'label!=keep'), /named[^]*Total reclaimed space: 1kB$/)
    assert.deepEqual(volumes(), [])
  })

  void test('driver options are mounted at the first use and unmounted after the last, whoever restarts in between', newer, async () => {
    await stage.ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,uid=1234,noexec', 'ram')
    const data = await pathOf('ram')
    assert.equal(mountAt('self', data), undefined)
    {
      await using first = await stage.container('-v', 'ram:/ram', tiny, 'sh', '-c', 'echo x > /ram/file && sleep 99')
      await using second = await stage.container('-v', 'ram:/ram', tiny, 'sleep', '99')
      const mounted = mountAt(first.pid, '/ram')
      assert.equal(mounted?.type, 'tmpfs')
      assert.match(mounted.options, /noexec/)
      assert.match(mounted.superOptions, /size=1024k.*uid=1234/)
      assert.equal(await stage.ok('exec', second.id, 'cat', '/ram/file'), 'x')
      await stage.ok('rm', '-f', first.id)
      await stage.engine.kill9()
      await stage.engine.start()
      assert.equal(mountAt('self', data)?.type, 'tmpfs')
      assert.equal(await stage.ok('run', '--rm', '-v', 'ram:/ram', tiny, 'cat', '/ram/file'), 'x')
      assert.equal(mountAt('self', data)?.type, 'tmpfs')
    }
    assert.equal(mountAt('self', data), undefined)
    // Ended while there was no engine.
    const short = await stage.ok('run', '-d', '-v', 'ram:/ram', tiny, 'sleep', '1')
    await stage.engine.kill9()
    await sleep(1200)
    await stage.engine.start()
    await eventually(() => assert.equal(mountAt('self', data), undefined))
    await stage.ok('rm', short)

    writeFileSync(`${place}/here`, 'host\n')
    await stage.ok('volume', 'create', '-o', 'type=none', '-o', `device=${place}`, '-o', 'o=bind,ro', 'bound')
    assert.equal(await stage.ok('run', '--rm', '-v', 'bound:/b', tiny, 'cat', '/b/here'), 'host')
    assert.match(await failure('run', '--rm', '-v', 'bound:/b', tiny, 'touch', '/b/x'), /Read-only file system/)
    await stage.ok('volume', 'create', '-o', 'type=none', '-o', `device=${place}/missing`, '-o', 'o=bind', 'broken')
    assert.match(await failure('run', '--rm', '-v', 'broken:/b', tiny), new RegExp(`error while mounting volume '${await pathOf('broken')}': failed to mount local volume: mount ${place}/missing:${await pathOf('broken')}, flags: 0x1000: no such file or directory`))
    await stage.ok('volume', 'create', '-o', 'type=nosuchfs', '-o', 'device=:/export', '-o', 'o=ro,addr=10.0.0.1', 'remote')
    assert.match(await failure('run', '--rm', '-v', 'remote:/b', tiny), /failed to mount local volume: mount :\/export:.*, flags: 0x1, data: addr=10\.0\.0\.1: no such device/)
    await stage.ok('volume', 'rm', 'ram', 'bound', 'broken', 'remote')
    assert.equal(readFileSync(`${place}/here`, 'utf8'), 'host\n')
  })

  void test('a subpath is found beneath its volume, and no link leads out', newer, async () => {
    await stage.ok('volume', 'create', 'deep')
    const data = await pathOf('deep')
    mkdirSync(`${data}/a/b`, { recursive: true })
    writeFileSync(`${data}/a/b/file`, 'inside\n')
    symlinkSync('a/b', `${data}/near`)
    symlinkSync('/etc', `${data}/far`)
    symlinkSync('../../../../../../../etc', `${data}/up`)
    assert.equal(await stage.ok(...mount('a/b'), 'cat', '/m/file'), 'inside')
    assert.equal(await stage.ok(...mount('near'), 'cat', '/m/file'), 'inside')
    assert.equal(await stage.ok(...mount('a/b/file'), 'cat', '/m'), 'inside')
    // Neither does a container have to run.
    const stopped = await stage.ok('create', ...mount('a/b').slice(2))
    assert.match(await stage.ok('cp', `${stopped}:/m/file`, '-'), /inside/)
    await stage.ok('rm', stopped)
    for (const escape of ['far', 'up']) assert.match(await failure(...mount(escape), 'ls', '/m'), /path concatenation escapes the base directory/)
    assert.match(await failure(...mount('none'), 'true'), /cannot access path .*\/none: no such file or directory/)
    assert.match(await failure(...mount('../x'), 'true'), /subpath must be a relative path within the volume/)
    // A container that swaps directories and links meanwhile gets nobody out.
    await using racer = await stage.container('-v', 'deep:/d', tiny, 'sh', '-c', 'cd /d; mkdir real; while :; do mv real swap; ln -s /etc real 2>/dev/null; rm real; mv swap real; done')
    assert.ok(racer.pid > 0)
    for (let round = 0; round < 8; round++) {
      const { code, stdout } = await stage.docker(...mount('real'), 'ls', '/m')
      if (code === 0) assert.doesNotMatch(stdout, /passwd|hostname/)
    }
  })

  void test('an image can be mounted, or a part of it; it cannot be written to, or removed meanwhile', newer, async () => {
    const root = await provideFurnished(stage)
    {
      await using container = await stage.container('--mount', 'type=image,src=furnished,dst=/img', '--mount', 'type=image,src=furnished,dst=/part,image-subpath=data/sub', tiny, 'sleep', '99')
      assert.equal(await stage.ok('exec', container.id, 'cat', '/img/data/file'), readFileSync(`${root}/data/file`, 'utf8').trim())
      assert.equal(await stage.ok('exec', container.id, 'ls', '/part'), 'deep\ntwin')
      assert.match(mountAt(container.pid, '/img')?.options ?? '', /^ro/)
      assert.match(await failure('exec', container.id, 'touch', '/img/x'), /Read-only file system/)
      assert.match(await failure('rmi', 'furnished'), /conflict/)
      await stage.engine.kill9()
      await stage.engine.start()
      await stage.ok('restart', '-t', '0', container.id)
      assert.equal(await stage.ok('exec', container.id, 'ls', '/part'), 'deep\ntwin')
    }
    assert.match(await failure('create', '--mount', 'type=image,src=none-such,dst=/img', tiny), /No such image: none-such/)
    assert.match(await failure('create', '--mount', 'type=image,src=furnished,dst=/img,image-subpath=../x', tiny), /subpath must be/)
    assert.deepEqual(readdirSync(`${stage.engine.dataRoot}/overlay2`).filter((name) => name.includes('-image-')), [])
  })

  void test('binds carry mounts to and from the host as they are told, and read-only goes all the way down or not', newer, async () => {
    const shared = `${place}/shared`
    mkdirSync(shared)
    await must(['mount', '-t', 'tmpfs', 'none', shared])
    await must(['mount', '--make-rshared', shared])
    for (const name of ['below', 'late', 'inner']) mkdirSync(`${shared}/${name}`)
    await must(['mount', '-t', 'tmpfs', 'none', `${shared}/below`])
    const bind = (...options: string[]): string[] => ['--mount', ['type=bind', `src=${shared}`, 'dst=/s', ...options].join(',')]
    {
      await using slave = await stage.container(...bind('bind-propagation=rslave'), tiny, 'sleep', '99')
      await using lone = await stage.container('-v', `${shared}:/s`, tiny, 'sleep', '99')
      await using both = await stage.container('-v', `${shared}:/s:rshared`, '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined', tiny, 'sleep', '99')
      await using flat = await stage.container(...bind('bind-recursive=disabled'), tiny, 'sleep', '99')
      assert.match(mountAt(slave.pid, '/s')?.propagation ?? '', /^master:\d+$/)
      assert.equal(mountAt(lone.pid, '/s')?.propagation, '')
      assert.match(mountAt(both.pid, '/s')?.propagation ?? '', /^shared:\d+/)
      assert.equal(mountAt(slave.pid, '/s/below')?.type, 'tmpfs')
      assert.equal(mountAt(flat.pid, '/s/below'), undefined)
      await must(['mount', '-t', 'tmpfs', 'none', `${shared}/late`])
      await eventually(() => assert.equal(mountAt(slave.pid, '/s/late')?.type, 'tmpfs'))
      assert.equal(mountAt(lone.pid, '/s/late'), undefined)
      await stage.ok('exec', both.id, 'mount', '-t', 'tmpfs', 'none', '/s/inner')
      assert.equal(mountAt('self', `${shared}/inner`)?.type, 'tmpfs')
      assert.equal(mountAt(slave.pid, '/s/inner')?.type, 'tmpfs')
      assert.equal(mountAt(lone.pid, '/s/inner'), undefined)
    }
    {
      await using whole = await stage.container(...bind('readonly'), tiny, 'sleep', '99')
      await using top = await stage.container(...bind('readonly', 'bind-recursive=writable'), tiny, 'sleep', '99')
      await using forced = await stage.container(...bind('readonly', 'bind-recursive=readonly', 'bind-propagation=rprivate'), tiny, 'sleep', '99')
      const access = (pid: number): string => ['/s', '/s/below'].map((at) => mountAt(pid, at)?.options.slice(0, 2)).join(' ')
      assert.equal(access(top.pid), 'ro rw')
      assert.equal(access(forced.pid), 'ro ro')
      assert.equal(access(whole.pid), 'ro ro')
    }
    await must(['umount', '-R', '-l', shared])
    await must(['mount', '-t', 'tmpfs', 'none', shared])
    await must(['mount', '--make-private', shared])
    assert.match(await failure('run', '--rm', '-v', `${shared}:/s:shared`, tiny), new RegExp(`path ${shared} is mounted on ${shared} but it is not a shared mount`))
    assert.match(await failure('run', '--rm', ...bind('bind-propagation=slave'), tiny), new RegExp(`path ${shared} is mounted on ${shared} but it is not a shared or slave mount`))
    await must(['umount', '-l', shared])
    // A missing source is made for -v and, when it says so, for --mount.
    assert.match(await failure('create', ...bind().map((text) => text.replace(shared, `${place}/new`)), tiny), new RegExp(`invalid mount config for type "bind": bind source path does not exist: ${place}/new`))
    await stage.ok('run', '--rm', '-v', `${place}/new/er:/n:z`, tiny, 'true')
    assert.ok(statSync(`${place}/new/er`).isDirectory())
    const create = { Image: tiny, Cmd: ['true'], HostConfig: { Mounts: [{ Type: 'bind', Source: `${place}/made`, Target: '/m', BindOptions: { CreateMountpoint: true } }] } }
    const { status, text } = await stage.engine.api({ method: 'POST', path: '/containers/create', body: JSON.stringify(create) })
    assert.equal(status, 201, text)
    await stage.ok('start', (JSON.parse(text) as { Id: string }).Id)
    assert.ok(statSync(`${place}/made`).isDirectory())
  })

  void test('tmpfs of --mount has the size and mode that it is told', newer, async () => {
    await using container = await stage.container('--mount', 'type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770', '--mount', 'type=tmpfs,dst=/r,readonly', tiny, 'sleep', '99')
    assert.match(mountAt(container.pid, '/t')?.superOptions ?? '', /size=2048k.*mode=1770/)
    assert.match(mountAt(container.pid, '/r')?.options ?? '', /^ro/)
    await using heir = await stage.container('--volumes-from', container.id, tiny, 'sleep', '99')
    assert.match(mountAt(heir.pid, '/t')?.superOptions ?? '', /size=2048k/)
  })

  void test('another runtime mounts the same', { skip: newer.skip || (findProgram('runc') === undefined && 'there is no runc here') }, async () => {
    await provideFurnished(stage)
    await stage.ok('volume', 'create', 'foreign')
    mkdirSync(`${await pathOf('foreign')}/part`)
    const mounts = ['-v', 'foreign:/whole', '--mount', 'type=volume,src=foreign,dst=/part,volume-subpath=part', '--mount', 'type=image,src=furnished,dst=/img,image-subpath=data/sub']
    assert.equal(await stage.ok('run', '--rm', '--runtime', 'runc', ...mounts, tiny, 'sh', '-c', 'touch /part/file; ls /whole/part /img'), '/img:\ndeep\ntwin\n\n/whole/part:\nfile')
    await stage.ok('volume', 'rm', 'foreign')
  })

  void test('ls has filters and formats, and what goes wrong is said in Docker\'s words', async () => {
    await stage.ok('volume', 'create', '--label', 'a=1', 'alpha')
    await stage.ok('volume', 'create', '--label', 'a=2', 'alphabet')
    const used = await stage.ok('create', '-v', 'beta:/b', tiny)
    const list = async (...filters: string[]): Promise<string> => (await stage.ok('volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]), '--filter', 'name=^(alpha|beta)')).replaceAll('\n', ' ')
    assert.equal(await list(), 'alpha alphabet beta')
    assert.equal(await list('dangling=true'), 'alpha alphabet')
    assert.equal(await list('dangling=0'), 'beta')
    assert.equal(await list('label=a'), 'alpha alphabet')
    assert.equal(await list('label=a=2'), 'alphabet')
    assert.equal(await list('driver=local'), 'alpha alphabet beta')
    assert.equal(await list('driver=other'), '')
    assert.match(await stage.ok('volume', 'ls', '--filter', 'name=alphabet'), /^DRIVER {4}VOLUME NAME\nlocal {5}alphabet$/)
    assert.equal(await stage.ok('volume', 'ls', '--filter', 'name=alphabet', '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}} {{.Label "a"}}'), 'alphabet local local a=2 2')
    const expected: [string[], string][] = [
      [['volume', 'create', 'x'], 'create x: volume name is too short, names should be at least two alphanumeric characters'],
      [['volume', 'create', 'a/b'], 'create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'],
      [['volume', 'create', '-o', 'foo=1', 'bad'], 'create bad: invalid option: "foo"'],
      [['volume', 'create', '-o', 'type=tmpfs', 'bad'], 'create bad: missing required option: "device"'],
      [['volume', 'create', '-d', 'nope', 'bad'], 'create bad: error looking up volume plugin nope: plugin "nope" not found'],
      [['volume', 'rm', 'bad'], 'get bad: no such volume'],
      [['volume', 'inspect', 'bad'], 'get bad: no such volume'],
      [['create', '-v', 'alpha:/x', '-v', 'beta:/x', tiny], 'Duplicate mount point: /x'],
      [['create', '-v', 'alpha:/x:rshared', tiny], 'invalid volume specification: \'alpha:/x:rshared\': invalid mount config for type "volume": field BindOptions must not be specified'],
      [['create', '-v', '/tmp:/x:nocopy', tiny], 'invalid volume specification: \'/tmp:/x:nocopy\': invalid mount config for type "bind": field VolumeOptions must not be specified'],
      [['create', '--mount', 'type=volume,dst=/x,readonly', tiny], 'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes'],
      [['create', '--volumes-from', `${used}:zz`, tiny], 'invalid mode: zz'],
      [['create', '--volumes-from', 'nobody', tiny], 'No such container: nobody'],
    ]
    for (const [args, words] of expected) assert.ok((await failure(...args)).includes(`Error response from daemon: ${words}`), `${args.join(' ')}: ${await failure(...args)}`)
    assert.equal(await stage.ok('volume', 'rm', '-f', 'bad'), 'bad')
    if (engineUnderTest === 'gantryd') assert.match(await failure('volume', 'ls', '--filter', 'dangling=maybe'), /invalid filter 'dangling=\[maybe\]'/)
    await stage.ok('rm', used)
    await stage.ok('volume', 'rm', 'alpha', 'alphabet', 'beta')
  })

  void test('events tell what happens to a volume', async () => {
    const since = String(Date.now() / 1000)
    const id = await stage.ok('run', '-d', '--name', 'watched', '-v', 'seen:/s', tiny, 'true')
    await stage.ok('wait', id)
    await eventually(async () => assert.match(await stage.ok('events', '--since', since, '--until', '0s', '--filter', 'type=volume', '--format', '{{.Action}}'), /unmount/))
    await stage.ok('rm', id)
    await stage.ok('volume', 'rm', 'seen')
    const events = (await stage.ok('events', '--since', since, '--until', String(Date.now() / 1000 + 0.2), '--filter', 'volume=seen', '--format', '{{.Action}} {{.Actor.ID}} {{json .Actor.Attributes}}')).split('\n')
    assert.deepEqual(events, [
      'create seen {"driver":"local"}',
      `mount seen {"container":"${id}","destination":"/s","driver":"local","propagation":"","read/write":"true"}`,
      `unmount seen {"container":"${id}","driver":"local"}`,
      'destroy seen {"driver":"local"}',
    ])
  })

  void test('an engine that is killed anywhere leaves no volume half made or half removed', newer, async () => {
    const root = await provideFurnished(stage)
    await stage.ok('volume', 'prune', '-f', '-a')
    const whole = factsOf(`${root}/data`)
    const volumes = `${stage.engine.dataRoot}/volumes`
    for (const delay of [2, 8, 15, 25, 45, 90]) {
      const create = stage.docker('create', '--name', 'cut', '-v', 'cut:/data', '-v', '/anonymous', 'furnished').catch(() => undefined)
      await sleep(delay)
      await stage.engine.kill9()
      await create
      await stage.engine.start()
      const made = (await stage.ok('ps', '-aq', '--filter', 'name=^cut$')) !== ''
      const names = readdirSync(volumes)
      assert.equal(names.filter((name) => name !== 'cut').length, made ? 1 : 0, `${names.join(' ')} after ${delay} ms`)
      if (names.includes('cut')) assert.deepEqual(readdirSync(`${volumes}/cut`).toSorted(), ['_data', 'volume.json'])
      if (names.includes('cut') && readdirSync(`${volumes}/cut/_data`).length > 0) assert.equal(factsOf(`${volumes}/cut/_data`), whole)
      if (made) {
        const remove = stage.docker('rm', '-v', 'cut').catch(() => undefined)
        await sleep(delay / 4)
        await stage.engine.kill9()
        await remove
        await stage.engine.start()
        if ((await stage.ok('ps', '-aq', '--filter', 'name=^cut$')) !== '') await stage.ok('rm', '-v', 'cut')
      }
      assert.deepEqual(readdirSync(volumes).filter((name) => name !== 'cut'), [])
      await stage.ok('volume', 'rm', '-f', 'cut')
    }
    rmSync(root, { recursive: true, force: true })
  })
})

if (engineUnderTest === 'gantryd') {
  const etc = await makePrivateEtc()
  after(() => etc.close())

  throughEachClient('volumes of remapped users', (stage) => {
    void test('files of the image belong to the users of the container, in a volume and in a mounted image', async () => {
      await provideFurnished(stage)
      const owners = 'stat -c %u:%g /data /data/sub /data/able /img/data/sub'
      await using container = await stage.container('-v', 'mapped:/data', '--mount', 'type=image,src=furnished,dst=/img', 'furnished', 'sh', '-c', 'cat /data/file && sleep 99')
      await eventually(async () => assert.equal(await stage.ok('logs', container.id), 'text'))
      const root = Number(read(`/proc/${container.pid}/uid_map`).trim().split(/\s+/)[1])
      assert.ok(root > 0)
      const { uid, gid } = statSync(`${await stage.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', 'mapped')}/sub`)
      assert.deepEqual([uid, gid], [root + 33, root + 44])
      assert.equal(await stage.ok('run', '--rm', '--volumes-from', container.id, '--mount', 'type=image,src=furnished,dst=/img', tiny, 'sh', '-c', owners), '70:71\n33:44\n7:8\n33:44')
      assert.match((await stage.docker('exec', container.id, 'touch', '/img/x')).stderr, /Read-only file system/)
    })
  }, { images: [tiny], flags: ['--userns-remap', 'default'], enter: () => etc.enter })
}
