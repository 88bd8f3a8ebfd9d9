import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair, Readable } from 'node:stream'
import { test } from 'node:test'
import { openBuildKit } from '../../../../src/build/buildkit/buildkit.ts'
import type { BuildReport, BuildRequest, Builder, BuildResult } from '../../../../src/build/contract.ts'
import { readSources } from '../../../../src/cli/build/context.ts'
import type { Output } from '../../../../src/cli/build/output.ts'
import { sessionServices } from '../../../../src/cli/build/session-services.ts'
import { CredentialStore } from '../../../../src/cli/credentials/credential-store.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { controlPath, diskUsageRequest, diskUsageResponse, solveRequest, solveResponse, statusRequest, statusResponse } from '../../../../src/lib/buildkit/control-messages.ts'
import type { SolveRequest, StatusResponse } from '../../../../src/lib/buildkit/control-messages.ts'
import { bridgePath, buildIdKey, gatewaySolveRequest, gatewaySolveResponse, pongResponse, returnRequest } from '../../../../src/lib/buildkit/gateway-messages.ts'
import { nothing } from '../../../../src/lib/buildkit/control-messages.ts'
import { sessionHeader } from '../../../../src/lib/buildkit/session-messages.ts'
import { GantryError } from '../../../../src/lib/errors.ts'
import { GrpcClient } from '../../../../src/lib/grpc/client.ts'
import { serveGrpc } from '../../../../src/lib/grpc/server.ts'
import type { GrpcError } from '../../../../src/lib/grpc/status.ts'
import { tarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'

type Build = (request: BuildRequest, report: BuildReport, signal: AbortSignal) => Promise<Partial<BuildResult>>

interface Stage {
  directory: string
  control: GrpcClient
  /** Opens a session for the context in `directory`/context. */
  session: (id: string, more?: { outputs?: Output[]; secrets?: Map<string, () => Uint8Array> }) => Promise<void>
}

async function withBuildKit(build: Build, use: (stage: Stage) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-buildkit-'))
  const context = join(directory, 'context')
  mkdirSync(context)
  const builder: Builder = {
    build: async (request, report, signal) => ({ metadata: {}, warnings: [], ...(await build(request, report, signal)) }),
    usage: async () => [{ ID: 'abc', Parents: [], Type: 'regular', Description: 'a step', InUse: false, Shared: true, Size: 5_000_000_000, CreatedAt: '2026-01-02T03:04:05Z', LastUsedAt: null, UsageCount: 3 }],
    prune: async () => ({ CachesDeleted: [], SpaceReclaimed: 0 }),
    close: async () => {},
  }
  const buildkit = openBuildKit({
    kernel: linuxKernel,
    builder,
    root: join(directory, 'build'),
    runtimeDir: join(directory, 'run'),
    worker: { id: 'w', platform: { os: 'linux', architecture: 'amd64' }, version: 'v0.21.0' },
    remote: () => Promise.reject(new Error('no remote context')),
  })
  const [engineSide, clientSide] = duplexPair()
  buildkit.grpc(engineSide)
  const control = new GrpcClient(clientSide)
  const servers: { destroy(): void }[] = []
  try {
    await use({
      directory,
      control,
      async session(id, { outputs = [], secrets = new Map() } = {}) {
        const sources = await readSources(context, '', process.stdin)
        const services = sessionServices({ sources, outputs, secrets, agents: new Map(), stores: new Map(), credentials: new CredentialStore(directory) })
        const [near, far] = duplexPair()
        servers.push(serveGrpc(near, services))
        buildkit.session(far, { [sessionHeader.id]: [id], [sessionHeader.sharedKey]: [sources.sharedKey], [sessionHeader.methods]: Object.keys(services) })
      },
    })
  } finally {
    control.close()
    for (const server of servers) server.destroy()
    buildkit.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

const solveTypes = { request: solveRequest, response: solveResponse }

function request(id: string, more: Partial<SolveRequest> = {}): Partial<SolveRequest> {
  return { ref: `ref-${id}`, session: id, frontend: 'dockerfile.v0', frontendAttributes: { filename: 'Dockerfile' }, ...more }
}

async function statuses(control: GrpcClient, ref: string): Promise<StatusResponse[]> {
  const stream = control.stream(controlPath.status, { request: statusRequest, response: statusResponse })
  await stream.send({ ref })
  stream.end()
  return await Array.fromAsync(stream.responses)
}

void test('a build gets Dockerfile, context, arguments and secrets from its client, and tells what it does', async () => {
  const seen: { text: string; files: string[]; arg?: string; secret: string; missing: unknown }[] = []
  const build: Build = async (asked, report) => {
    await asked.context?.ready?.()
    const secret = Buffer.from((await asked.secret('key')) ?? []).toString()
    seen.push({ text: asked.dockerfile.text, files: readdirSync(asked.context!.root).toSorted(), arg: asked.buildArgs['A'], secret, missing: await asked.secret('other') })
    report.vertex({ id: 'sha256:1', name: '[1/1] RUN x', inputs: [], cached: false, started: 1000, completed: 2500 })
    report.log({ vertex: 'sha256:1', stream: 1, data: Buffer.from('out\n'), at: 1500 })
    report.warning({ rule: 'R', description: 'd', detail: 'detail', url: 'u', start: 1, end: 1 })
    return { imageId: 'sha256:image', metadata: { 'image.name': 'x' } }
  }
  await withBuildKit(build, async ({ directory, control, session }) => {
    for (const [name, text] of [['Dockerfile', 'FROM scratch\n'], ['.dockerignore', 'no*\n!not\n'], ['a', 'A'], ['no', 'x'], ['not', 'kept']] as const) writeFileSync(join(directory, 'context', name), text)
    await session('one', { secrets: new Map([['key', () => Buffer.from('s3cret')]]) })
    const told = statuses(control, 'ref-one')
    const { exporterResponse } = await control.call(controlPath.solve, solveTypes, request('one', { frontendAttributes: { filename: 'Dockerfile', 'build-arg:A': '1' } }))
    assert.deepEqual({ ...exporterResponse }, { 'image.name': 'x', 'containerimage.config.digest': 'sha256:image' })
    assert.deepEqual(seen, [{ text: 'FROM scratch\n', files: ['.dockerignore', 'Dockerfile', 'a', 'not'], arg: '1', secret: 's3cret', missing: undefined }])
    const all = await told
    const names = new Set(all.flatMap(({ vertexes }) => vertexes.map(({ name }) => name)))
    assert.deepEqual([...names], ['[internal] load build definition from Dockerfile', '[internal] load .dockerignore', '[internal] load build context', '[1/1] RUN x'])
    const step = all.flatMap(({ vertexes }) => vertexes).find(({ digest }) => digest === 'sha256:1')
    assert.deepEqual([step?.started, step?.completed], [1000, 2500])
    assert.equal(Buffer.from(all.flatMap(({ logs }) => logs)[0]!.data).toString(), 'out\n')
    const warning = all.flatMap(({ warnings }) => warnings)[0]!
    assert.equal(Buffer.from(warning.short).toString(), 'R: detail (line 1)')
    assert.equal(Buffer.from(warning.info!.data).toString(), 'FROM scratch\n')
  })
})

void test('the second build of a context has it as it is now, from the copy of the first', async () => {
  const contents: Record<string, string>[] = []
  const roots: string[] = []
  const build: Build = async (asked) => {
    await asked.context?.ready?.()
    const { root } = asked.context!
    roots.push(root)
    contents.push(Object.fromEntries(readdirSync(root).toSorted().map((name) => [name, readFileSync(join(root, name), 'utf8')])))
    return {}
  }
  await withBuildKit(build, async ({ directory, control, session }) => {
    const context = join(directory, 'context')
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\n')
    writeFileSync(join(context, 'a'), '1')
    await session('one')
    await control.call(controlPath.solve, solveTypes, request('one'))
    writeFileSync(join(context, 'a'), '22')
    writeFileSync(join(context, 'b'), 'new')
    await session('two')
    await control.call(controlPath.solve, solveTypes, request('two'))
    assert.deepEqual(contents[1], { Dockerfile: 'FROM scratch\n', a: '22', b: 'new' })
    assert.equal(roots[0], roots[1])
  })
})

void test('a context that nothing reads is not brought here', async () => {
  await withBuildKit(async () => ({}), async ({ directory, control, session }) => {
    writeFileSync(join(directory, 'context/Dockerfile'), 'FROM scratch\n')
    await session('one')
    const told = statuses(control, 'ref-one')
    await control.call(controlPath.solve, solveTypes, request('one'))
    assert.equal((await told).some(({ vertexes }) => vertexes.some(({ name }) => name === '[internal] load build context')), false)
  })
})

const failing: Build = async (_asked, report) => {
  report.vertex({ id: 'sha256:bad', name: '[2/2] RUN false', inputs: [], cached: false, started: 1, completed: 2, error: 'exit code: 1', lines: { start: 2, end: 3 } })
  throw new GantryError('InvalidParameter', 'process "false" did not complete successfully: exit code: 1')
}

void test('what fails is told with the step and the lines of the Dockerfile', async () => {
  await withBuildKit(failing, async ({ directory, control, session }) => {
    writeFileSync(join(directory, 'context/Dockerfile'), 'FROM scratch\nRUN \\\nfalse\n')
    await session('one')
    await assert.rejects(control.call(controlPath.solve, solveTypes, request('one')), (error: GrpcError) => {
      assert.equal(error.code, 2)
      assert.equal(error.message, 'process "false" did not complete successfully: exit code: 1')
      const documents = new Map(error.details.map(({ typeUrl, value }) => [typeUrl.split('/').at(-1), JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>]))
      assert.deepEqual(documents.get('errdefs.Vertex+json'), { digest: 'sha256:bad' })
      assert.deepEqual(documents.get('errdefs.Source+json')?.['ranges'], [{ start: { line: 2, character: 0 }, end: { line: 3, character: 0 } }])
      return true
    })
    await assert.rejects(control.call(controlPath.solve, solveTypes, request('one', { ref: 'other', frontendAttributes: { filename: 'None' } })), /failed to read dockerfile: open None: no such file or directory/)
  })
})

void test('a client that drives the front end itself gets the result by its return', async () => {
  const asked: BuildRequest[] = []
  const build: Build = async (given) => {
    asked.push(given)
    return { metadata: { 'image.name': given.exports[0]?.attributes['name'] ?? '' } }
  }
  await withBuildKit(build, async ({ directory, control, session }) => {
    writeFileSync(join(directory, 'context/Dockerfile'), 'FROM scratch AS one\n')
    await session('one')
    const solved = control.call(controlPath.solve, solveTypes, request('one', { frontend: '', exporters: [{ type: 'moby', attributes: { name: 'n' } }] }))
    const metadata = { [buildIdKey]: ['ref-one'] }
    const pong = await control.call(bridgePath.ping, { request: nothing, response: pongResponse }, {}, { metadata })
    assert.ok(pong.frontend.some(({ id, enabled }) => id === 'return' && enabled))
    const frontendOptions = { filename: 'Dockerfile', target: 'one' }
    const targets = await control.call(bridgePath.solve, { request: gatewaySolveRequest, response: gatewaySolveResponse }, { frontend: 'dockerfile.v0', frontendOptions: { ...frontendOptions, requestid: 'frontend.targets' } }, { metadata })
    assert.equal((JSON.parse(Buffer.from(targets.result!.metadata['result.json']!).toString()) as { targets: unknown[] }).targets.length, 1)
    const answer = await control.call(bridgePath.solve, { request: gatewaySolveRequest, response: gatewaySolveResponse }, { frontend: 'dockerfile.v0', frontendOptions }, { metadata })
    await control.call(bridgePath.return, { request: returnRequest, response: nothing }, { result: answer.result }, { metadata })
    assert.equal((await solved).exporterResponse['image.name'], 'n')
    assert.deepEqual(asked.map(({ target, exports }) => [target, exports[0]?.type]), [['one', 'image']])
  })
})

const exporting: Build = async ({ exports }) => {
  const members = [
    { entry: tarEntry({ name: 'd/', type: 'directory' }) },
    { entry: tarEntry({ name: 'd/z', size: 3 }), content: [Buffer.from('abc')] },
    { entry: tarEntry({ name: 'd/a', type: 'link', linkName: 'd/z' }) },
    { entry: tarEntry({ name: 'b', type: 'symlink', linkName: 'd/z' }) },
  ]
  await exports[0]!.output!(Readable.from(writeTar(members)))
  return {}
}

void test('a directory is exported to the client, also where a hard link comes before its file', async () => {
  await withBuildKit(exporting, async ({ directory, control, session }) => {
    writeFileSync(join(directory, 'context/Dockerfile'), 'FROM scratch\n')
    const out = join(directory, 'out')
    await session('one', { outputs: [{ type: 'local', attributes: {}, directory: out }] })
    await control.call(controlPath.solve, solveTypes, request('one', { exporters: [{ type: 'local', attributes: {} }] }))
    assert.deepEqual([readFileSync(join(out, 'd/a'), 'utf8'), readFileSync(join(out, 'd/z'), 'utf8'), readFileSync(join(out, 'b'), 'utf8')], ['abc', 'abc', 'abc'])
    assert.deepEqual(readdirSync(join(directory, 'build/client-scratch')), [])
  })
})

void test('who leaves ends the build', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const build: Build = async (_asked, _report, signal) => {
    begun.resolve(signal)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    throw new Error('ended')
  }
  await withBuildKit(build, async ({ directory, control, session }) => {
    writeFileSync(join(directory, 'context/Dockerfile'), 'FROM scratch\n')
    await session('one')
    const solved = control.call(controlPath.solve, solveTypes, request('one'))
    const signal = await begun.promise
    control.close()
    await assert.rejects(solved)
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  })
})

void test('the cache is listed, with sizes beyond 32 bits', async () => {
  await withBuildKit(async () => ({}), async ({ control }) => {
    const { record } = await control.call(controlPath.diskUsage, { request: diskUsageRequest, response: diskUsageResponse }, { filter: [''] })
    assert.deepEqual(record.map(({ id, size, createdAt, lastUsedAt, shared }) => [id, size, createdAt, lastUsedAt, shared]), [['abc', 5_000_000_000, Date.parse('2026-01-02T03:04:05Z'), undefined, true]])
  })
})

void test('what is no build of a Dockerfile is refused', async () => {
  await withBuildKit(async () => ({}), async ({ control }) => {
    await assert.rejects(control.call(controlPath.solve, solveTypes, request('x', { definition: Buffer.from([1]) })), { code: 12 })
    await assert.rejects(control.call(controlPath.solve, solveTypes, request('x', { frontend: 'gateway.v0' })), /unknown frontend: gateway.v0/)
  })
})
