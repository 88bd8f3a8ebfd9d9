import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkInsecure, checkMirror, endpointsOf } from '../../../../src/containerd/distribution/registry-settings.ts'
import { settingsFor } from './registry-server.ts'

const urls = async (domain: string, settings = settingsFor(), mirrors = true) =>
  (await endpointsOf(settings, domain, { mirrors })).map(({ scheme, host, prefix, insecure }) => `${scheme}://${host}${prefix}${insecure ? ' insecure' : ''}`)

void test('plain HTTP is for loopback and listed registries only', async () => {
  assert.deepEqual(await urls('registry.example:5000'), ['https://registry.example:5000'])
  for (const host of ['127.0.0.1:5000', '127.9.9.9', '[::1]:5000', 'localhost:5000', 'localhost']) {
    assert.deepEqual(await urls(host), [`https://${host} insecure`, `http://${host} insecure`])
  }
  const listed = settingsFor({ insecure: ['registry.example:5000', '10.1.0.0/16'] })
  assert.equal((await urls('registry.example:5000', listed)).length, 2)
  assert.equal((await urls('10.1.2.3:80', listed)).length, 2)
  assert.equal((await urls('10.2.2.3:80', listed)).length, 1)
  assert.equal((await urls('127.0.0.1.example')).length, 1)
})

void test('mirrors come first, for docker.io, and are not pushed to', async () => {
  const settings = settingsFor({ mirrors: ['http://127.0.0.1:5000/', 'https://mirror.example/hub/'] })
  assert.deepEqual(await urls('docker.io', settings), ['http://127.0.0.1:5000 insecure', 'https://mirror.example/hub', 'https://registry-1.docker.io'])
  assert.deepEqual(await urls('docker.io', settings, false), ['https://registry-1.docker.io'])
  assert.deepEqual(await urls('quay.example', settings), ['https://quay.example'])
})

void test('what is no mirror and no registry is refused', () => {
  assert.equal(checkMirror('https://mirror.example'), 'https://mirror.example/')
  for (const text of ['mirror.example', 'ftp://mirror.example', 'https://me:secret@mirror.example', 'https://mirror.example/?a']) {
    assert.throws(() => checkMirror(text), { kind: 'InvalidParameter', message: /^invalid mirror: / })
  }
  assert.equal(checkInsecure('http://registry.example:5000'), 'registry.example:5000')
  for (const text of ['a b', 'host:port', '10.0.0.0/40', 'host/path']) assert.throws(() => checkInsecure(text), { kind: 'InvalidParameter' })
})
