import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseCommandLine } from '../../../src/gantryd/command-line.ts'
import { mergeConfigFile } from '../../../src/gantryd/config-file.ts'
import { resolveCgroups, type CgroupHost } from '../../../src/gantryd/cgroups.ts'
import { cgroupsPathOf } from '../../../src/engine/spec/build-spec.ts'

const systemd = { systemd: true, unified: true }
const driverOn = (host: CgroupHost): string => resolveCgroups(new Map(), host).driver
const chosen = (...args: string[]): string => resolveCgroups(parseCommandLine(args), systemd).driver
const refusal = (option: string, message: string, host = systemd): void => assert.throws(() => resolveCgroups(parseCommandLine(['--exec-opt', option]), host), { message }, option)
const at = (CgroupParent: string, cgroupParent?: string): string => cgroupsPathOf({ id: 'c', hostConfig: { CgroupParent }, cgroupParent, cgroupDriver: 'systemd' })

describe('who manages cgroups', () => {
  test('is systemd where it runs the host and there is v2 only, else nobody but the engine', () => {
    assert.deepEqual([driverOn(systemd), driverOn({ systemd: true, unified: false }), driverOn({ systemd: false, unified: true })], ['systemd', 'cgroupfs', 'cgroupfs'])
  })

  test('can be chosen by flag and by daemon.json, the first word counts', () => {
    assert.equal(chosen('--exec-opt', 'native.cgroupdriver=cgroupfs'), 'cgroupfs')
    assert.equal(chosen('--exec-opt=Native.CgroupDriver = cgroupfs', '--exec-opt', 'native.cgroupdriver=systemd'), 'cgroupfs')
    assert.equal(chosen('--exec-opt', 'native.cgroupdriver='), 'systemd')
    assert.equal(resolveCgroups(parseCommandLine(['--exec-opt', 'native.cgroupdriver=systemd']), { systemd: true, unified: false }).driver, 'systemd')
    const directory = mkdtempSync(join(tmpdir(), 'gantry-config-'))
    try {
      writeFileSync(join(directory, 'daemon.json'), '{"exec-opts": ["native.cgroupdriver=cgroupfs"], "cgroup-parent": "/mine"}')
      assert.deepEqual(resolveCgroups(mergeConfigFile(parseCommandLine(['--config-file', join(directory, 'daemon.json')])), systemd), { driver: 'cgroupfs', parent: '/mine' })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('is refused in the words of dockerd when it is none', () => {
    refusal('native.cgroupdriver=none', 'native.cgroupdriver option none is internally used and cannot be specified manually')
    refusal('native.cgroupdriver=x', 'native.cgroupdriver option x not supported')
    refusal('native', 'unable to parse key/value option: native')
    refusal('isolation=hyperv', 'cannot use exec-opt isolation: native.cgroupdriver is known')
    refusal('native.cgroupdriver=systemd', 'cannot use native.cgroupdriver=systemd: systemd not running on this host', { systemd: false, unified: true })
  })

  test('wants a slice as parent when it is systemd', () => {
    assert.throws(() => resolveCgroups(parseCommandLine(['--cgroup-parent', '/mine']), systemd), { kind: 'InvalidParameter', message: 'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"' })
    assert.deepEqual(resolveCgroups(parseCommandLine(['--cgroup-parent', 'mine.slice']), systemd), { driver: 'systemd', parent: 'mine.slice' })
  })

  test('decides where a container is', () => {
    assert.deepEqual([at(''), at('', 'all.slice'), at('pod.slice', 'all.slice')], ['system.slice:docker:c', 'all.slice:docker:c', 'pod.slice:docker:c'])
    assert.equal(cgroupsPathOf({ id: 'c', hostConfig: {}, cgroupParent: '/all' }), '/all/c')
  })
})
