import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { parseChallenges } from '../../../../src/containerd/distribution/challenge.ts'
import type { Credentials } from '../../../../src/containerd/distribution/contract.ts'
import { atRegistry } from '../../../../src/containerd/distribution/registry.ts'
import { Repository } from '../../../../src/containerd/distribution/repository.ts'
import { refuse, settingsFor, startRegistryServer, type RegistryServer } from './registry-server.ts'

/** A registry whose token server gives "token-1", "token-2" …; the last one given is the only one that holds. */
async function guarded(): Promise<RegistryServer & { asked: string[] }> {
  const registry = Object.assign(await startRegistryServer(), { asked: [] as string[] })
  registry.intercept = (request, response) => {
    if (request.url?.startsWith('/token')) return giveToken(registry, request, response)
    if (request.headers.authorization === `Bearer token-${registry.asked.length}`) return false
    response.setHeader('WWW-Authenticate', `Bearer realm="http://${registry.address}/token",service="shop"`)
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required')
    return true
  }
  registry.manifests.set('box:1', { bytes: Buffer.from('{}'), type: 'text/plain' })
  return registry
}

function giveToken(registry: { asked: string[] }, request: IncomingMessage, response: ServerResponse): true {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const { authorization } = request.headers
    const who = authorization ? Buffer.from(authorization.slice('Basic '.length), 'base64').toString() : 'nobody'
    if (who === 'me:wrong') return refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password')
    registry.asked.push([who, decodeURIComponent(request.url ?? ''), ...(body === '' ? [] : [decodeURIComponent(body)])].join(' '))
    response.end(JSON.stringify({ token: `token-${registry.asked.length}`, expires_in: 300 }))
  })
  return true
}

function manifest(registry: RegistryServer, credentials: Credentials, times = 1) {
  return atRegistry(registry.address, { settings: settingsFor(), credentials, userAgent: 'test', mirrors: false }, async (at) => {
    const repository = new Repository(at, 'box', { actions: 'pull' })
    for (let time = 1; time < times; time++) await repository.manifest('1')
    return await repository.manifest('1')
  })
}

void test('a token is asked for with name, password and scope, and used until it ends', async () => {
  const registry = await guarded()
  assert.equal((await manifest(registry, { username: 'me', password: 'a:b' }, 3)).bytes.toString(), '{}')
  assert.deepEqual(registry.asked, ['me:a:b /token?service=shop&scope=repository:box:pull&account=me'])
})

void test('a token that does not hold any more is replaced', async () => {
  const registry = await guarded()
  await atRegistry(registry.address, { settings: settingsFor(), credentials: {}, userAgent: 'test', mirrors: false }, async (at) => {
    const repository = new Repository(at, 'box', { actions: 'pull' })
    await repository.manifest('1')
    registry.asked.push('somebody else')
    await repository.manifest('1')
  })
  assert.equal(registry.asked.length, 3)
})

void test('an identity token is exchanged by a form', async () => {
  const registry = await guarded()
  await manifest(registry, { username: 'me', identitytoken: 'refresh' })
  assert.equal(registry.asked[0], 'nobody /token grant_type=refresh_token&refresh_token=refresh&service=shop&client_id=gantry&scope=repository:box:pull')
})

void test('the refusal of a token server is told with its address', async () => {
  const registry = await guarded()
  await assert.rejects(manifest(registry, { username: 'me', password: 'wrong' }), {
    kind: 'Unauthorized',
    message: `Get "http://${registry.address}/token": unauthorized: incorrect username or password`,
  })
})

void test('challenges are read one by one', () => {
  assert.deepEqual(parseChallenges('Basic realm="a, \\"b\\"", Bearer realm="https://x/t",scope="p:a:pull,push", error=x'), [
    { scheme: 'basic', parameters: { realm: 'a, "b"' } },
    { scheme: 'bearer', parameters: { realm: 'https://x/t', scope: 'p:a:pull,push', error: 'x' } },
  ])
  assert.deepEqual(parseChallenges(undefined), [])
  assert.deepEqual(parseChallenges('"'), [])
})
