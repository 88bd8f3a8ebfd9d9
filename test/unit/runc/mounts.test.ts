import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

describe('mounts of a container', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  const source = join(host.directory, 'source')
  const mounted = join(host.directory, 'mounted')
  before(() => {
    mkdirSync(join(source, 'below'), { recursive: true })
    writeFileSync(join(source, 'file'), 'content\n')
    chownSync(join(source, 'file'), 1000, 1001)
    mkdirSync(mounted)
    execFileSync('mount', ['-t', 'tmpfs', 'gantry-test', mounted])
    execFileSync('mount', ['--make-shared', mounted])
    mkdirSync(join(mounted, 'inner'))
    execFileSync('mount', ['-t', 'tmpfs', 'gantry-test-inner', join(mounted, 'inner')])
  })
  after(async () => {
    execFileSync('umount', ['-R', mounted])
    await host.close()
  })

  test('show their ids as others when mapped', async () => {
    const map = [{ containerID: 1000, hostID: 5000, size: 10 }]
    const { stdout, stderr } = await host.run('stat -c %u:%g /data/file; chmod 777 /data; touch /data/made; stat -c %u /data/made', (spec) => {
      spec.mounts!.push({ destination: '/data', type: 'bind', source, options: ['rbind'], uidMappings: [...map, { containerID: 0, hostID: 0, size: 1 }], gidMappings: [...map, { containerID: 0, hostID: 0, size: 1 }] })
    })
    assert.equal(stderr, '')
    assert.equal(stdout, '5000:5001\n0\n')
  })

  test('show the ids of the user namespace with idmap', async () => {
    const { stdout, stderr } = await host.run('stat -c %u:%g /data/file; cat /data/file', (spec) => {
      const ids = [{ containerID: 0, hostID: 300_000, size: 65_536 }]
      Object.assign(spec.linux!, { uidMappings: ids, gidMappings: ids })
      spec.linux!.namespaces!.push({ type: 'user' })
      spec.mounts!.push({ destination: '/data', type: 'bind', source, options: ['rbind', 'idmap'] })
      spec.root!.readonly = true
    })
    assert.equal(stderr, '')
    assert.equal(stdout, '1000:1001\ncontent\n')
  })

  test('copy what they cover with tmpcopyup', async () => {
    const covered = join(host.rootfs, 'covered')
    mkdirSync(join(covered, 'sub'), { recursive: true })
    writeFileSync(join(covered, 'sub/big'), Buffer.alloc(300_000, 'x'))
    writeFileSync(join(covered, 'tool'), '#!/bin/sh\n')
    chmodSync(join(covered, 'tool'), 0o4755)
    chownSync(join(covered, 'sub'), 7, 8)
    symlinkSync('/etc/passwd', join(covered, 'link'))
    const { stdout, stderr } = await host.run('cd /covered; stat -c "%n %a %u:%g %s" sub tool sub/big; readlink link; wc -c < sub/big; touch x', (spec) => {
      spec.mounts!.push({ destination: '/covered', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'nosuid', 'tmpcopyup'] })
    })
    assert.match(stdout, /^sub 755 7:8 \d+\ntool 4755 0:0 10\nsub\/big 644 0:0 300000\n\/etc\/passwd\n300000\n$/)
    assert.match(stderr, /x: Read-only file system/)
  })

  test('take a symlink as it is with copy-symlink', async () => {
    symlinkSync('/bin/busybox', join(source, 'link'))
    const { stdout } = await host.run('readlink /new/link; readlink /followed; head -c 1 /followed | wc -c', (spec) => {
      spec.mounts!.push({ destination: '/new/link', type: 'bind', source: join(source, 'link'), options: ['bind', 'copy-symlink'] })
    })
    assert.equal(stdout, '/bin/busybox\n0\n')
  })

  test('are read-only below too with rro, and not with ro', async () => {
    const script = 'touch /data/x; touch /data/inner/x'
    for (const [option, refusals] of [['rro', 2], ['ro', 1]] as const) {
      const { stderr } = await host.run(script, (spec) => void spec.mounts!.push({ destination: '/data', type: 'bind', source: mounted, options: ['rbind', option] }))
      assert.equal(stderr.split('Read-only').length - 1, refusals)
    }
  })

  test('hear of mounts of the host, or share with it, as their propagation says', async () => {
    for (const [option, heard] of [['rslave', true], ['rprivate', false], ['rshared', true]] as const) {
      const spec = sampleSpec(host.rootfs, { args: ['sleep', '100'] })
      spec.mounts!.push({ destination: '/data', type: 'bind', source: mounted, options: ['rbind', option] })
      const container = await host.create(spec)
      await container.monitor.start()
      const late = join(mounted, 'late')
      mkdirSync(late, { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', 'late', late])
      const mountinfo = readFileSync(`/proc/${container.monitor.pid}/mountinfo`, 'utf8')
      assert.equal(/ \/data\/late /.test(mountinfo), heard, option)
      assert.match(mountinfo, { rslave: / \/data .* master:\d+ - /, rprivate: / \/data \S+ - /, rshared: / \/data .* shared:\d+ - / }[option])
      execFileSync('umount', [late])
      await container.kill()
    }
  })

  test('of control groups can be writable', async () => {
    if (host.layout.mode === 'v2') return
    const make = 'mkdir /sys/fs/cgroup/pids/inner && rmdir /sys/fs/cgroup/pids/inner && echo made'
    assert.equal((await host.run(make)).stdout, '')
    const { stdout } = await host.run(make, (spec) => {
      for (const mount of spec.mounts!) if (mount.type === 'cgroup') mount.options = ['rw', 'nosuid', 'noexec', 'nodev']
    })
    assert.equal(stdout, 'made\n')
  })
})
