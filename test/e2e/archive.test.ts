import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { before, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { hostileTars } from './harness/hostile-archives.ts'
import { mountsOf } from './harness/private-directory.ts'
import { must, run } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const isOriginal = engineUnderTest === 'dockerd'

throughEachClient('copies', (stage) => {
  const at = (...names: string[]) => path.join(stage.engine.directory, ...names)
  const failure = async (...args: string[]) => {
    const { code, stderr } = await stage.docker('cp', ...args)
    assert.notEqual(code, 0, `cp ${args.join(' ')} succeeded`)
    return stderr.trim().split('\n').at(-1)
  }
  const archive = (container: string, place: string, method = 'GET') =>
    stage.engine.api({ method, path: `/containers/${container}/archive?path=${encodeURIComponent(place)}` })

  before(() => {
    mkdirSync(at('tree/sub/deep'), { recursive: true })
    mkdirSync(at('out'))
    mkdirSync(at('bait'))
    writeFileSync(at('bait/secret'), 'secret')
    writeFileSync(at('tree/file'), 'content\n')
    writeFileSync(at('tree/sub/deep/odd näme'), 'odd')
    writeFileSync(at('tree/sub/tool'), '#!/bin/sh\n')
    chmodSync(at('tree/sub/tool'), 0o4755)
    linkSync(at('tree/file'), at('tree/twin'))
    symlinkSync('sub/tool', at('tree/link'))
    symlinkSync('/nowhere/at/all', at('tree/dangling'))
    execFileSync('sh', ['-c', `cd ${at('tree')} && chown 1234:4321 file && touch -d '2020-01-02 03:04:05' file sub/deep && chmod 750 sub/deep`])
  })

  for (const state of ['running', 'stopped']) {
    void test(`a tree goes into a ${state} container and comes back as it was`, async () => {
      await using container = await stage.container(tiny, 'sleep', '999')
      if (state === 'stopped') await stage.ok('kill', container.id)
      await stage.ok('cp', at('tree'), `${container.id}:/in`)
      await stage.ok('cp', `${container.id}:/in`, at('out', state))
      assert.equal(treeFacts(at('out', state)), treeFacts(at('tree')))
      assert.equal(statSync(at('out', state, 'twin')).ino, statSync(at('out', state, 'file')).ino)
      const listing = execFileSync('sh', ['-c', `${stage.program} cp ${container.id}:/in/. - | tar --numeric-owner -tv`], { env: stage.env }).toString()
      assert.match(listing, /^drwxr-xr-x 0\/0 .* \.\/$/m)
      assert.match(listing, /^-rw-r--r-- 1234\/4321 .* \.\/file$/m)
      assert.match(listing, / \.\/twin link to \.\/file$/m)
      assert.match(listing, /^-rwsr-xr-x .* \.\/sub\/tool$/m)
    })
  }

  void test('what a copy is called depends on the destination, as in Docker', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const { id } = container
    const rules: [source: string, destination: string, found: string[]][] = [
      ['tree/file', 'new', ['new']],
      ['tree/file', 'dir/', ['dir/file']],
      ['tree/file', 'old', []],
      ['tree/sub', 'new', ['new/deep/odd näme', 'new/tool']],
      ['tree/sub', 'dir', ['dir/sub/deep/odd näme', 'dir/sub/tool']],
      ['tree/sub/', 'dir', ['dir/sub/deep/odd näme', 'dir/sub/tool']],
      ['tree/sub/.', 'dir', ['dir/deep/odd näme', 'dir/tool']],
      ['tree/sub/.', 'new', ['new/deep/odd näme', 'new/tool']],
      ['tree/file', 'to-dir', ['dir/file']],
    ]
    await stage.ok('exec', id, 'sh', '-c', `for n in $(seq 0 ${rules.length - 1}); do mkdir -p /w/$n/dir; ln -s dir /w/$n/to-dir; echo before > /w/$n/old; done`)
    for (const [number, [source, destination]] of rules.entries()) await stage.ok('cp', keepEnd(at(source), source), `${id}:/w/${number}/${destination}`)
    const inside = (await stage.ok('exec', id, 'sh', '-c', 'cd /w && find . -type f')).split('\n')
    for (const [number, [source, destination, found]] of rules.entries()) {
      const seen = inside.filter((name) => name.startsWith(`./${number}/`) && name !== `./${number}/old`).map((name) => name.slice(`./${number}/`.length))
      assert.deepEqual(seen.toSorted(), found.toSorted(), `${source} to ${destination}`)
    }
    assert.equal(await stage.ok('exec', id, 'cat', '/w/2/old'), 'content')
    assert.equal(await failure(at('tree/file'), `${id}:/w/none/`), 'no such directory')
    assert.equal(await failure(at('tree/sub'), `${id}:/w/0/old`), 'cannot copy directory')
    assert.match((await failure(at('tree/file'), `${id}:/w/none/x`)) ?? '', /Could not find the file \/w\/none in container/)
  })

  void test('links are followed with -L only, and at the end of the destination', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const { id } = container
    await stage.ok('cp', at('tree/link'), `${id}:/link`)
    await stage.ok('cp', '-L', at('tree/link'), `${id}:/tool`)
    assert.equal(await stage.ok('exec', id, 'sh', '-c', 'readlink /link; cat /tool'), 'sub/tool\n#!/bin/sh')
    await stage.ok('exec', id, 'sh', '-c', 'mkdir -p /real && echo text > /real/file && ln -s /real/file /points && ln -s /real /way')
    await stage.ok('cp', '-L', `${id}:/points`, at('out/points'))
    await stage.ok('cp', `${id}:/way/file`, at('out/through'))
    assert.deepEqual([lstatSync(at('out/points')).isFile(), readFileSync(at('out/through'), 'utf8')], [true, 'text\n'])
    await stage.ok('cp', at('tree/file'), `${id}:/way`)
    await stage.ok('cp', at('tree/sub/tool'), `${id}:/points`)
    assert.equal(await stage.ok('exec', id, 'sh', '-c', 'ls /real; cat /real/file'), 'file\n#!/bin/sh')
  })

  void test('with -a the files belong to the user of the container', { skip: isOriginal && 'it looks for the user on the host' }, async () => {
    await using container = await stage.container('-u', 'user500', tiny, 'sleep', '999')
    await stage.ok('cp', '-a', at('tree/file'), `${container.id}:/home/user500/mine`)
    assert.equal(await stage.ok('exec', container.id, 'stat', '-c', '%u:%g', '/home/user500/mine'), '500:500')
    await stage.ok('cp', at('tree/file'), `${container.id}:/home/user500/kept`)
    assert.equal(await stage.ok('exec', container.id, 'stat', '-c', '%u:%g', '/home/user500/kept'), '1234:4321')
  })

  void test('volumes, binds and tmpfs are where the container sees them, and refuse what they refuse it', async () => {
    mkdirSync(at('bound'), { recursive: true })
    writeFileSync(at('bound/known'), 'bound')
    await using container = await stage.container('-v', `${at('bound')}:/rw`, '-v', `${at('bound')}:/ro:ro`, '-v', '/volume', '--tmpfs', '/memory', '--read-only', tiny, 'sleep', '999')
    const { id } = container
    await stage.ok('cp', at('tree/file'), `${id}:/rw/written`)
    assert.equal(readFileSync(at('bound/written'), 'utf8'), 'content\n')
    await stage.ok('cp', at('tree/file'), `${id}:/volume/written`)
    await stage.ok('cp', `${id}:/ro/known`, at('out/known'))
    assert.equal(readFileSync(at('out/known'), 'utf8'), 'bound')
    assert.equal(await failure(at('tree/file'), `${id}:/ro/x`), 'Error response from daemon: mounted volume is marked read-only')
    assert.equal(await failure(at('tree/file'), `${id}:/root/x`), 'Error response from daemon: container rootfs is marked read-only')
    // Docker refuses this, too, for it does not see the tmpfs.
    if (!isOriginal) {
      await stage.ok('cp', at('tree/file'), `${id}:/memory/x`)
      assert.equal(await stage.ok('exec', id, 'cat', '/memory/x'), 'content')
    }
    await stage.ok('kill', id)
    await stage.ok('cp', `${id}:/volume/written`, at('out/volume'))
    assert.equal(readFileSync(at('out/volume'), 'utf8'), 'content\n')
    await stage.ok('cp', at('tree/sub/tool'), `${id}:/rw/stopped`)
    assert.ok(existsSync(at('bound/stopped')))
    assert.equal(await failure(at('tree/file'), `${id}:/ro/x`), 'Error response from daemon: mounted volume is marked read-only')
    assert.equal(await failure(at('tree/file'), `${id}:/root/x`), 'Error response from daemon: container rootfs is marked read-only')
  })

  void test('errors have the words of Docker', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const { id } = container
    assert.equal(await failure(`${id}:/none`, at('out')), `Error response from daemon: Could not find the file /none in container ${id}`)
    assert.match((await failure(`${id}:/etc/passwd/`, at('out'))) ?? '', /not a directory/)
    assert.match((await failure(at('tree/file'), 'no-such:/x')) ?? '', /No such container: no-such/)
    assert.equal(await failure(at('nothing'), `${id}:/`), `lstat ${at('nothing')}: no such file or directory`)
    assert.equal(await failure(at('tree'), at('out')), 'must specify at least one container source')
    assert.equal(await failure(`${id}:/etc`, `${id}:/tmp`), 'copying between containers is not supported')
    assert.match((await failure(`${id}:/etc`, at('out/none/x'))) ?? '', /invalid output path: directory ".*\/out\/none" does not exist/)
    const answer = await stage.engine.api({ method: 'PUT', path: `/containers/${id}/archive?path=/etc/passwd`, body: Buffer.alloc(1024), contentType: 'application/x-tar' })
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [isOriginal ? 500 : 400, { message: 'extraction point is not a directory' }])
    assert.equal((await stage.engine.api({ path: `/containers/${id}/archive` })).status, 400)
  })

  void test('the header tells of a path what Go would', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('exec', container.id, 'sh', '-c', 'mkdir /dir && chmod 1770 /dir && ln -s ../dir /dir/l && printf 12345 > /dir/f && chmod 4755 /dir/f')
    const stat = async (place: string) => {
      const { status, headers, text } = await archive(container.id, place, 'HEAD')
      assert.deepEqual([status, text], [200, ''])
      return JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString()) as Record<string, unknown>
    }
    const [file, directory, link] = [await stat('/dir/f'), await stat('/dir/'), await stat('/dir/l')]
    assert.deepEqual([file['name'], file['size'], file['mode'], file['linkTarget']], ['f', 5, 2 ** 23 + 0o755, ''])
    assert.ok(Math.abs(Date.parse(String(file['mtime'])) - Date.now()) < 60_000)
    assert.deepEqual([directory['name'], directory['mode']], ['dir', 2 ** 31 + 2 ** 20 + 0o770])
    assert.deepEqual([link['name'], link['mode'], link['linkTarget']], ['l', 2 ** 27 + 0o777, '/dir'])
    assert.equal((await archive(container.id, '/none', 'HEAD')).status, 404)
    assert.equal((await archive(container.id, '/dir')).headers['content-type'], 'application/x-tar')
  })

  void test('archives of every compression are unpacked from standard input', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    await stage.ok('exec', container.id, 'mkdir', '/in')
    const plain = execFileSync('tar', ['-C', at('tree'), '-c', 'file'])
    for (const tool of ['cat', 'gzip', 'bzip2', 'xz', ...(isOriginal ? [] : ['zstd'])]) {
      const input = execFileSync(tool, tool === 'cat' ? [] : ['-c'], { input: plain })
      const { code, stderr } = await stage.dockerWith({ input }, 'cp', '-', `${container.id}:/in`)
      assert.deepEqual([code, stderr], [0, ''], tool)
      assert.equal(await stage.ok('exec', container.id, 'sh', '-c', 'cat /in/file && rm /in/file'), 'content', tool)
    }
  })

  void test('attributes, devices, fifos and holes go through a stream', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const place = at('special')
    mkdirSync(place)
    await must(['sh', '-c', `cd ${place} && mknod null c 1 3 && mkfifo pipe && truncate -s 1G holes && printf end >> holes && cp /bin/busybox able && setcap cap_net_raw=ep able && python3 -c 'import os; os.setxattr("able", "user.note", bytes([0, 1, 255]))'`])
    await stage.ok('exec', container.id, 'mkdir', '/special')
    await must(['sh', '-c', `tar -C ${place} --xattrs --xattrs-include='*' -Sc . | '${stage.program}' cp - ${container.id}:/special`], { env: stage.env })
    const back = at('special-back')
    mkdirSync(back)
    await must(['sh', '-c', `'${stage.program}' cp ${container.id}:/special/. - | tar -C ${back} --xattrs --xattrs-include='*' -xf -`], { env: stage.env })
    // Docker knows file capabilities only, and writes out holes.
    if (isOriginal) return
    assert.equal(specialFacts(back), specialFacts(place))
    assert.ok(statSync(path.join(back, 'holes')).blocks < 100)
  })

  void test('links lead to the container and never to the host', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const { id } = container
    const bait = at('bait')
    await stage.ok('exec', id, 'sh', '-c', `ln -s ${bait} /out; ln -s ${'../'.repeat(20)}${bait} /up; ln -s /proc/1/root /magic; mkdir -p ${bait}; echo mine > ${bait}/secret`)
    for (const place of ['/out/secret', '/up/secret', '/out/']) {
      const { stdout } = await run(['sh', '-c', `'${stage.program}' cp '${id}:${place}' - | tar -xO`], { env: stage.env })
      assert.equal(stdout, 'mine\n', place)
    }
    await stage.ok('cp', at('tree/file'), `${id}:/out/`)
    assert.deepEqual(readdirSync(bait), ['secret'])
    assert.equal(await stage.ok('exec', id, 'ls', bait), 'file\nsecret')
    assert.notEqual((await stage.docker('cp', `${id}:/magic/etc/hostname`, at('out/host'))).stdout, readFileSync('/etc/hostname', 'utf8'))
  })

  void test('a process that changed its root does not change what is copied', { skip: isOriginal && 'it looks at the root file system only' }, async () => {
    await using container = await stage.container('-v', '/:/host:ro', '--cap-add', 'SYS_CHROOT', tiny, 'sh', '-c', 'echo mine > /mark; exec chroot /host /bin/sleep 999')
    const { id } = container
    await eventually(async () => assert.match(readFileSync(`/proc/${container.pid}/cmdline`, 'utf8'), /sleep/))
    await stage.ok('cp', `${id}:/mark`, at('out/mark'))
    assert.equal(readFileSync(at('out/mark'), 'utf8'), 'mine\n')
  })

  void test('a container that swaps directories for links loses every race', async () => {
    const bait = at('bait')
    await using container = await stage.container(tiny, 'sh', '-c', `mkdir -p ${bait} /race; echo mine > ${bait}/secret; cd /race; while :; do mkdir d; echo mine > d/secret; rm -rf x; mv d x; ln -s ${bait} d; rm d; done`)
    const { id } = container
    const input = execFileSync('sh', ['-c', `cd ${at('tree')} && tar -c --transform 's,^sub,d,' sub`])
    for (let round = 0; round < 10; round++) {
      const taken = await run(['sh', '-c', `'${stage.program}' cp ${id}:/race/d/ - 2>/dev/null | tar -xO 2>/dev/null`], { env: stage.env })
      assert.ok(!taken.stdout.includes('secret'), taken.stdout)
      await stage.engine.api({ method: 'PUT', path: `/containers/${id}/archive?path=/race`, body: input, contentType: 'application/x-tar' })
      assert.deepEqual(readdirSync(bait), ['secret'])
    }
    assert.equal(readFileSync(path.join(bait, 'secret'), 'utf8'), 'secret')
  })

  void test('a hostile archive is refused or contained, by cp and by import', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const bait = at('bait')
    const archives = Object.entries(hostileTars(bait))
    await stage.ok('exec', container.id, 'sh', '-c', `mkdir /h && cd /h && mkdir $(seq 0 ${archives.length - 1})`)
    for (const [number, [name, { bytes, refused }]] of archives.entries()) {
      const { code, stderr } = await stage.dockerWith({ input: bytes }, 'cp', '-', `${container.id}:/h/${number}`)
      if (refused) assert.notEqual(code, 0, `${name} was taken`)
      if (code !== 0) assert.match(stderr, /\S/, name)
      const imported = await stage.engine.api({ method: 'POST', path: '/images/create?fromSrc=-', body: bytes, contentType: 'application/x-tar' })
      if (refused && !isOriginal) assert.equal(imported.status, 400, `${name} was imported`)
      assert.deepEqual(readdirSync(bait), ['secret'], name)
      assert.equal(readFileSync(path.join(bait, 'secret'), 'utf8'), 'secret', name)
    }
    await stage.ok('image', 'prune', '-f')
    assert.ok(!existsSync('/gantry-escaped') && !existsSync('/tmp/gantry-escaped'))
    assert.equal((await must(['stat', '-c', '%h', path.join(bait, 'secret')])), '1')
  })

  void test('an engine that is killed in the middle of a copy leaves no mount, and the container starts', { skip: isOriginal && 'it leaves one' }, async () => {
    const id = await stage.ok('create', '-v', '/volume', tiny, 'true')
    const before = mountsOf(stage.engine.directory)
    const call = http.request({ socketPath: stage.engine.socket, method: 'PUT', path: `/containers/${id}/archive?path=/volume`, headers: { 'content-type': 'application/x-tar' } })
    call.on('error', () => {})
    call.write(execFileSync('tar', ['-C', at('tree'), '-c', '.']).subarray(0, 3000))
    await eventually(() => assert.ok(readdirSync(`/proc/${stage.engine.pid()}/fdinfo`).length > 0))
    await eventually(async () => {
      const { Mounts } = JSON.parse(await stage.ok('inspect', '-f', '{{json .}}', id)) as { Mounts: { Source: string }[] }
      assert.notDeepEqual(readdirSync(Mounts[0]!.Source), [])
    })
    await stage.engine.kill9()
    assert.deepEqual(mountsOf(stage.engine.directory), before)
    await stage.engine.start()
    await stage.ok('start', '-a', id)
    await stage.ok('rm', '-v', id)
  })

  void test('a copy of a stopped container whose client stays away lets go of it', { skip: isOriginal && 'not on it' }, async () => {
    const id = await stage.ok('create', tiny, 'true')
    await stage.ok('cp', at('tree'), `${id}:/in`)
    const call = http.get({ socketPath: stage.engine.socket, path: `/containers/${id}/archive?path=/` }, (response) => response.once('data', () => response.destroy()))
    call.on('error', () => {})
    await stage.ok('start', '-a', id)
    await stage.ok('rm', id)
  })

  void test('events tell of copies', async () => {
    await using container = await stage.container(tiny, 'sleep', '999')
    const since = String(Math.floor(Date.now() / 1000))
    await stage.ok('cp', at('tree/file'), `${container.id}:/`)
    await stage.ok('cp', `${container.id}:/file`, at('out/file'))
    await stage.ok('export', '-o', at('out/all.tar'), container.id)
    const seen = await stage.ok('events', '--since', since, '--until', String(Math.ceil(Date.now() / 1000)), '--filter', `container=${container.id}`, '--format', '{{.Action}}')
    assert.deepEqual(seen.split('\n').filter((action) => /archive|extract|export/.test(action)), ['extract-to-dir', 'archive-path', 'export'])
    rmSync(at('out/all.tar'))
  })
}, { images: [tiny] })

/** path.join takes the end away that says what is meant. */
function keepEnd(joined: string, typed: string): string {
  if (typed.endsWith('/.')) return `${joined}/.`
  return typed.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined
}

/** Names, types, modes, sizes and times; sizes of directories differ by file system. */
function treeFacts(root: string): string {
  return execFileSync('sh', ['-c', `cd ${root} && find . -printf '%P %y %m %s %l\\n' | grep -v '^ ' | sort && find . -type f -newermt 2020-01-02 ! -newermt 2020-01-03 && cat file 'sub/deep/odd näme'`]).toString().replaceAll(/( d \d+) \d+/g, '$1')
}

function specialFacts(root: string): string {
  return execFileSync('sh', ['-c', `cd ${root} && stat -c '%n %F %a %t:%T' null pipe && stat -c %s holes && getcap able && python3 -c 'import os; print(os.getxattr("able", "user.note").hex())' && cmp able /bin/busybox && tail -c 3 holes`]).toString()
}
