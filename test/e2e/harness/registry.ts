import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { NetworkHost } from './network-host.ts'
import { eventually } from './eventually.ts'
import { read } from './processes.ts'
import { program } from './program.ts'
import { must } from './run.ts'

/** Debian's docker-registry on the engine's network host. */
export interface Registry {
  /** "127.0.0.1:5000" */
  readonly address: string
  /** What it stores is below its `data`. */
  readonly directory: string
  /** The method, path and status of every request so far, as the registry itself logged them: "GET /v2/ 200". */
  requests(): string[]
  stop(): Promise<void>
}

export interface RegistryOptions {
  address: string
  /** Certificate and key in files. */
  tls?: { certificate: string; key: string }
  /** Lets in "me" with the password "secret" only. */
  guarded?: boolean
}

/** The only form of htpasswd that the registry reads. */
const secretInBcrypt = '$2y$05$uR5hP1K1hFWAwIYrMgdYMOf4QQhPZXJ5lw24H4sIlSr7i0zXiZuBK'

export async function startRegistry(engine: { directory: string; host: NetworkHost }, { address, tls, guarded }: RegistryOptions): Promise<Registry> {
  const directory = path.join(engine.directory, `registry-${address.replaceAll(/[^\w]/g, '-')}`)
  mkdirSync(directory)
  const log = path.join(directory, 'log')
  const passwords = path.join(directory, 'htpasswd')
  if (guarded) writeFileSync(passwords, `me:${secretInBcrypt}\n`)
  writeFileSync(path.join(directory, 'config.yml'), `version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: ${directory}/data}, delete: {enabled: true}}
http:
  addr: "${address}"
${tls ? `  tls: {certificate: ${tls.certificate}, key: ${tls.key}}\n` : ''}${guarded ? `auth: {htpasswd: {realm: tests, path: ${passwords}}}\n` : ''}`)
  const out = openSync(log, 'a')
  const command = [...engine.host.enter, program('docker-registry'), 'serve', path.join(directory, 'config.yml')]
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', out, out], detached: true })
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${read(log).slice(-2000)}`)
    await engine.host.must(['curl', '-sko', '/dev/null', `${tls ? 'https' : 'http'}://${address}/`])
  })
  return {
    address,
    directory,
    requests: () => [...read(log).matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+)/g)].map(([, method, target, status]) => `${method} ${target} ${status}`),
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** An authority and a certificate that it gave to an address. */
export async function makeCertificate(directory: string, address: string): Promise<{ authority: string; certificate: string; key: string }> {
  mkdirSync(directory, { recursive: true })
  const at = (name: string) => path.join(directory, name)
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=test authority', '-keyout', at('ca.key'), '-out', at('ca.crt'))
  await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${address}`, '-keyout', at('server.key'), '-out', at('server.csr'))
  writeFileSync(at('extensions'), `subjectAltName=IP:${address}\n`)
  await openssl('x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('extensions'), '-out', at('server.crt'))
  return { authority: at('ca.crt'), certificate: at('server.crt'), key: at('server.key') }
}

function openssl(...args: string[]): Promise<string> {
  return must(['openssl', ...args])
}
