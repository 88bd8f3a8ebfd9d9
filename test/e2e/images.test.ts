import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { createGzip } from 'node:zlib'
import { eventually } from './harness/eventually.ts'
import { rootfsArchive } from './harness/image.ts'
import { must } from './harness/run.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

throughEachClient('images', (stage) => {
  const scratch = (name: string) => path.join(stage.engine.directory, name)

  void test('images has the columns of Docker', async () => {
    const [head = '', row = ''] = (await stage.ok('images')).split('\n')
    assert.match(head, /^REPOSITORY\s+TAG\s+IMAGE ID\s+CREATED\s+SIZE$/)
    assert.match(row, /^tiny\s+latest\s+[0-9a-f]{12}\s+\S.* ago\s+[\d.]+MB$/)
  })

  void test('import makes an image of a tarball, and its id is the digest of its configuration', async () => {
    const id = await stage.ok('import', '-c', 'CMD ["echo","imported"]', await rootfsArchive(tiny), 'made:1')
    assert.match(id, /^sha256:[0-9a-f]{64}$/)
    assert.equal(await stage.ok('run', '--rm', 'made:1'), 'imported')
    assert.equal(await stage.ok('inspect', '-f', '{{.Id}}', 'made:1'), id)
    await stage.ok('rmi', 'made:1')
    assert.equal(await stage.ok('images', '-q', 'made'), '')
  })

  void test('import takes the archive from a URL, tells how far it is, and what the server says instead', async () => {
    const archive = readFileSync(await rootfsArchive(tiny))
    const place = scratch('served')
    mkdirSync(place)
    writeFileSync(path.join(place, 'root.tar'), archive)
    // Where the engine is, loopback is its own.
    const server = spawn('/usr/bin/env', [...stage.engine.host.enter, '/bin/busybox', 'httpd', '-f', '-p', '127.0.0.1:8099', '-h', place], { stdio: 'ignore' })
    try {
      const url = 'http://127.0.0.1:8099/root.tar'
      const lines = await eventually(async () => (await stage.ok('import', '-c', 'CMD ["/bin/from-url"]', url, 'from-url')).split('\n'))
      assert.equal(lines[0], `Downloading from ${url}`)
      assert.equal(lines.at(-1), await stage.ok('inspect', '-f', '{{.Id}}', 'from-url'))
      assert.equal(await stage.ok('inspect', '-f', '{{json .Config.Cmd}} {{.Comment}}', 'from-url'), `["/bin/from-url"] Imported from ${url}`)
      assert.equal(await stage.ok('run', '--rm', 'from-url', 'echo', 'works'), 'works')
      assert.match((await stage.docker('import', 'http://127.0.0.1:8099/none', 'never')).stderr, /failed to GET http:\/\/127\.0\.0\.1:8099\/none with status 404/)
      assert.match((await stage.docker('import', 'http://127.0.0.1:1/none', 'never')).stderr, /Get "http:\/\/127\.0\.0\.1:1\/none": dial tcp 127\.0\.0\.1:1: connect: connection refused/)
      await stage.ok('rmi', 'from-url')
    } finally {
      server.kill()
      await once(server, 'exit')
    }
  })

  void test('a container has the file by which programs tell that they run in one, and it counts as nothing', async () => {
    assert.equal(await stage.ok('run', '--rm', '--read-only', tiny, 'stat', '-c', '%F %s', '/.dockerenv'), 'regular empty file 0')
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(await stage.ok('diff', container.id), '')
    assert.match(await stage.ok('ps', '-s', '--filter', `id=${container.id}`, '--format', '{{.Size}}'), /^0B /)
    const id = await stage.ok('commit', container.id)
    assert.equal(await stage.ok('inspect', '-f', '{{.Size}}', id), await stage.ok('inspect', '-f', '{{.Size}}', tiny))
    await stage.ok('rmi', id)
  })

  void test('tag gives a second name, and rmi takes one name after the other', async () => {
    await stage.ok('tag', tiny, 'registry.example:5000/team/tiny:v2')
    assert.equal(await stage.ok('images', '--format', '{{.Repository}}:{{.Tag}}', 'registry.example:5000/team/tiny'), 'registry.example:5000/team/tiny:v2')
    assert.match(await stage.ok('rmi', 'registry.example:5000/team/tiny:v2'), /^Untagged: registry\.example:5000\/team\/tiny:v2$/)
    assert.match(await stage.ok('images', '-q', tiny), /^[0-9a-f]{12}$/)
  })

  void test('what save writes, load reads, with its name and id', async () => {
    await stage.ok('import', '-c', 'CMD ["echo","kept"]', await rootfsArchive(tiny), 'kept:1')
    const id = await stage.ok('inspect', '-f', '{{.Id}}', 'kept:1')
    await stage.ok('save', '-o', scratch('kept.tar'), 'kept:1')
    const manifest = JSON.parse(await must(['tar', '-xOf', scratch('kept.tar'), 'manifest.json'])) as { RepoTags: string[] }[]
    assert.deepEqual(manifest[0]?.RepoTags, ['kept:1'])
    await stage.ok('rmi', 'kept:1')
    assert.match(await stage.ok('load', '-i', scratch('kept.tar')), /Loaded image: kept:1/)
    assert.equal(await stage.ok('inspect', '-f', '{{.Id}}', 'kept:1'), id)
    assert.equal(await stage.ok('run', '--rm', 'kept:1'), 'kept')
    await stage.ok('rmi', 'kept:1')
  })

  void test('load reads a compressed archive from standard input', async () => {
    await stage.ok('save', '-o', scratch('plain.tar'), tiny)
    await pipeline(createReadStream(scratch('plain.tar')), createGzip({ level: 1 }), createWriteStream(scratch('plain.tar.gz')))
    const { code, stdout } = await stage.dockerWith({ input: readFileSync(scratch('plain.tar.gz')) }, 'load')
    assert.equal(code, 0)
    assert.match(stdout, /Loaded image: tiny:latest/)
  })

  void test('many containers of a large image take little room', async () => {
    const large = scratch('large')
    mkdirSync(path.join(large, 'bin'), { recursive: true })
    await must(['cp', '/bin/busybox', path.join(large, 'bin/busybox')])
    await must(['dd', 'if=/dev/urandom', `of=${path.join(large, 'ballast')}`, 'bs=1M', 'count=200', 'status=none'])
    await must(['tar', '-C', large, '-cf', scratch('large.tar'), '.'])
    await stage.ok('import', scratch('large.tar'), 'large')
    const used = async () => Number((await must(['du', '-sxk', stage.engine.dataRoot])).split('\t')[0])
    const before = await used()
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push(await stage.ok('create', 'large', '/bin/busybox', 'true'))
    await stage.ok('start', ...ids.slice(0, 5))
    const grown = (await used()) - before
    assert.ok(grown < 10 * 1024, `20 containers took ${grown} KiB`)
    await stage.ok('rm', '-f', ...ids)
    await stage.ok('rmi', 'large')
    assert.ok((await used()) < before - 150 * 1024, 'rmi gave the room back')
  })

  void test('an image in use is not removed without force', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    const { code, stderr } = await stage.docker('rmi', tiny)
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`conflict: unable to remove repository reference "tiny" \\(must force\\) - container ${container.id.slice(0, 12)} is using its referenced image`))
  })

  void test('load of something that is no archive is refused, and nothing is left', async () => {
    const before = blobs(stage.engine.dataRoot)
    writeFileSync(scratch('noise'), 'this is no archive\n'.repeat(1000))
    const { code, stderr } = await stage.docker('load', '-i', scratch('noise'))
    assert.notEqual(code, 0)
    assert.notEqual(stderr, '')
    assert.deepEqual(blobs(stage.engine.dataRoot), before)
  })
}, { images: [tiny] })

/** Names below the data root, containers and logs apart: what an image that was not accepted may have left. */
function blobs(dataRoot: string): string[] {
  return readdirSync(dataRoot, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(containers|.*\.(log|db|sqlite))/.test(name) && /[0-9a-f]{64}/.test(name))
    .toSorted()
}
