import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { after, describe, test } from 'node:test'
import type { FileCase } from './harness/build-cases.ts'
import { type BuildOptions, classicBuild, contextTar, postBuild } from './harness/classic-build.ts'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfContainers, assertNothingLeftOfEngine, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { makePrivateEtc } from './harness/private-etc.ts'
import { startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

const list = (...names: string[]): string => names.join('\n')

const cases: FileCase[] = [
  { says: 'a file of the context', file: 'COPY a /x', files: { a: 'hello\n' }, run: 'cat /x', prints: 'hello' },
  { says: 'a directory of the context', file: 'COPY d /x/', files: { 'd/a': 'A', 'd/s/b': 'B' }, run: 'cat /x/a /x/s/b', prints: 'AB' },
  { says: 'a pattern', file: 'COPY *.txt /x/', files: { 'a.txt': 'a', 'b.txt': 'b', 'c.md': 'c' }, run: 'ls /x', prints: list('a.txt', 'b.txt') },
  { says: 'modes of files', file: 'COPY a /x', files: { a: [0o751, 'x'] }, run: 'stat -c %a /x', prints: '751' },
  { says: 'owners of files are root', file: 'COPY a /x', files: { a: 'x' }, run: 'stat -c %u:%g /x', prints: '0:0' },
  { says: 'other owners and modes', file: 'COPY --chown=user500:600 --chmod=0600 a /x', files: { a: 'x' }, run: 'stat -c %u:%g:%a /x', prints: '500:600:600' },
  { says: 'links as links', file: 'COPY d /x', files: { 'd/a': 'A', 'd/l': '-> a' }, run: 'readlink /x/l; cat /x/l', prints: 'a\nA' },
  { says: 'a heredoc', file: 'ENV W=world\nCOPY <<E /x\nhello $W\nE', run: 'cat /x', prints: 'hello world' },
  { says: 'a heredoc without expansion', file: 'ENV W=world\nCOPY <<"E" /x\nhello $W\nE', run: 'cat /x', prints: 'hello $W' },
  { says: 'an archive by ADD', file: 'ADD a.tar /x/', files: { 'a.tar': 'ARCHIVE' }, run: 'cat /x/inside', prints: 'packed' },
  { says: 'an archive by COPY as it is', file: 'COPY a.tar /x/', files: { 'a.tar': 'ARCHIVE' }, run: 'ls /x', prints: 'a.tar' },
  { says: 'a stage', file: 'FROM tiny AS s\nRUN echo made > /m\nFROM tiny\nCOPY --from=s /m /x', run: 'cat /x', prints: 'made' },
  { says: 'a stage below', file: 'FROM tiny AS s\nRUN echo made > /m\nFROM s\nRUN cp /m /x', run: 'cat /x', prints: 'made' },
  { says: 'another image', file: 'FROM scratch\nCOPY --from=tiny / /', run: 'echo here', prints: 'here' },
  { says: 'the target alone', file: 'FROM tiny AS t\nRUN echo t > /x\nFROM tiny\nRUN false', query: { target: 't' }, run: 'cat /x', prints: 't' },
  { says: '--link', file: 'COPY --link a /x/y', files: { a: 'linked' }, run: 'cat /x/y', prints: 'linked' },
  { says: '--parents', file: 'COPY --parents d/s/b /x/', files: { 'd/s/b': 'B' }, run: 'cat /x/d/s/b', prints: 'B' },
  { says: '--exclude', file: 'COPY --exclude=*.md . /x/', files: { 'a.txt': 'a', 'c.md': 'c' }, run: 'ls /x', prints: list('Dockerfile', 'a.txt') },
  { says: 'WORKDIR is made', file: 'WORKDIR /a/b\nRUN echo here > f', run: 'pwd; cat f', prints: '/a/b\nhere' },
  { says: 'the environment of RUN', file: 'ARG A=1\nENV B=2\nRUN echo $A $B > /x', query: { buildargs: '{"A":"3"}' }, run: 'cat /x; echo ${A-none} $B', prints: '3 2\nnone 2' },
  { says: 'the user of RUN', file: 'USER user500\nRUN id -u > /tmp/x', run: 'cat /tmp/x; id -u', prints: '500\n500' },
  { says: 'a user that a step makes', file: 'RUN echo new:x:77:77::/:/bin/sh >> /etc/passwd\nUSER new', run: 'id -un', prints: 'new' },
  { says: 'removal of a file below', file: 'RUN rm /etc/os-release', run: 'ls /etc/os-release 2>/dev/null || echo gone', prints: 'gone' },
  { says: 'a directory in place of a file', file: 'RUN rm /not-executable && mkdir /not-executable && echo x > /not-executable/y', run: 'cat /not-executable/y', prints: 'x' },
  { says: 'a directory made anew shows nothing of the old one', file: 'RUN rm -r /home && mkdir -p /home/other', run: 'ls /home', prints: 'other' },
  { says: 'hard links', file: 'RUN echo x > /a && ln /a /b', run: 'stat -c %h /b', prints: '2' },
  { says: 'a script with an interpreter', file: 'RUN <<E\n#!/bin/sh\necho by $0 > /x\nE', run: 'cat /x', prints: 'by /dev/pipes/E' },
  { says: 'a script', file: 'RUN <<E\nset -e\necho 1 > /x\necho 2 >> /x\nE', run: 'cat /x', prints: '1\n2' },
  { says: 'another shell', file: 'SHELL ["/bin/busybox", "env", "BY=shell", "sh", "-c"]\nRUN echo $BY > /x', run: 'cat /x', prints: 'shell' },
  { says: 'a bind of the context', file: 'RUN --mount=target=/c cp /c/a /x', files: { a: 'bound\n' }, run: 'cat /x; ls -d /c 2>/dev/null || echo gone', prints: 'bound\ngone' },
  { says: 'a bind cannot be written', file: 'RUN --mount=target=/c touch /c/b 2>/dev/null || echo no > /x', run: 'cat /x', prints: 'no' },
  { says: 'a writable bind is thrown away', file: 'RUN --mount=target=/c,rw echo b > /c/b && cp /c/b /x\nCOPY . /all', run: 'cat /x; ls /all', prints: 'b\nDockerfile' },
  { says: 'a writable bind of a stage is thrown away', file: 'FROM tiny AS s\nRUN echo s > /s\nFROM tiny\nRUN --mount=from=s,target=/m,rw cat /m/s > /x && rm /m/s\nRUN --mount=from=s,target=/m cat /m/s >> /x', run: 'cat /x', prints: 's\ns' },
  { says: 'a tmpfs', file: 'RUN --mount=type=tmpfs,target=/t,size=1m echo x > /t/y && df -k /t | tail -1 | awk \'{print $2}\' > /x', run: 'cat /x; ls -d /t 2>/dev/null || echo gone', prints: '1024\ngone' },
  { says: 'mount points that were there stay', file: 'RUN mkdir -p /t && echo below > /t/f\nRUN --mount=type=tmpfs,target=/t ls /t > /x', run: 'cat /x /t/f', prints: 'below' },
  { says: 'what a step puts beside a mount stays', file: 'RUN --mount=type=tmpfs,target=/new/t echo x > /new/y', run: 'ls /new', prints: 'y' },
  { says: 'a secret that nobody gives', file: 'RUN --mount=type=secret,id=s ls /run/secrets 2>/dev/null | wc -l > /x', run: 'cat /x', prints: '0' },
  { says: 'no network', file: 'RUN --network=none ip -o link | wc -l > /x', run: 'cat /x', prints: '1' },
  { says: 'limits of the request', file: 'RUN ulimit -n > /x; df -k /dev/shm | tail -1 | awk \'{print $2}\' >> /x', query: { ulimits: '[{"Name":"nofile","Soft":77,"Hard":88}]', shmsize: String(2 << 20) }, run: 'cat /x', prints: '77\n2048' },
  { says: 'hosts of the request', file: 'RUN grep -w elsewhere /etc/hosts | cut -f1 > /x', query: { extrahosts: 'elsewhere:192.0.2.7' }, run: 'cat /x', prints: '192.0.2.7' },
  { says: 'files of the engine are no part of it', file: 'FROM scratch\nCOPY --from=tiny /bin /bin\nRUN ["/bin/busybox", "true"]\nRUN ["/bin/busybox", "sh", "-c", "echo x > /y"]', run: 'cat /y', prints: 'x' },
  { says: 'another name of the Dockerfile', file: 'RUN false', files: { 'd/My.Dockerfile': 'FROM tiny\nRUN echo mine > /x' }, query: { dockerfile: 'd/My.Dockerfile' }, run: 'cat /x', prints: 'mine' },
  { says: 'triggers', file: 'FROM tiny AS b\nONBUILD RUN echo triggered > /x\nFROM b', run: 'cat /x', prints: 'triggered' },
]

const refusals: [says: string, dockerfile: string, error: RegExp, options?: BuildOptions][] = [
  ['no Dockerfile', '', /^Cannot locate specified Dockerfile: other$/, { query: { dockerfile: 'other' } }],
  ['a path that leads out', '', /^Cannot locate specified Dockerfile: \.\.\/\.\.\/etc\/passwd$/, { query: { dockerfile: '../../etc/passwd' } }],
  ['an empty Dockerfile', '', /^the Dockerfile \(Dockerfile\) cannot be empty$/],
  ['an unknown instruction', 'FROM tiny\nFOO bar', /dockerfile parse error on line 2: unknown instruction: FOO/],
  ['an unknown target', 'FROM tiny AS a', /target stage "b" could not be found/, { query: { target: 'b' } }],
  ['a file that is not there', 'FROM tiny\nCOPY none /', /"\/none": not found/],
  ['a bad tag', 'FROM tiny', /invalid tag "UPPER": invalid reference format: repository name.*must be lowercase/, { query: { t: 'UPPER' } }],
  ['a platform that is none', 'FROM tiny', /invalid platform/, { query: { platform: 'a/b/c/d' } }],
  ['squash', 'FROM tiny', /^squash is only supported with experimental mode$/, { query: { squash: '1' } }],
  ['arguments that are no JSON', 'FROM tiny', /^error reading build args: /, { query: { buildargs: '{' } }],
  ['labels that are no JSON', 'FROM tiny', /^error reading labels: /, { query: { labels: '[1' } }],
  ['limits that are none', 'FROM tiny', /^error reading ulimit settings: /, { query: { ulimits: '[{"Name":1}]' } }],
  ['another version', 'FROM tiny', /^invalid version 3$/, { query: { version: '3' } }],
  ['a user that is not there', 'FROM tiny\nUSER nobody-here\nRUN true', /unable to find user nobody-here: no matching entries in passwd file/],
  ['a command that is not there', 'FROM tiny\nRUN ["/none"]', /\/none/],
  ['a bind that is not there', 'FROM tiny\nRUN --mount=target=/x,source=none true', /"\/none": not found/],
  ['a required secret', 'FROM tiny\nRUN --mount=type=secret,id=s,required true', /secret s: not found/],
]

void describe('builds without BuildKit', { concurrency: false, skip: engineUnderTest !== 'gantryd' && 'its builder is another' }, () => {
  let engine: Engine
  let docker: Client
  let clean: Footprint
  const run = async (image: string, command: string) => await docker.ok('run', '--rm', image, 'sh', '-c', command)

  onOneEngine(
    async (own) => {
      ;({ engine, docker } = own)
      clean = await takeFootprint(engine)
      await provideImages(docker, [tiny])
    },
    async () => {
      const steps = path.join(engine.execRoot, 'build/steps')
      assert.deepEqual(existsSync(steps) ? readdirSync(steps) : [], [])
      assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'build/contexts')), [])
      assert.equal((await engine.api({ path: '/system/df' })).text.includes('"InUse":true'), false)
      await assertNothingLeftOfContainers(engine, clean)
    },
  )

  for (const { says, file, run: command, prints, files, query } of cases) {
    void test(`an image has ${says}`, async () => {
      const packed = (await contextTar({ inside: 'packed' })).toString('latin1')
      const given = Object.fromEntries(Object.entries(files ?? {}).map(([name, content]) => [name, content === 'ARCHIVE' ? packed : content]))
      const { error, imageId } = await classicBuild(engine, /^FROM/m.test(file) ? file : `FROM tiny\n${file}`, { files: given, ...(query && { query }) })
      assert.equal(error, undefined)
      assert.equal(await run(imageId!, command), prints)
    })
  }

  for (const [says, dockerfile, error, options] of refusals) {
    void test(`${says} is refused`, async () => assert.match((await classicBuild(engine, dockerfile, options)).error ?? '', error))
  }

  void test('the stock client sees what it expects, and the second time it comes from the cache', async () => {
    const file = 'FROM tiny\nENV A=b\nRUN echo out; echo err >&2\nCMD ["true"]\n'
    const build = async () => await docker.dockerWith({ input: file, env: { DOCKER_BUILDKIT: '0' } }, 'build', '-t', 'seen:1', '-t', 'seen:2', '-')
    const first = await build()
    assert.equal(first.code, 0)
    const lines = first.stdout.replaceAll(/\b[0-9a-f]{12}\b/g, 'ID').split('\n').filter((line) => !line.startsWith('Sending'))
    assert.deepEqual(lines.slice(0, 3), ['Step 1/4 : FROM tiny', ' ---> ID', 'Step 2/4 : ENV A=b'])
    assert.deepEqual(lines.slice(4, 6), ['Step 3/4 : RUN echo out; echo err >&2', ' ---> Running in ID'])
    assert.deepEqual(lines.slice(6, 8).toSorted(), ['err', 'out'])
    assert.deepEqual(lines.slice(8), [' ---> Removed intermediate container ID', ' ---> ID', 'Step 4/4 : CMD ["true"]', ' ---> ID', 'Successfully built ID', 'Successfully tagged seen:1', 'Successfully tagged seen:2', ''])
    const id = await docker.ok('inspect', '-f', '{{.Id}}', 'seen:2')
    const second = await build()
    assert.match(second.stdout, /Step 3\/4 : RUN .*\n ---> Using cache\n/)
    assert.doesNotMatch(second.stdout, /Running in/)
    assert.equal(await docker.ok('inspect', '-f', '{{.Id}}', 'seen:1'), id)
    const keeping = await docker.dockerWith({ input: 'FROM tiny\nRUN echo keeping\n', env: { DOCKER_BUILDKIT: '0' } }, 'build', '--rm=false', '-')
    assert.match(keeping.stdout, /Running in/)
    assert.doesNotMatch(keeping.stdout, /Removed intermediate container/)
    const quiet = await docker.dockerWith({ input: file, env: { DOCKER_BUILDKIT: '0' } }, 'build', '-q', '-')
    assert.equal(quiet.stdout.trim(), id)
  })

  void test('a step that fails shows its output, its command and its exit status', async () => {
    const { stdout, stderr, code } = await docker.dockerWith({ input: 'FROM tiny\nRUN echo before; exit 7\nRUN true\n', env: { DOCKER_BUILDKIT: '0' } }, 'build', '-')
    assert.match(stdout, /Step 2\/3 : RUN echo before; exit 7\n ---> Running in [0-9a-f]{12}\nbefore\n$/)
    assert.match(stderr, /The command '\/bin\/sh -c echo before; exit 7' returned a non-zero code: 7/)
    assert.equal(code, 7)
  })

  void test('a change of one input makes what depends on it again, and nothing else', async () => {
    const file = 'FROM tiny\nRUN echo one\nCOPY a /a\nRUN echo two\nCOPY b /b\n'
    const cachedWith = async (a: string | [number, string], b: string, query: Record<string, string> = {}) => (await classicBuild(engine, file, { files: { a, b }, query })).cached
    assert.equal(await cachedWith('A', 'B'), 0)
    assert.equal(await cachedWith('A', 'B'), 4)
    assert.equal(await cachedWith('A', 'C'), 3)
    assert.equal(await cachedWith('B', 'C'), 1)
    assert.equal(await cachedWith([0o755, 'B'], 'C'), 1)
    assert.equal(await cachedWith('A', 'B'), 4)
    assert.equal(await cachedWith('A', 'B', { nocache: '1' }), 0)
    assert.equal((await classicBuild(engine, 'FROM tiny\nENV X=1\nRUN echo one\n')).cached, 0)
    assert.equal((await classicBuild(engine, 'FROM tiny\nLABEL x=1\nRUN echo one\n')).cached, 1)
    assert.equal((await classicBuild(engine, 'FROM tiny\nUSER user500\nRUN echo one\n')).cached, 0)
    assert.equal((await classicBuild(engine, 'FROM tiny\nRUN echo zero\nCOPY --link a /a\n', { files: { a: 'A' } })).cached, 0)
    assert.equal((await classicBuild(engine, 'FROM tiny\nRUN echo null\nCOPY --link a /a\n', { files: { a: 'A' } })).cached, 1)
  })

  void test('a cache mount stays from build to build and is no part of the image', async () => {
    const file = 'FROM tiny\nRUN --mount=type=cache,target=/c,id=kept echo WORD >> /c/f && cat /c/f'
    assert.match((await classicBuild(engine, file.replace('WORD', 'one'))).text, /\none\n ---> Removed/)
    const { text, imageId } = await classicBuild(engine, file.replace('WORD', 'two'))
    assert.match(text, /\none\ntwo\n ---> Removed/)
    assert.equal(await run(imageId!, 'ls -d /c 2>/dev/null || echo none'), 'none')
    const { text: usage } = await engine.api({ path: '/system/df' })
    const mount = (JSON.parse(usage) as { BuildCache: { Type: string; Description: string; Size: number }[] }).BuildCache.find(({ Type }) => Type === 'exec.cachemount')
    assert.deepEqual([mount?.Description, mount?.Size], ['cached mount kept', 8])
  })

  void test('stages are built at the same time', async () => {
    const { error, imageId } = await classicBuild(engine, `${meeting('one', 'two')}${meeting('two', 'one')}FROM tiny\nCOPY --from=one /one /\nCOPY --from=two /two /\n`)
    assert.equal(error, undefined)
    assert.equal(await run(imageId!, 'cat /one /two'), 'met\nmet')
  })

  void test('layers are what they say, and have nothing of the engine', async () => {
    const { imageId } = await classicBuild(engine, 'FROM scratch\nCOPY --from=tiny /bin /bin\nRUN ["/bin/busybox", "sh", "-c", "echo x > /y"]\nWORKDIR /w')
    const archive = path.join(engine.directory, 'layers.tar')
    await docker.ok('save', '-o', archive, imageId!)
    const [{ Layers: layers = [] } = {}] = JSON.parse(await must(['tar', '-xOf', archive, 'manifest.json'])) as { Layers?: string[] }[]
    const sums = await Promise.all(layers.map(async (layer) => `sha256:${(await must(['sh', '-c', `tar -xOf ${archive} ${layer} | sha256sum`])).slice(0, 64)}`))
    assert.deepEqual(sums, JSON.parse(await docker.ok('inspect', '-f', '{{json .RootFS.Layers}}', imageId!)))
    assert.deepEqual(await members(archive, layers[1]!), ['y'])
    assert.deepEqual(await members(archive, layers[2]!), ['w/'])
    await docker.ok('rmi', '-f', imageId!)
    await docker.ok('load', '-i', archive)
    assert.equal(await docker.ok('run', '--rm', imageId!, '/bin/busybox', 'cat', '/y'), 'x')
  })

  void test('contexts may be compressed', async () => {
    const tar = await contextTar({ Dockerfile: 'FROM tiny\nCOPY a /a', a: 'compressed' })
    for (const body of [gzipSync(tar), zstdCompressSync(tar)]) assert.equal(await run((await postBuild(engine, body)).imageId!, 'cat /a'), 'compressed')
    const broken = await postBuild(engine, Buffer.from('this is no archive'.repeat(100)))
    assert.deepEqual([broken.status, broken.error?.startsWith('Error processing tar file')], [400, true])
  })

  void test('a base image is pulled when it is missing, and looked for again when asked', async () => {
    const registry = await startRegistry(engine, { address: '127.0.0.1:5000' })
    const base = '127.0.0.1:5000/base:1'
    const push = async (word: string) => {
      await docker.ok('tag', (await classicBuild(engine, `FROM tiny\nRUN echo ${word} > /word\n`)).imageId!, base)
      await docker.ok('push', base)
      await docker.ok('rmi', base)
    }
    const word = async (query: Record<string, string> = {}) => await run((await classicBuild(engine, `FROM ${base}\nRUN cp /word /copy\n`, { query })).imageId!, 'cat /copy')
    try {
      await push('one')
      assert.equal(await word(), 'one')
      await docker.ok('tag', base, 'kept')
      await push('two')
      await docker.ok('tag', 'kept', base)
      assert.equal(await word(), 'one')
      assert.equal(await word({ pull: '1' }), 'two')
      assert.match((await classicBuild(engine, 'FROM 127.0.0.1:5000/none:1\n')).error ?? '', /failed to resolve source metadata for 127.0.0.1:5000\/none:1: .*manifest/)
    } finally {
      await registry.stop()
    }
  })

  void test('an image that carries its steps is a cache for another engine', async () => {
    const file = 'FROM tiny\nRUN date +%s%N > /once\nCOPY a /a\n'
    const options = { files: { a: 'x' }, query: { t: 'carrier', buildargs: '{"BUILDKIT_INLINE_CACHE":"1"}' } }
    const { imageId } = await classicBuild(engine, file, options)
    await docker.ok('save', '-o', path.join(engine.directory, 'carrier.tar'), 'carrier')
    await docker.ok('rmi', 'carrier')
    await engine.api({ method: 'POST', path: '/build/prune?all=1' })
    await docker.ok('load', '-i', path.join(engine.directory, 'carrier.tar'))
    assert.equal((await classicBuild(engine, file, { ...options, query: { ...options.query, cachefrom: '["missing","tiny"]' } })).cached, 0)
    await engine.api({ method: 'POST', path: '/build/prune?all=1' })
    const again = await classicBuild(engine, file, { ...options, query: { ...options.query, t: 'again', cachefrom: JSON.stringify([imageId]) } })
    assert.deepEqual([again.error, again.cached, again.imageId], [undefined, 2, imageId])
  })

  void test('a Dockerfile may make its warnings errors', async () => {
    assert.match((await classicBuild(engine, '# check=error=true\nFROM tiny as lower\n')).error ?? '', /lint violation found for rules: FromAsCasing/)
    assert.equal((await classicBuild(engine, '# check=error=true;skip=FromAsCasing\nFROM tiny as lower\n')).error, undefined)
  })

  void test('a context may come from a URL: an archive, a Dockerfile, a repository', async () => {
    const served = path.join(engine.directory, 'served')
    mkdirSync(path.join(served, 'repository/sub'), { recursive: true })
    writeFileSync(path.join(served, 'context.tar.gz'), gzipSync(await contextTar({ Dockerfile: 'FROM tiny\nCOPY a /a\n', a: 'by URL' })))
    writeFileSync(path.join(served, 'Other'), 'FROM tiny\nRUN echo alone > /a\n')
    writeFileSync(path.join(served, 'repository/sub/Dockerfile'), 'FROM tiny\nCOPY a /a\n')
    writeFileSync(path.join(served, 'repository/sub/a'), 'by git')
    const git = async (...args: string[]) => await must(['git', '-C', path.join(served, 'repository'), '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args])
    await git('init', '-q', '-b', 'main')
    await git('add', '.')
    await git('commit', '-q', '-m', 'first')
    await must(['git', 'clone', '-q', '--bare', path.join(served, 'repository'), path.join(served, 'r.git')])
    await must(['git', '-C', path.join(served, 'r.git'), 'update-server-info'])
    const [program, ...args] = [...engine.host.enter, '/bin/busybox', 'httpd', '-f', '-p', '127.0.0.1:8099', '-h', served]
    const server = spawn(program!, args, { stdio: 'ignore' })
    try {
      await eventually(async () => await engine.host.must(['curl', '-sf', '-o', '/dev/null', 'http://127.0.0.1:8099/Other']))
      for (const [remote, expected] of [['context.tar.gz', 'by URL'], ['Other', 'alone'], ['r.git#main:sub', 'by git']] as const) {
        const { error, imageId } = await postBuild(engine, Buffer.alloc(0), { remote: `http://127.0.0.1:8099/${remote}` })
        assert.equal(error, undefined)
        assert.equal(await run(imageId!, 'cat /a'), expected)
      }
      assert.match((await postBuild(engine, Buffer.alloc(0), { remote: 'http://127.0.0.1:8099/none' })).error ?? '', /^failed to GET http:\/\/127.0.0.1:8099\/none: invalid response status 404/)
      assert.match((await postBuild(engine, Buffer.alloc(0), { remote: '/etc' })).error ?? '', /^remoteURL \(\/etc\) could not be recognized as URL$/)
    } finally {
      server.kill()
    }
  })

  void test('the cache outlives the images and the engine, and is cut when asked', async () => {
    const file = 'FROM tiny\nRUN head -c 100000 /dev/zero > /big\n'
    const { imageId } = await classicBuild(engine, file)
    await docker.ok('rmi', imageId!)
    await engine.stop()
    await engine.start()
    const again = await classicBuild(engine, file)
    assert.deepEqual([again.cached, again.imageId], [1, imageId])
    await docker.ok('rmi', imageId!)
    const pruned = JSON.parse((await engine.api({ method: 'POST', path: '/build/prune?all=1' })).text) as { CachesDeleted: string[]; SpaceReclaimed: number }
    assert.ok(pruned.CachesDeleted.length > 0 && pruned.SpaceReclaimed >= 100_000)
    assert.equal((JSON.parse((await engine.api({ path: '/system/df' })).text) as { BuildCache: unknown[] }).BuildCache.length, 0)
    assert.equal((await classicBuild(engine, file)).cached, 0)
    assert.match(await docker.ok('builder', 'prune', '-af'), /Total reclaimed space: /)
    await classicBuild(engine, file)
    const gantry = makeClient('gantry', engine)
    assert.match(await gantry.ok('builder', 'du'), /CACHE ID[^]*regular[^]*Total:\t+100kB/)
    assert.match(await gantry.ok('builder', 'prune', '--all', '--force', '--filter', 'type=regular'), /^Deleted build cache objects:\n[a-z0-9]{25}\n[^]*Total reclaimed space: /)
    assert.match((await gantry.docker('builder', 'prune', '-f', '--keep-storage', 'much')).stderr, /invalid size: 'much'/)
  })

  void test('the cache keeps no more than it is told, the least used going first', async () => {
    for (const word of ['a', 'b', 'c']) await docker.ok('rmi', (await classicBuild(engine, `FROM tiny\nRUN head -c 100000 /dev/zero > /${word}\n`)).imageId!)
    await engine.api({ method: 'POST', path: '/build/prune?all=1&keep-storage=250000' })
    assert.equal((await classicBuild(engine, 'FROM tiny\nRUN head -c 100000 /dev/zero > /c\n')).cached, 1)
    assert.equal((await classicBuild(engine, 'FROM tiny\nRUN head -c 100000 /dev/zero > /a\n')).cached, 0)
    const bad = await engine.api({ method: 'POST', path: `/build/prune?filters=${encodeURIComponent('{"foo":["bar"]}')}` })
    assert.deepEqual([bad.status, JSON.parse(bad.text)], [400, { message: "invalid filter 'foo'" }])
  })

  void test('a client that leaves ends its build, and so does a cancel', async () => {
    const file = 'FROM tiny\nRUN --mount=type=cache,target=/c,id=leaving touch /c/begun; sleep 300\n'
    const begun = path.join(engine.dataRoot, 'build/cache-mounts')
    const isBegun = async () => await must(['sh', '-c', `until ls ${begun}/*/begun >/dev/null 2>&1; do sleep 0.05; done; rm ${begun}/*/begun`])
    const body = await contextTar({ Dockerfile: file })
    const leaver = spawn('curl', ['-sN', '--unix-socket', engine.socket, '-X', 'POST', '-H', 'Content-Type: application/x-tar', '--data-binary', '@-', 'http://x/build'], { stdio: ['pipe', 'ignore', 'ignore'] })
    leaver.stdin.end(body)
    await isBegun()
    leaver.kill('SIGKILL')
    await once(leaver, 'exit')
    const cancelled = postBuild(engine, body, { buildid: 'mine' })
    await isBegun()
    await engine.api({ method: 'POST', path: '/build/cancel?id=mine' })
    assert.match((await cancelled).error ?? '', /context canceled/)
  })
})

