import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfContainers, assertNothingLeftOfEngine, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { findOldDocker } from './harness/program.ts'
import { run } from './harness/run.ts'

/** A client of before the buildx plugin: it builds by POST /build?version=2 and an open session. */
const oldDocker = findOldDocker() ?? ''
const withoutOldDocker = { skip: oldDocker === '' && 'there is no docker client of version 20' }

void describe('builds over the border of BuildKit', { concurrency: false }, () => {
  let engine: Engine
  let gantry: Client
  let clean: Footprint

  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    gantry = makeClient('gantry', engine)
    await provideImages(gantry, [tiny])
    clean = await takeFootprint(engine)
  })
  after(async () => {
    await assertNothingLeftOfContainers(engine, clean)
    await engine.shutDown()
    await assertNothingLeftOfEngine(engine)
    await engine.remove()
  })

  /** A new directory with these files. */
  function context(name: string, files: Record<string, string>): string {
    const directory = path.join(engine.directory, name)
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
      writeFileSync(path.join(directory, file), text)
    }
    return directory
  }

  /** What the client printed, for a build that has to succeed. */
  async function built(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await gantry.docker('build', '--progress=plain', ...args)
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '')
    return stderr
  }

  void test('the second build takes everything from the cache and gives the same image', async () => {
    const directory = context('user', { Dockerfile: `FROM ${tiny}\nRUN echo myuser:x:700:700::/:/bin/sh >> /etc/passwd\nCOPY a /a\nUSER 700:700\nCMD ["id","-un"]\n`, a: 'A' })
    const first = await built('-t', 'user-test', directory)
    assert.match(first, /#\d+ \[2\/3\] RUN echo myuser.*\n#\d+ DONE \d\.\ds/)
    assert.match(first, /naming to docker\.io\/library\/user-test/)
    assert.equal(await gantry.ok('run', '--rm', 'user-test'), 'myuser')
    const id = await gantry.ok('inspect', '-f', '{{.Id}}', 'user-test')
    const second = await built('-t', 'user-test', directory)
    assert.match(second, /\[2\/3\] RUN echo myuser.*\n#\d+ CACHED/)
    assert.match(second, /\[3\/3\] COPY a \/a\n#\d+ CACHED/)
    assert.equal(await gantry.ok('inspect', '-f', '{{.Id}}', 'user-test'), id)
    assert.equal(await gantry.ok('build', '-q', directory), id)
  })

  void test('of a context that has changed a little only that is sent', async () => {
    const directory = context('sent', { Dockerfile: `FROM ${tiny}\nCOPY . /c\n`, big: 'x'.repeat(3_000_000), small: '1' })
    assert.match(sent(await built('-t', 'sent', directory)), /^3\.\d\dMB$/)
    writeFileSync(path.join(directory, 'small'), '22')
    assert.match(sent(await built('-t', 'sent', directory)), /^\d+B$/)
    assert.equal(await gantry.ok('run', '--rm', 'sent', 'cat', '/c/small'), '22')
    assert.equal(await gantry.ok('run', '--rm', 'sent', 'wc', '-c', '/c/big'), '3000000 /c/big')
  })

  void test('a failed step is shown with its output, its code and the lines of the Dockerfile', async () => {
    const { code, stderr } = await gantry.dockerWith({ input: `FROM ${tiny}\nRUN echo out; \\\n  echo err >&2; exit 7\n` }, 'build', '--progress=plain', '-')
    assert.equal(code, 1)
    assert.match(stderr, /------\n > \[2\/2\] RUN echo out;.*:\n\d\.\d+ out\n\d\.\d+ err\n------\nDockerfile:2\n-+\n {3}1 \| {5}FROM tiny\n {3}2 \| >>> RUN echo out; \\\n {3}3 \| >>> {3}echo err >&2; exit 7\n/)
    assert.match(stderr, /ERROR: failed to solve: process "\/bin\/sh -c echo out; .*" did not complete successfully: exit code: 7\n$/)
    const bad = await gantry.dockerWith({ input: `FROM ${tiny}\nRUNN x\n` }, 'build', '--progress=plain', '-')
    assert.match(bad.stderr, />>> RUNN x\n[^]*ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN/)
  })

  void test('a secret and an agent are there for the step and in nothing that is left', async () => {
    const directory = context('secret', { Dockerfile: `FROM ${tiny}\nRUN --mount=type=secret,id=key --mount=type=ssh test -S "$SSH_AUTH_SOCK" && wc -c < /run/secrets/key > /length\n`, 'key.txt': 'very-s3cret-word' })
    const socket = path.join(engine.directory, 'agent')
    const agent = createServer((connection) => connection.end()).listen(socket)
    try {
      const log = await built('-t', 'secret', '--secret', `id=key,src=${directory}/key.txt`, '--ssh', `default=${socket}`, directory)
      assert.doesNotMatch(log, /very-s3cret-word/)
    } finally {
      agent.close()
    }
    assert.equal(await gantry.ok('run', '--rm', 'secret', 'cat', '/length'), '16')
    assert.doesNotMatch((await gantry.ok('history', '--no-trunc', 'secret')) + (await gantry.ok('inspect', 'secret')), /very-s3cret-word/)
    // Inspection, history, events, what builds were told, and what is said of an image.
    await built('-t', 'secret', '--no-cache', '--provenance=mode=max', '--sbom=true', '--ssh', `default=${socket}`, '--secret', `id=key,src=${directory}/key.txt`, directory).catch(() => undefined)
    const records = [...(await gantry.ok('builder', 'history', 'ls')).matchAll(/^([a-z0-9]{20,})/gm)].map(([, id]) => id!)
    assert.ok(records.length > 0)
    const told = await Promise.all([...records.flatMap((id) => [gantry.docker('builder', 'history', 'inspect', id), gantry.docker('builder', 'history', 'logs', id)]), gantry.docker('events', '--since', '0', '--until', '1s'), gantry.docker('builder', 'du', '--verbose'), gantry.docker('system', 'df', '-v')])
    const answers = await Promise.all(['/images/json', '/images/secret/json?manifests=1', '/images/secret/history', '/events?since=0&until=1', '/system/df', '/info'].map((asked) => engine.api({ path: asked })))
    assert.doesNotMatch(told.map(({ stdout, stderr }) => stdout + stderr).join('') + answers.map(({ text }) => text).join('') + engine.log(), /very-s3cret-word/)
    const found = await run(['grep', '-rla', 'very-s3cret-word', engine.dataRoot, engine.execRoot])
    assert.equal(found.stdout, '', 'no file of the engine has it')
    const without = await gantry.docker('build', '--progress=plain', '--no-cache', directory)
    assert.notEqual(without.code, 0)
  })

  void test('results go to a directory, a tar and an archive', async () => {
    const directory = context('out', { Dockerfile: `FROM scratch\nCOPY a b /d/\n`, a: 'A', b: 'B' })
    const out = path.join(engine.directory, 'made')
    await built('-o', out, directory)
    assert.deepEqual([readdirSync(path.join(out, 'd')), readFileSync(path.join(out, 'd/a'), 'utf8')], [['a', 'b'], 'A'])
    const tar = path.join(engine.directory, 'made.tar')
    await built('-o', `type=tar,dest=${tar}`, directory)
    assert.match(execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }), /d\/a\n(\.\/)?d\/b\n/)
    const archive = path.join(engine.directory, 'image.tar')
    await built('-t', 'archived:1', '-o', `type=docker,dest=${archive}`, directory)
    assert.match(await gantry.ok('load', '-i', archive), /Loaded image: archived:1/)
    const facts = path.join(engine.directory, 'facts.json')
    const idFile = path.join(engine.directory, 'id')
    await built('-t', 'facts', '--metadata-file', facts, '--iidfile', idFile, directory)
    const id = await gantry.ok('inspect', '-f', '{{.Id}}', 'facts')
    assert.equal(readFileSync(idFile, 'utf8'), id)
    assert.equal((JSON.parse(readFileSync(facts, 'utf8')) as Record<string, string>)['containerimage.config.digest'], id)
  })

  void test('contexts come by standard input, and by other names', async () => {
    const directory = context('named', { Dockerfile: `FROM ${tiny}\nCOPY --from=more m /m\nCOPY a /a\n`, a: 'A' })
    const more = context('more', { m: 'M' })
    await built('-t', 'named', '--build-context', `more=${more}`, directory)
    assert.equal(await gantry.ok('run', '--rm', 'named', 'cat', '/m', '/a'), 'MA')
    // A context of another name has a .dockerignore of its own; times are exact, and owners those of who works there.
    const ignoring = context('ignoring', { '.dockerignore': 'no', no: '1', yes: '2' })
    execFileSync('touch', ['-d', '@1000000000.123456789', path.join(ignoring, 'yes')])
    const corner = context('corner', { Dockerfile: `FROM ${tiny}\nCOPY --from=other . /o/\nUSER user500\nWORKDIR /w/x\nARG A=1 B=$A\nARG A\nRUN echo "$A-$B" > made\n` })
    await built('-t', 'corner', '--build-context', `other=${ignoring}`, corner)
    assert.equal(await gantry.ok('run', '--rm', 'corner', 'sh', '-c', 'ls -A /o; stat -c %y /o/yes; stat -c %u:%g /w /w/x /w/x/made; cat /w/x/made'), '.dockerignore\nyes\n2001-09-09 01:46:40.123456789 +0000\n500:500\n500:500\n500:500\n1-')
    const tar = execFileSync('tar', ['-C', directory, '-cz', '.'])
    const piped = await gantry.dockerWith({ input: tar }, 'build', '-t', 'piped', '--build-context', `more=${more}`, '-')
    assert.equal(piped.code, 0, piped.stderr)
    assert.equal(await gantry.ok('run', '--rm', 'piped', 'cat', '/a'), 'A')
    const file = await gantry.dockerWith({ input: `FROM ${tiny}\nCOPY a /other\n` }, 'build', '-t', 'file', '-f', '-', directory)
    assert.equal(file.code, 0, file.stderr)
    assert.equal(await gantry.ok('run', '--rm', 'file', 'cat', '/other'), 'A')
  })

  void test('a Dockerfile can be asked for its targets', async () => {
    const { stdout } = await gantry.dockerWith({ input: `# base is for all\nFROM ${tiny} AS base\nFROM base AS app\n` }, 'build', '--call', 'targets', '-')
    assert.match(stdout, /^TARGET +DESCRIPTION\nbase +is for all\napp \(default\)/)
  })

  void test('when the client is killed the step ends and leaves nothing', async () => {
    const child = spawn(gantry.program, ['build', '--progress=plain', '-'], { env: gantry.env, stdio: ['pipe', 'ignore', 'pipe'] })
    child.stdin.end(`FROM ${tiny}\nRUN echo begun; exec sleep 4321\n`)
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
    await eventually(() => assert.match(log, /RUN echo begun/))
    await eventually(() => assert.ok(running(), 'it runs'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    await eventually(() => assert.ok(!running(), 'it has ended'))
    await assertNothingLeftOfContainers(engine, clean)
  })

  void test('the cache is listed and pruned', async () => {
    assert.match(await gantry.ok('builder', 'du'), /Total:\s+\d/)
    await gantry.ok('builder', 'prune', '-af')
    assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'build/client-contexts')), [])
    const log = await built(path.join(engine.directory, 'user'))
    assert.doesNotMatch(log, /\[2\/3\] RUN echo myuser.*\n#\d+ CACHED/)
  })

  void test('a client of before the plugin builds from a directory, from a stream and into a directory', withoutOldDocker, async () => {
    const directory = context('old', { Dockerfile: `FROM ${tiny}\nARG A\nRUN echo $A > /x\nCOPY a /a\n`, a: 'A' })
    const old = (options: { input?: Buffer }, ...args: string[]) => run([oldDocker, 'build', '--progress=plain', ...args], { ...options, env: { ...gantry.env, DOCKER_BUILDKIT: '1' } })
    const plain = await old({}, '-t', 'old', '--build-arg', 'A=arg', directory)
    assert.equal(plain.code, 0, plain.stderr)
    assert.match(plain.stderr, /#\d+ \[2\/3\] RUN echo arg > \/x/)
    assert.equal(await gantry.ok('run', '--rm', 'old', 'cat', '/x', '/a'), 'arg\nA')
    const streamed = await old({ input: execFileSync('tar', ['-C', directory, '-c', '.']) }, '-t', 'streamed', '-')
    assert.equal(streamed.code, 0, streamed.stderr)
    const out = path.join(engine.directory, 'old-out')
    const exported = await old({}, '-o', out, directory)
    assert.equal(exported.code, 0, exported.stderr)
    assert.equal(readFileSync(path.join(out, 'a'), 'utf8'), 'A')
    writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${tiny}\nRUN exit 5\n`)
    const failed = await old({}, directory)
    assert.notEqual(failed.code, 0)
    assert.match(failed.stderr, /process "\/bin\/sh -c exit 5" did not complete successfully: exit code: 5/)
  })
})

/** How much of the context went over. */
function sent(log: string): string {
  return /load build context\n#\d+ transferring context: (\S+)/.exec(log)?.[1] ?? log
}

function running(): boolean {
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && command(pid) === 'sleep\x004321\0')
}

void describe('gantry build on the original engine', { concurrency: false }, () => {
  void test('it builds an image and a directory there', async () => {
    const engine = await startEngine({ kind: 'dockerd' })
    try {
      const gantry = makeClient('gantry', engine)
      await provideImages(gantry, [tiny])
      const directory = path.join(engine.directory, 'context')
      mkdirSync(directory)
      writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${tiny}\nRUN echo ran > /x\nCOPY a /a\n`)
      writeFileSync(path.join(directory, 'a'), 'A')
      await gantry.ok('build', '-t', 'made', directory)
      assert.equal(await gantry.ok('run', '--rm', '--network', 'none', 'made', 'cat', '/x', '/a'), 'ran\nA')
      const out = path.join(engine.directory, 'out')
      await gantry.ok('build', '-o', out, directory)
      assert.equal(readFileSync(path.join(out, 'a'), 'utf8'), 'A')
    } finally {
      await engine.shutDown()
      await engine.remove()
    }
  })
})

function command(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

