import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { after, describe, test } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { moveNetDevices } from '../../../src/runc/net-devices.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

describe('links of the host', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  test('move into a container that waits for its start, with their addresses, up and under a new name', async () => {
    const name = `gt${randomBytes(4).toString('hex')}`
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`)
    try {
      ip('address', 'add', '10.213.7.1/24', 'dev', name)
      ip('-6', 'address', 'add', 'fd00:213::1/64', 'dev', name, 'nodad')
      const container = await host.create(sampleSpec(host.rootfs, { args: ['sleep', '100'] }))
      moveNetDevices(linuxKernel, { [name]: { name: 'data0' } }, container.monitor.pid)
      const inside = execFileSync('nsenter', ['-n', '-t', String(container.monitor.pid), 'ip', '-o', 'address', 'show', 'dev', 'data0'], { encoding: 'utf8' })
      assert.match(inside, /inet 10\.213\.7\.1\/24 /)
      assert.match(inside, /inet6 fd00:213::1\/64 /)
      assert.match(execFileSync('nsenter', ['-n', '-t', String(container.monitor.pid), 'ip', 'link', 'show', 'dev', 'data0'], { encoding: 'utf8' }), /[<,]UP[,>]/)
      assert.throws(() => moveNetDevices(linuxKernel, { [name]: {} }, container.monitor.pid), { message: `cannot use specification: linux.netDevices.${name}: this host has no such link` })
      await container.kill()
    } finally {
      try {
        ip('link', 'delete', `${name}p`)
      } catch {
        // It went with its other end.
      }
    }
  })
})