void describe('builds on a driver of whole trees', { concurrency: false, skip: engineUnderTest !== 'gantryd' && 'its builder is another' }, () => {
  void test('layers and cache are the same as elsewhere', async () => {
    const engine = await startEngine({ kind: 'gantryd', flags: ['--storage-driver', 'vfs'] })
    try {
      const docker = makeClient('docker', engine)
      await provideImages(docker, [tiny])
      const file = 'FROM tiny AS s\nRUN rm /not-executable; echo made > /m; mkdir /d\nFROM tiny\nCOPY --from=s /m /x/\nCOPY --link a /y\nRUN --mount=type=tmpfs,target=/t --mount=from=s,target=/s,rw cat /x/m /s/m > /both && touch /s/t\n'
      const first = await classicBuild(engine, file, { files: { a: 'linked\n' } })
      assert.equal(first.error, undefined)
      assert.equal(await docker.ok('run', '--rm', first.imageId!, 'sh', '-c', 'cat /both /y; ls -d /t /s 2>/dev/null | wc -l'), 'made\nmade\nlinked\n0')
      const second = await classicBuild(engine, file, { files: { a: 'linked\n' } })
      assert.deepEqual([second.cached, second.imageId], [4, first.imageId])
      await docker.ok('rmi', '-f', first.imageId!)
      await engine.api({ method: 'POST', path: '/build/prune?all=1' })
      await engine.stop()
      assert.deepEqual([readdirSync(path.join(engine.dataRoot, 'vfs/layers')).length, readdirSync(path.join(engine.dataRoot, 'vfs/containers')).length], [1, 0])
      await assertNothingLeftOfEngine(engine)
    } finally {
      await engine.remove()
    }
  })
})

