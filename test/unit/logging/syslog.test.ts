import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { SendFailure } from '../../../src/logging/contract.ts'
import { syslog } from '../../../src/logging/syslog/syslog.ts'
import { eventually } from '../../e2e/harness/eventually.ts'
import { type Receiver, streamReceiver, udpReceiver } from './receivers.ts'
import { id, line, source } from './source.ts'

const directory = mkdtempSync(join(tmpdir(), 'gantry-syslog-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const text = (receiver: Receiver): string => Buffer.concat(receiver.received).toString()

async function send(options: Record<string, string>, ...lines: Parameters<typeof line>[]): Promise<void> {
  const sender = await syslog.open(source(options), linuxKernel)
  await sender.send(lines.map((one) => line(...one)))
  sender.close()
}

test('each line is a datagram of its own over UDP, with the facility and the stream in its priority', async () => {
  await using receiver = await udpReceiver()
  await send({ 'syslog-address': `udp://127.0.0.1:${receiver.port}`, 'syslog-facility': 'local3' }, ['hello'], ['oh no', { stream: 'stderr' }])
  await eventually(() => assert.equal(receiver.received.length, 2))
  assert.match(receiver.received[0]!.toString(), new RegExp(`^<158>Jan  2 \\d\\d:04:05 abcdef012345\\[${process.pid}\\]: hello\n$`))
  assert.match(receiver.received[1]!.toString(), /^<155>.*: oh no\n$/)
})

test('the formats of RFC 3164 and RFC 5424, and a tag with a template', async () => {
  const expected = {
    rfc3164: new RegExp(`^<30>Jan  2 \\d\\d:04:05 ${hostname()} web/shop\\[${process.pid}\\]: hi\n$`),
    rfc5424: `<30>1 2026-01-02T03:04:05Z ${hostname()} web/shop ${process.pid} web/shop - hi\n`,
    rfc5424micro: `<30>1 2026-01-02T03:04:05.678901Z ${hostname()} web/shop ${process.pid} web/shop - hi\n`,
  }
  for (const [format, wanted] of Object.entries(expected)) {
    await using receiver = await streamReceiver()
    await send({ 'syslog-address': `tcp://127.0.0.1:${receiver.port}`, 'syslog-format': format, tag: '{{.Name}}/{{index (split .ImageName "/") 0}}' }, ['hi'])
    await eventually(() => (wanted instanceof RegExp ? assert.match(text(receiver), wanted) : assert.equal(text(receiver), wanted)))
  }
})

test('TLS checks the server by the given authority, and RFC 5424 then counts octets', async () => {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  await using receiver = await streamReceiver({ tls: { key: readFileSync(key), cert: readFileSync(cert) } })
  const address = { 'syslog-address': `tcp+tls://127.0.0.1:${receiver.port}`, 'syslog-format': 'rfc5424' }
  await assert.rejects(send(address, ['hi']), /self-signed certificate/)
  await send({ ...address, 'syslog-tls-ca-cert': cert }, ['hi'])
  await send({ ...address, 'syslog-tls-skip-verify': 'true' }, ['ho'])
  await eventually(() => assert.match(text(receiver), /^(\d+) <30>1 .* - hi\n\1 <30>1 .* - ho\n$/))
  const [length = ''] = text(receiver).split(' ')
  assert.equal(text(receiver).length, 2 * (length.length + 1 + Number(length)))
})

test('a unix socket may be of streams or of datagrams', async () => {
  const path = join(directory, 'stream')
  await using receiver = await streamReceiver({ path })
  await send({ 'syslog-address': `unix://${path}` }, ['by stream'])
  await eventually(() => assert.match(text(receiver), /by stream\n$/))
  const datagrams = join(directory, 'datagrams')
  const program = `import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(${JSON.stringify(datagrams)})\nprint("ready",flush=True)\nprint(s.recv(9999).decode(),end="",flush=True)`
  const { spawn } = await import('node:child_process')
  const python = spawn('python3', ['-c', program])
  let output = ''
  python.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await eventually(() => assert.equal(output, 'ready\n'))
  await send({ 'syslog-address': `unix://${datagrams}` }, ['by datagram'])
  await eventually(() => assert.match(output, /abcdef012345\[\d+\]: by datagram\n$/))
})

test('nobody at the other end is told as Go tells it, and a connection that breaks later fails the sending', async () => {
  const receiver = await streamReceiver()
  const options = { 'syslog-address': `tcp://127.0.0.1:${receiver.port}` }
  const sender = await syslog.open(source(options), linuxKernel)
  await sender.send([line('one')])
  await eventually(() => assert.match(text(receiver), /one\n$/))
  await receiver[Symbol.asyncDispose]()
  await eventually(() => assert.rejects(sender.send([line('two')]), (error) => error instanceof SendFailure && error.taken === 0 && error.unsure.toString().includes(': one\n')))
  sender.close()
  await assert.rejects(send(options, ['three']), { message: `dial tcp 127.0.0.1:${receiver.port}: connect: connection refused` })
})

test('bad options are refused in the words of Docker', () => {
  const cases: [Record<string, string>, string][] = [
    [{ 'max-size': '1m' }, "unknown log opt 'max-size' for syslog log driver"],
    [{ 'syslog-address': '127.0.0.1:514' }, 'syslog-address should be in form proto://address, got 127.0.0.1:514'],
    [{ 'syslog-address': 'unix:///nowhere' }, 'stat /nowhere: no such file or directory'],
    [{ 'syslog-facility': '24' }, 'invalid syslog facility'],
    [{ 'syslog-facility': 'weather' }, 'invalid syslog facility'],
    [{ 'syslog-format': 'rfc1' }, 'Invalid syslog format'],
  ]
  for (const [options, message] of cases) assert.throws(() => syslog.check(options), { message })
  assert.equal(id.length, 64)
})
