import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { runHooks, tryHooks } from '../../../src/runc/hooks.ts'
import type { OciState } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

const state: OciState = { ociVersion: '1.2.0', id: 'x', status: 'created', pid: 7, bundle: '/b' }
const shell = (script: string, more: object = {}): { path: string; args: string[] } => ({ path: '/bin/sh', args: ['hook', '-c', script], ...more })

describe('hooks outside a container', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-hook-test-'))
  const file = (name: string): string => join(directory, name)
  after(() => rmSync(directory, { recursive: true }))

  test('get the state, their arguments and nothing but their environment', async () => {
    const out = file('out')
    await runHooks(linuxKernel, [shell(`cat > ${out}; echo "$0 $A $HOME" >> ${out}`, { env: ['A=b=c'] })], state)
    assert.equal(readFileSync(out, 'utf8'), `${JSON.stringify(state)}hook b=c \n`)
  })

  test('end the container with the first that fails, and say what it said', async () => {
    const never = file('never')
    await assert.rejects(runHooks(linuxKernel, [shell('echo no >&2; exit 3'), shell(`touch ${never}`)], state), { message: 'cannot run hook /bin/sh: exit status 3, stderr: no' })
    assert.ok(!existsSync(never))
    await assert.rejects(runHooks(linuxKernel, [{ path: '/not/there' }], state), /cannot run hook \/not\/there: exit status 127/)
    await assert.rejects(runHooks(linuxKernel, [{ path: '/bin/sleep', args: ['sleep', '30'], timeout: 1 }], state), { message: 'cannot run hook /bin/sleep: it took longer than 1 s' })
  })

  test('only warn after the start and the stop', async () => {
    const warnings = await tryHooks(linuxKernel, [shell('exit 1'), shell('true'), shell('exit 2')], state)
    assert.deepEqual(warnings.map((warning) => /status \d/.exec(warning)?.[0]), ['status 1', 'status 2'])
  })
})

describe('hooks inside a container', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())
  const identity = { id: 'c1', bundle: '/bundle' }

  test('createContainer runs programs of the host in its namespaces, before its root is entered', async () => {
    const out = join(host.directory, 'created')
    const spec = sampleSpec(host.rootfs, { args: ['true'] })
    spec.annotations = { note: '100%' }
    spec.hooks = { createContainer: [shell(`cat > ${out}; echo >> ${out}; readlink /proc/self/ns/mnt /proc/self/ns/net >> ${out}; ls /proc/self/fd >> ${out}`)] }
    const container = await host.create(spec, { identity })
    const [json, mount, network, ...descriptors] = readFileSync(out, 'utf8').trim().split('\n')
    assert.deepEqual(JSON.parse(json ?? ''), { ociVersion: '1.2.0', id: 'c1', status: 'creating', pid: 1, bundle: '/bundle', annotations: { note: '100%' } })
    assert.equal(mount, readlinkSync(`/proc/${container.monitor.pid}/ns/mnt`))
    assert.equal(network, readlinkSync(`/proc/${container.monitor.pid}/ns/net`))
    assert.deepEqual(descriptors, ['0', '1', '2', '3'], '3 is the directory that ls reads')
    assert.equal((await container.finish()).code, 0)
  })

  test('startContainer runs programs of the container after its start, unheard and with its rights', async () => {
    const spec = sampleSpec(host.rootfs, { args: ['cat', '/tmp/started'] })
    const script = 'cat > /tmp/started; grep CapEff /proc/self/status >> /tmp/started; echo heard; ls /proc/self/fd >> /tmp/started; true'
    spec.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
    const container = await host.create(spec, { identity })
    assert.ok(!existsSync(join(host.rootfs, 'tmp/started')))
    const { stdout } = await container.finish()
    const [first = '', ...descriptors] = stdout.trim().split('\n')
    assert.match(first, /^\{"ociVersion":"1.2.0","id":"c1","status":"created","pid":1,"bundle":"\/bundle"\}CapEff:\t00000000a80425fb$/)
    assert.deepEqual(descriptors, ['0', '1', '2', '3'])
  })

  test('tell a pid of several digits in the pid namespace of the host', async () => {
    const out = join(host.directory, 'pids')
    const spec = sampleSpec(host.rootfs)
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    spec.hooks = { createContainer: [shell(`cat > ${out}`)] }
    const container = await host.create(spec)
    assert.equal((JSON.parse(readFileSync(out, 'utf8')) as OciState).pid, container.monitor.pid)
    await container.finish()
  })

  test('fail the creation or the start, naming the hook', async () => {
    const spec = sampleSpec(host.rootfs)
    spec.hooks = { createContainer: [shell('true'), shell('exit 1')] }
    await assert.rejects(host.create(spec), { label: 'run hooks.createContainer[1] /bin/sh' })
    spec.hooks = { createContainer: [shell('sleep 60', { timeout: 1 })] }
    await assert.rejects(host.create(spec), { label: 'run hooks.createContainer[0] /bin/sh within 1 s', code: 'ETIMEDOUT' })
    spec.hooks = { createContainer: [shell('true', { timeout: 5 })], startContainer: [{ path: '/not/there' }] }
    const container = await host.create(spec)
    await assert.rejects(container.finish(), { label: 'execute the program of hooks.startContainer[0] /not/there' })
  })
})