async function members(archive: string, layer: string): Promise<string[]> {
  return (await must(['sh', '-c', `tar -xOf ${archive} ${layer} | tar -t`])).split('\n').filter((name) => name !== '')
}

/** A stage that ends when another has begun. */
function meeting(own: string, other: string): string {
  return `FROM tiny AS ${own}\nRUN --mount=type=cache,target=/c,id=meeting touch /c/${own}; until [ -e /c/${other} ]; do sleep 0.05; done; echo met > /${own}\n`
}

const etc = engineUnderTest === 'gantryd' ? await makePrivateEtc() : undefined
after(() => etc?.close())

void describe('builds with remapped users', { concurrency: false, skip: etc === undefined && 'its builder is another' }, () => {
  void test('steps are root of their own user namespace, and layers have the owners that they see', async () => {
    const engine = await startEngine({ kind: 'gantryd', flags: ['--userns-remap', 'default'], enter: etc!.enter })
    try {
      const docker = makeClient('docker', engine)
      await provideImages(docker, [tiny])
      const file = 'FROM tiny\nCOPY --chown=500:600 a /a\nRUN awk \'{print ($1 == 0 && $2 != 0)}\' /proc/self/uid_map > /map; id -u >> /map; mkdir /d; chown user500 /d\nRUN --mount=type=cache,target=/c,mode=0777 touch /c/x; stat -c %u /a /d /c/x > /owners\n'
      const { error, imageId } = await classicBuild(engine, file, { files: { a: 'x' } })
      assert.equal(error, undefined)
      assert.equal(await docker.ok('run', '--rm', imageId!, 'sh', '-c', 'cat /map /owners; stat -c %u:%g /a /d /map'), '1\n0\n500\n500\n0\n500:600\n500:0\n0:0')
      await engine.stop()
      await assertNothingLeftOfEngine(engine)
    } finally {
      await engine.remove()
    }
  })
})
