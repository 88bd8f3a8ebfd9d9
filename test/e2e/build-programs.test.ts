import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { EngineBuild, EngineBuilt } from './harness/build-request.ts'
import { classicBuild } from './harness/classic-build.ts'
import type { Client } from './harness/client.ts'
import type { Engine } from './harness/engine.ts'
import { provideImages, tiny } from './harness/image.ts'
import { mountsOf } from './harness/private-directory.ts'
import { must } from './harness/run.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

const helper = path.join(import.meta.dirname, 'harness/build-request.ts')

void describe('builds of real things', { concurrency: false, skip: engineUnderTest !== 'gantryd' && 'its builder is another' }, () => {
  let engine: Engine
  let docker: Client

  onOneEngine(async (own) => {
    ;({ engine, docker } = own)
    await provideImages(docker, [tiny])
  })

  /** With the daemon away. */
  const buildByEngine = async (request: Omit<EngineBuild, 'flags'>): Promise<EngineBuilt> => {
    await engine.stop()
    try {
      const flags = { 'data-root': engine.dataRoot, 'exec-root': engine.execRoot }
      const [program, ...args] = [...engine.host.enter, process.execPath, '--disable-warning=ExperimentalWarning', helper]
      const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdin.end(JSON.stringify({ ...request, flags }))
      return JSON.parse(await text(child.stdout)) as EngineBuilt
    } finally {
      await engine.start()
    }
  }

  void test('a C program is compiled in one stage, linked in another, and stands alone in the last', { skip: !existsSync('/usr/bin/gcc') && 'this host has no compiler' }, async () => {
    await docker.ok('import', '-c', 'ENV PATH=/usr/bin:/bin', await compilerArchive(engine.directory), 'gcc')
    const files = {
      'main.c': '#include <stdio.h>\n#include "word.h"\nint main(void) { printf("hello %s\\n", word()); return 0; }\n',
      'word.c': '#include "word.h"\nconst char *word(void) { return "world"; }\n',
      'word.h': 'const char *word(void);\n',
    }
    const file = `# syntax=docker/dockerfile:1
FROM gcc AS compile
WORKDIR /src
COPY *.h ./
COPY word.c ./
RUN gcc -c word.c
COPY main.c ./
RUN gcc -c main.c
FROM gcc AS link
COPY --from=compile /src/*.o /o/
RUN gcc -static -s -o /hello /o/main.o /o/word.o
FROM scratch
COPY --from=link /hello /hello
ENTRYPOINT ["/hello"]
`
    const first = await classicBuild(engine, file, { files, query: { t: 'hello' } })
    assert.equal(first.error, undefined)
    assert.equal(await docker.ok('run', '--rm', 'hello'), 'hello world')
    assert.equal(JSON.parse(await docker.ok('inspect', '-f', '{{json .RootFS.Layers}}', 'hello')).length, 1)
    const second = await classicBuild(engine, file, { files: { ...files, 'main.c': files['main.c'].replace('hello', 'goodbye') }, query: { t: 'hello' } })
    assert.equal(second.cached, 4)
    assert.equal(await docker.ok('run', '--rm', 'hello'), 'goodbye world')
    const comment = await classicBuild(engine, file, { files: { ...files, 'main.c': `${files['main.c'].replace('hello', 'goodbye')}/* nothing */\n` } })
    assert.equal(comment.imageId, second.imageId, 'the same object files make the same image')
  })

  void test('a secret is in no layer, configuration, history, record or log', async () => {
    const secret = `s3cret-${randomBytes(8).toString('hex')}`
    const built = await buildByEngine({
      dockerfile: `FROM tiny
RUN --mount=type=secret,id=key,target=/root/key,mode=0440,uid=500,gid=600 --mount=type=secret,id=key,env=KEY stat -c %a:%u:%g /root/key; stat -f -c %T /root/key; [ "$(cat /root/key)" = "$KEY" ] && wc -c < /root/key
RUN --mount=type=secret,id=key cut -c 1-7 /run/secrets/key; ls -la /root /run 2>/dev/null | grep -c key || true
`,
      secrets: { key: secret },
      exports: [{ type: 'image', attributes: { name: 'secretive' } }],
    })
    assert.equal(built.error, undefined)
    assert.deepEqual(built.log.trim().split('\n'), ['440:500:600', 'tmpfs', String(secret.length), 's3cret-', '0'])
    assert.equal(await docker.ok('run', '--rm', 'secretive', 'sh', '-c', 'env; ls -d /root/key /run/secrets 2>/dev/null || echo none').then((out) => out.split('\n').at(-1)), 'none')
    const found = await must(['sh', '-c', `grep -rlF -- '${secret}' '${engine.dataRoot}' '${engine.execRoot}' || true`])
    assert.equal(found, '')
    await docker.ok('save', '-o', path.join(engine.directory, 'secretive.tar'), 'secretive')
    assert.equal(readFileSync(path.join(engine.directory, 'secretive.tar')).includes(secret), false)
    assert.equal(engine.log().includes(secret), false)
  })

  void test('a step has the socket of an ssh agent, which is its user\'s', async () => {
    const { log, error } = await buildByEngine({ dockerfile: 'FROM tiny\nUSER user500\nRUN --mount=type=ssh,uid=500,required stat -c %F:%a:%u "$SSH_AUTH_SOCK"\nRUN --mount=type=ssh,target=/a/b echo "$SSH_AUTH_SOCK"; [ -S /a/b ] && echo there\n', ssh: { default: path.join(engine.directory, 'agent') } })
    assert.equal(error, undefined)
    assert.deepEqual(log.trim().split('\n'), ['socket:600:500', '/a/b', 'there'])
    assert.match((await buildByEngine({ dockerfile: 'FROM tiny\nRUN --mount=type=ssh,required true\n' })).error ?? '', /unset ssh forward key default/)
  })

  void test('SOURCE_DATE_EPOCH makes the same image of the same steps at any time', async () => {
    const epoch = 1_600_000_000
    const request = { dockerfile: 'FROM scratch\nCOPY --from=tiny /bin /bin\nRUN ["/bin/busybox", "sh", "-c", "date > /dev/null; echo x > /y; mkdir /d; ln -s y /l"]\nWORKDIR /w\n', sourceDateEpoch: epoch, noCache: true, exports: [{ type: 'image' as const, attributes: { name: 'dated' } }] }
    const first = await buildByEngine(request)
    assert.equal(first.error, undefined)
    assert.equal(await docker.ok('run', '--rm', 'dated', '/bin/busybox', 'stat', '-c', '%Y', '/y', '/d'), `${epoch}\n${epoch}`)
    assert.equal((await buildByEngine(request)).imageId, first.imageId)
    assert.equal(await docker.ok('inspect', '-f', '{{.Created}}', 'dated'), '2020-09-13T12:26:40Z')
  })

  const at = (name: string): string => path.join(engine.directory, name)

  void test('archives, trees and directories are exported', async () => {
    const exports: EngineBuild['exports'] = [
      { type: 'docker', attributes: { name: 'archived:1' }, to: at('docker.tar') },
      { type: 'oci', attributes: { name: 'archived:2' }, to: at('oci.tar') },
      { type: 'tar', to: at('tree.tar') },
      { type: 'local', to: at('local.tar') },
    ]
    const { error, imageId } = await buildByEngine({ dockerfile: 'FROM tiny AS s\nRUN echo exported > /x\nFROM scratch\nCOPY --from=s /x /d/x\nCMD ["/none"]\n', exports })
    assert.deepEqual([error, imageId], [undefined, undefined])
    assert.doesNotMatch(await docker.ok('images', '-a'), /archived/)
    assert.match(await docker.ok('load', '-i', at('docker.tar')), /Loaded image: archived:1/)
    assert.match(await docker.ok('load', '-i', at('oci.tar')), /Loaded image: archived:2/)
    assert.equal(await must(['skopeo', 'inspect', '--format', '{{.Architecture}}', `oci-archive:${at('oci.tar')}`]), 'amd64')
    for (const name of ['tree.tar', 'local.tar']) assert.deepEqual((await must(['tar', '-tf', at(name)])).split('\n'), ['d/', 'd/x'])
    assert.equal(await must(['tar', '-xOf', at('tree.tar'), 'd/x']), 'exported')
  })

  void test('steps with more rights have them only when the request grants them', async () => {
    const dockerfile = 'FROM tiny\nRUN --security=insecure grep CapEff /proc/self/status\nRUN grep CapEff /proc/self/status\n'
    assert.match((await buildByEngine({ dockerfile })).error ?? '', /security\.insecure is not allowed/)
    const { log } = await buildByEngine({ dockerfile, entitlements: ['security.insecure'] })
    const [insecure = '', usual = ''] = log.match(/[0-9a-f]{16}/g) ?? []
    assert.equal(usual, '00000000a80425fb')
    assert.ok(BigInt(`0x${insecure}`) > BigInt(`0x${usual}`))
    assert.deepEqual(mountsOf(engine.directory), [])
  })
})

