import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type AuthorizationPlugin, startAuthorizationPlugin } from './harness/authorization.ts'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'
import { must, run } from './harness/run.ts'

const address = 'tcp://127.0.0.1:2376'

function openssl(...args: string[]): Promise<string> {
  return must(['openssl', ...args])
}

/** A certificate authority, a server and a client, as Docker's documentation makes them with openssl. */
async function authority(directory: string): Promise<void> {
  mkdirSync(directory)
  const at = (name: string): string => path.join(directory, name)
  await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('ca-key.pem'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=authority')
  for (const [name, extension] of [['server', 'subjectAltName=IP:127.0.0.1,DNS:localhost'], ['client', 'extendedKeyUsage=clientAuth']] as const) {
    writeFileSync(at(`${name}.cnf`), `${extension}\n`)
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${name}-key.pem`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`)
    await openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial', '-out', at(`${name}.pem`), '-days', '2', '-extfile', at(`${name}.cnf`))
  }
}

void describe('an engine that is reached from elsewhere', { concurrency: false }, () => {
  let engine: Engine
  let directory: string
  let plugin: AuthorizationPlugin
  const clients: Client[] = []
  const certificate = (name: string): string => path.join(directory, 'one', name)
  const trusted = (): string[] => ['--tlsverify', '--tlscacert', certificate('ca.pem'), '--tlscert', certificate('client.pem'), '--tlskey', certificate('client-key.pem')]
  const pair = (owner: string): string[] => ['--cert', path.join(directory, owner, 'client.pem'), '--key', path.join(directory, owner, 'client-key.pem')]
  /** In the network namespace of the engine, and with nothing that says where it is. */
  const inside = (client: Client, args: string[], env: NodeJS.ProcessEnv = {}) =>
    run([...engine.host.enter, client.program, ...args], { env: { ...client.env, DOCKER_HOST: '', ...env } })

  before(async () => {
    directory = makePrivateDirectory()
    await authority(path.join(directory, 'one'))
    await authority(path.join(directory, 'other'))
    plugin = await startAuthorizationPlugin(directory)
    engine = await startEngine({
      kind: 'gantryd',
      flags: ['--authorization-plugin', plugin.name, '--host', address, '--tlsverify', '--tlscacert', certificate('ca.pem'), '--tlscert', certificate('server.pem'), '--tlskey', certificate('server-key.pem')],
    })
    clients.push(makeClient('docker', engine), makeClient('gantry', engine))
  })
  after(async () => {
    await engine.remove()
    await plugin.stop()
    await removePrivateDirectory(directory)
  })

  void test('an authorization plugin is told who asks by which certificate', async () => {
    const [docker] = clients
    await inside(docker!, ['-H', address, ...trusted(), 'version'])
    const byCertificate = plugin.calls('AuthZReq').at(-1)
    assert.deepEqual([byCertificate?.['User'], byCertificate?.['UserAuthNMethod']], ['client', 'TLS'])
    const [shown] = (byCertificate?.['RequestPeerCertificates'] ?? []) as string[]
    assert.equal(Buffer.from(shown ?? '', 'base64').toString().trim(), readFileSync(certificate('client.pem'), 'utf8').trim())
    await engine.api({ path: '/version', body: '{"User":"somebody"}', method: 'GET' })
    assert.equal(plugin.calls('AuthZReq').at(-1)?.['User'], undefined)
  })

  void test('with --tlsverify only a client with a certificate of the authority gets in', async () => {
    const curl = (...args: string[]) => run([...engine.host.enter, 'curl', '-sS', '-m', '20', ...args, 'https://127.0.0.1:2376/_ping'])
    assert.equal((await curl('--cacert', certificate('ca.pem'), ...pair('one'))).stdout, 'OK')
    assert.notEqual((await curl('-k')).code, 0)
    assert.notEqual((await curl('-k', ...pair('other'))).code, 0)
    assert.notEqual((await curl('--tls-max', '1.1', '-k', ...pair('one'))).code, 0)
    const plain = await run([...engine.host.enter, 'curl', '-sS', '-m', '20', 'http://127.0.0.1:2376/_ping'])
    assert.notEqual(plain.stdout, 'OK')
  })

  void test('clients verify the engine too', async () => {
    for (const client of clients) {
      const good = await inside(client, ['-H', address, ...trusted(), 'version', '--format', '{{.Server.Os}}'])
      assert.equal(good.stdout.trim(), 'linux', good.stderr)
      const byEnvironment = { DOCKER_HOST: address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: path.join(directory, 'env') }
      mkdirSync(byEnvironment.DOCKER_CERT_PATH, { recursive: true })
      for (const [from, to] of [['ca.pem', 'ca.pem'], ['client.pem', 'cert.pem'], ['client-key.pem', 'key.pem']] as const) await must(['cp', certificate(from), path.join(byEnvironment.DOCKER_CERT_PATH, to)])
      assert.equal((await inside(client, ['version', '--format', '{{.Server.Os}}'], byEnvironment)).stdout.trim(), 'linux')
      const stranger = ['--tlsverify', '--tlscacert', path.join(directory, 'other/ca.pem'), '--tlscert', certificate('client.pem'), '--tlskey', certificate('client-key.pem')]
      const bad = await inside(client, ['-H', address, ...stranger, 'ps'])
      assert.notEqual(bad.code, 0)
      assert.match(bad.stderr, /certificate/)
    }
  })

  void test('the engine listens on the unix socket as well, for root and its group alone', async () => {
    assert.equal((await must(['stat', '-c', '%a %U', engine.socket])).split(' ')[1], 'root')
    for (const client of clients) assert.equal(await client.ok('version', '--format', '{{.Server.Os}}'), 'linux')
  })

  void test('both clients share contexts', async () => {
    const config = path.join(directory, 'config')
    const env = { DOCKER_CONFIG: config }
    const endpoint = `host=${address},ca=${certificate('ca.pem')},cert=${certificate('client.pem')},key=${certificate('client-key.pem')}`
    for (const [maker, user] of [[clients[0]!, clients[1]!], [clients[1]!, clients[0]!]] as const) {
      const made = await inside(maker, ['context', 'create', 'far', '--description', 'another host', '--docker', endpoint], env)
      assert.deepEqual([made.stdout, made.stderr], ['far\n', 'Successfully created context "far"\n'])
      assert.match((await inside(maker, ['context', 'create', 'far', '--docker', endpoint], env)).stderr, /context "far" already exists/)
      assert.equal((await inside(user, ['--context', 'far', 'version', '--format', '{{.Server.Os}}'], env)).stdout.trim(), 'linux')
      const used = await inside(user, ['context', 'use', 'far'], env)
      assert.deepEqual([used.stdout, used.stderr], ['far\n', 'Current context is now "far"\n'])
      assert.equal((await inside(maker, ['context', 'show'], env)).stdout, 'far\n')
      assert.equal((await inside(maker, ['version', '--format', '{{.Server.Os}}'], env)).stdout.trim(), 'linux')
      const listed = await Promise.all([maker, user].map((client) => inside(client, ['context', 'ls', '--format', '{{.Name}}|{{.Current}}|{{.Description}}|{{.DockerEndpoint}}'], env)))
      for (const { stdout } of listed) assert.match(stdout, /^far\|true\|another host\|tcp:\/\/127\.0\.0\.1:2376$/m)
      for (const client of [maker, user]) {
        const [shown] = JSON.parse((await inside(client, ['context', 'inspect', 'far'], env)).stdout) as { TLSMaterial: { docker: string[] } }[]
        assert.deepEqual(shown?.TLSMaterial.docker.toSorted(), ['ca.pem', 'cert.pem', 'key.pem'])
        assert.match((await inside(client, ['context', 'rm', 'far'], env)).stderr, /context "far" is in use, set -f flag to force remove/)
      }
      assert.equal((await inside(user, ['context', 'use', 'default'], env)).stdout, 'default\n')
      assert.equal((await inside(user, ['context', 'rm', 'far'], env)).stdout, 'far\n')
      assert.notEqual((await inside(maker, ['--context', 'far', 'ps'], env)).code, 0)
    }
  })

  void test('ssh:// goes through the client of the other host', async () => {
    // Stands for ssh(1) and the other host's shell: what comes after the host is the command there.
    const bin = path.join(directory, 'bin')
    mkdirSync(bin)
    const script = (name: string, text: string): void => {
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`)
      chmodSync(path.join(bin, name), 0o755)
    }
    script('ssh', `echo "$*" >> ${directory}/ssh.log; while [ "$1" != -- ]; do shift; done; shift 2; DOCKER_HOST=unix://${engine.socket} exec sh -c "$*"`)
    for (const client of clients) script(client.kind, `exec ${path.resolve(client.program)} "$@"`)
    const env = { PATH: `${bin}:${process.env['PATH']}`, DOCKER_HOST: 'ssh://somebody@far.example:2222' }
    for (const client of clients) {
      const { stdout, stderr, code } = await run([client.program, 'version', '--format', '{{.Server.Os}}'], { env: { ...client.env, ...env } })
      assert.deepEqual([stdout.trim(), code], ['linux', 0], stderr)
    }
    assert.match(await must(['cat', path.join(directory, 'ssh.log')]), /-l somebody -p 2222 .*-- far\.example /)
    for (const host of ['ssh://-oProxyCommand=x', 'ssh://a@-b']) {
      const refused = await run([clients[1]!.program, '-H', host, 'ps'], { env: { ...clients[1]!.env, DOCKER_HOST: '' } })
      assert.match(refused.stderr, /invalid ssh URL|unable to parse/)
    }
  })
})

/** Does what systemd does for a socket unit: opens it, names it, and becomes the service with it as descriptor 3. */
const activator = `import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='docker.socket')
os.execvp(sys.argv[2], sys.argv[2:])`

void describe('an engine with the sockets of its caller', { concurrency: false }, () => {
  void test('fd:// takes what systemd has opened', async () => {
    const directory = makePrivateDirectory()
    for (const host of ['fd://', 'fd://docker.socket']) {
      const socket = path.join(directory, `activated-${host.length}`)
      const engine = await startEngine({ kind: 'gantryd', flags: ['--host', host], enter: ['python3', '-c', activator, socket] })
      try {
        assert.equal(await must(['curl', '-sS', '--unix-socket', socket, 'http://d/_ping']), 'OK')
      } finally {
        await engine.remove()
      }
    }
    await removePrivateDirectory(directory)
  })

  void test('without any it says so and ends', async () => {
    const failure = await startEngine({ kind: 'gantryd', flags: ['--host', 'fd://'] }).then(
      async (engine) => {
        await engine.remove()
        return ''
      },
      (error: unknown) => String(error),
    )
    assert.match(failure, /no sockets found via socket activation: make sure the service was started by systemd/)
  })
})
