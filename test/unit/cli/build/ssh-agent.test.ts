import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { answerAgent } from '../../../../src/cli/build/ssh-agent.ts'
import { readSshKey, type SshKey } from '../../../../src/cli/build/ssh-key.ts'
import { sshString, SshReader, uint32 } from '../../../../src/cli/build/ssh-wire.ts'

const run = promisify(execFile)
const withoutSsh = { skip: spawnSync('ssh-keygen', ['-?']).error !== undefined && 'there is no ssh-keygen' }

async function asked(keys: readonly SshKey[], ...pieces: Buffer[]): Promise<Buffer[]> {
  async function* requests(): AsyncGenerator<{ data: Uint8Array }> {
    for (const data of pieces) yield { data }
  }
  return await Array.fromAsync(answerAgent(keys, requests()), ({ data }) => Buffer.from(data).subarray(4))
}

void test('an agent refuses what it does not know, whatever way it is cut, and ends where a length cannot be', async () => {
  const key = readSshKey(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'key')
  const list = sshString(Buffer.from([11]))
  const [one, two] = await asked([key], ...[...list].map((byte) => Buffer.from([byte])), sshString(Buffer.from([99, 1, 2])))
  assert.deepEqual([one![0], new SshReader(one!.subarray(1)).uint32(), two], [12, 1, Buffer.from([5])])
  const strange = Buffer.concat([Buffer.from([13]), sshString('no such key'), sshString('data'), uint32(0)])
  assert.deepEqual(await asked([key], sshString(strange), sshString(Buffer.from([13, 255, 255, 255, 255]))), [Buffer.from([5]), Buffer.from([5])])
  assert.deepEqual(await asked([key], uint32(0x7fffffff), list), [])
})

void test('what is no key, or has a passphrase, is refused', () => {
  for (const text of ['', 'x', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n']) assert.throws(() => readSshKey(text, '/k'), /failed to parse \/k: ssh: no key found/)
  const locked = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' })
  assert.throws(() => readSshKey(locked.toString(), '/k'), /passphrase protected/)
})

void describe('keys of ssh-keygen', withoutSsh, () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gt-ssh-'))
  const at = (name: string): string => path.join(directory, name)
  const kinds = { ed25519: ['-t', 'ed25519'], rsa: ['-t', 'rsa'], pem: ['-t', 'rsa', '-m', 'PEM'], nistp256: ['-t', 'ecdsa', '-b', '256'], nistp521: ['-t', 'ecdsa', '-b', '521'] }
  let server: Server

  before(async () => {
    for (const [name, flags] of Object.entries(kinds)) await run('ssh-keygen', ['-q', ...flags, '-N', '', '-C', name, '-f', at(name)])
    const keys = Object.keys(kinds).map((name) => readSshKey(readFileSync(at(name), 'utf8'), at(name)))
    server = createServer((socket) => {
      void (async () => {
        for await (const { data } of answerAgent(keys, (async function* () { for await (const data of socket as AsyncIterable<Buffer>) yield { data } })())) socket.write(data)
      })().catch(() => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(at('agent'), resolve))
  })
  after(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })

  for (const name of Object.keys(kinds)) {
    void test(`OpenSSH verifies what the ${name} key has signed`, async () => {
      writeFileSync(at(`text-${name}`), 'something to sign')
      const env = { ...process.env, SSH_AUTH_SOCK: at('agent') }
      // Only the public half is where ssh-keygen looks: the agent has to sign.
      writeFileSync(at(`only-${name}.pub`), readFileSync(at(`${name}.pub`)))
      await run('ssh-keygen', ['-Y', 'sign', '-n', 'test', '-f', at(`only-${name}.pub`), at(`text-${name}`)], { env })
      const { status, stderr } = spawnSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'test', '-s', at(`text-${name}.sig`)], { input: 'something to sign' })
      assert.equal(status, 0, stderr.toString())
      assert.notEqual(spawnSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'test', '-s', at(`text-${name}.sig`)], { input: 'something else' }).status, 0)
    })
  }
})