/** The host's compiler and what it needs to make static programs of C. */
async function compilerArchive(directory: string): Promise<string> {
  const programs = ['/usr/bin/gcc', '/bin/sh', ...['cc1', 'collect2', 'as', 'ld'].map((name) => ask(`-print-prog-name=${name}`)).map((file) => (file.startsWith('/') ? file : `/usr/bin/${file}`))]
  const parts = ['crt1.o', 'crti.o', 'crtn.o', 'crtbeginT.o', 'crtend.o', 'libc.a', 'libgcc.a', 'libgcc_eh.a', 'liblto_plugin.so'].map((name) => ask(`-print-file-name=${name}`))
  const libraries = [...programs, ...parts.filter((file) => file.endsWith('.so'))].flatMap((file) => execFileSync('ldd', [file]).toString().match(/\/\S+(?= \()/g) ?? [])
  const headers = execFileSync('gcc', ['-M', '-xc', '-include', 'stdio.h', '-'], { input: '' }).toString().match(/\/usr\S+\.h/g) ?? []
  const root = path.join(directory, 'gcc-root')
  for (const name of ['bin', 'lib', 'lib64']) {
    mkdirSync(path.join(root, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, path.join(root, name))
  }
  for (const file of new Set([...programs, ...parts, ...libraries, ...headers].map((name) => path.resolve(name)))) {
    const target = path.join(root, file)
    mkdirSync(path.dirname(target), { recursive: true })
    copyFileSync(file, target)
  }
  mkdirSync(path.join(root, 'tmp'))
  const archive = path.join(directory, 'gcc.tar')
  await must(['tar', '-C', root, '-cf', archive, '.'])
  return archive
}

function ask(question: string): string {
  return execFileSync('gcc', [question]).toString().trim()
}
