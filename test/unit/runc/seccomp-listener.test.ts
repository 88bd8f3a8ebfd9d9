import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OciSeccomp } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

/** Takes one listener, prints what came with it, and answers every call with errno 121 (EREMOTEIO). */
const supervisor = `
import array, fcntl, os, select, socket, struct, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(5)
open(sys.argv[1] + '.ready', 'w').close()
while True:
    peer, _ = server.accept()
    text, ancillary, _, _ = peer.recvmsg(65536, 64)
    print(text.decode(), len(ancillary), flush=True)
    listener = struct.unpack('i', ancillary[0][2][:4])[0]
    if os.fork(): continue
    while True:
        request = array.array('B', bytes(80))
        try: fcntl.ioctl(listener, 0xc0502100, request)
        except OSError: os._exit(0)
        id, pid, flags, number = struct.unpack('QIIi', request[:20])
        print('call', number, flush=True)
        fcntl.ioctl(listener, 0xc0182101, struct.pack('QqiI', id, 0, -121, 0))
`

describe('a supervisor of system calls', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  test('gets the listener of the container and of a further process, and answers for them', async () => {
    const path = join(host.directory, 'listener')
    writeFileSync(`${path}.py`, supervisor)
    const child = spawn('python3', [`${path}.py`, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
    while (!existsSync(`${path}.ready`)) await sleep(10)
    const spec = sampleSpec(host.rootfs, { args: ['sh', '-c', 'umount /proc; ls /proc/self/fd; sleep 100'] })
    const seccomp: OciSeccomp = {
      defaultAction: 'SCMP_ACT_ALLOW', listenerPath: path, listenerMetadata: '50% {}', flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
      syscalls: [{ names: ['umount2'], action: 'SCMP_ACT_NOTIFY' }],
    }
    spec.linux!.seccomp = seccomp
    const hook = { path: '/bin/true' }
    spec.hooks = { startContainer: [hook] }
    const container = await host.create(spec, { identity: { id: 'watched', bundle: '/b' } })
    await container.monitor.start()
    const { stderr } = await container.exec({ args: ['sh', '-c', 'umount /proc'] })
    assert.match(stderr, /Remote I\/O error/)
    while (said.split('call').length < 3) await sleep(10)
    const [first, second] = said.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line.slice(0, line.lastIndexOf(' '))) as Record<string, unknown>)
    const { pid } = container.monitor
    assert.deepEqual(first, { ociVersion: '1.2.0', fds: ['seccompFd'], metadata: '50% {}', pid, state: { ociVersion: '1.2.0', id: 'watched', status: 'creating', pid, bundle: '/b' } })
    assert.equal((second!['state'] as { status: string }).status, 'running')
    assert.equal((second!['state'] as { pid: number }).pid, pid)
    assert.notEqual(second!['pid'], pid)
    await container.kill()
    child.kill()
    await once(child, 'exit')
  })

  test('that is not there fails the creation', async () => {
    const spec = sampleSpec(host.rootfs)
    spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/not/there', syscalls: [{ names: ['umount2'], action: 'SCMP_ACT_NOTIFY' }] }
    await assert.rejects(host.create(spec), { label: 'connect to linux.seccomp.listenerPath /not/there', code: 'ENOENT' })
  })
})
