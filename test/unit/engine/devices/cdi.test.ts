import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readCdiDevices } from '../../../../src/engine/devices/cdi-directories.ts'
import { parseCdiSpec, type CdiEdits } from '../../../../src/engine/devices/cdi-spec.ts'
import { requestedDevices } from '../../../../src/engine/devices/device-requests.ts'
import { injectDevices } from '../../../../src/engine/devices/inject.ts'
import type { OciSpec } from '../../../../src/runc/spec.ts'

const file = (kind: string, devices: Record<string, CdiEdits>, containerEdits?: CdiEdits) =>
  JSON.stringify({ cdiVersion: '0.6.0', kind, devices: Object.entries(devices).map(([name, edits]) => ({ name, containerEdits: edits })), ...(containerEdits && { containerEdits }) })

const container: OciSpec = { ociVersion: '1.0.2', process: { user: { uid: 5, gid: 6 }, args: ['x'], cwd: '/', env: ['PATH=/bin', 'A=old'] }, mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/opt', type: 'tmpfs' }] }

function inDirectories(tell: (first: string, second: string) => void): void {
  const root = mkdtempSync('/tmp/gt-cdi-')
  try {
    for (const name of ['a', 'b']) mkdirSync(join(root, name))
    tell(join(root, 'a'), join(root, 'b'))
  } finally {
    rmSync(root, { recursive: true })
  }
}

void test('a later directory takes precedence, two files of one directory have none, and broken files are told of', () => {
  inDirectories((first, second) => {
    writeFileSync(join(first, '1.json'), file('v.com/c', { one: { env: ['FROM=first'] }, two: {}, three: {} }))
    writeFileSync(join(second, '1.json'), file('v.com/c', { one: { env: ['FROM=second'] } }))
    writeFileSync(join(first, '2.yaml'), 'cdiVersion: 0.6.0\nkind: v.com/c\ndevices:\n- name: two\n')
    writeFileSync(join(first, '3.json'), '{')
    writeFileSync(join(first, '4.txt'), 'not looked at')
    const problems: string[] = []
    const devices = readCdiDevices([first, second, join(second, 'none')], (line) => problems.push(line))
    assert.deepEqual([...devices.keys()].toSorted(), ['v.com/c=one', 'v.com/c=three'])
    assert.deepEqual(devices.get('v.com/c=one')?.edits.env, ['FROM=second'])
    assert.equal(problems.length, 2)
    assert.match(problems.toSorted().join('\n'), /v\.com\/c=two is in more than one file[^]*cannot read CDI specification .*3\.json/)
  })
})

void test('edits of the file come once and before those of its devices; each replaces what stands in its place', () => {
  inDirectories((directory) => {
    writeFileSync(join(directory, 'x.json'), file('v.com/c', {
      one: { env: ['A=one'], deviceNodes: [{ path: '/dev/x', type: 'c', major: 9, minor: 8, permissions: 'r' }], netDevices: [{ hostInterfaceName: 'h0', name: 'n0' }] },
      two: { env: ['B=two'], hooks: [{ hookName: 'createContainer', path: '/h', args: ['h', '1'] }], deviceNodes: [{ path: '/dev/x', type: 'b', major: 7, minor: 6, uid: 0, fileMode: 0o600 }] },
    }, { env: ['A=file', 'B=file'], additionalGids: [0, 44], mounts: [{ hostPath: '/h/deep', containerPath: '/opt/deep', options: ['ro'] }, { hostPath: '/h', containerPath: '/opt' }] }))
    const spec = injectDevices(container, ['v.com/c=one', 'v.com/c=two'], readCdiDevices([directory]))
    assert.deepEqual(spec.process?.env, ['PATH=/bin', 'A=one', 'B=two'])
    assert.deepEqual(spec.process?.user, { uid: 5, gid: 6, additionalGids: [44] })
    assert.deepEqual(spec.mounts?.map(({ destination, type, options }) => [destination, type, options]), [['/proc', 'proc', undefined], ['/opt', 'bind', ['rbind']], ['/opt/deep', 'bind', ['ro', 'rbind']]])
    assert.deepEqual(spec.linux?.devices, [{ path: '/dev/x', type: 'b', major: 7, minor: 6, fileMode: 0o600, uid: 0, gid: 6 }])
    assert.deepEqual(spec.linux?.resources?.devices, [{ allow: true, type: 'c', major: 9, minor: 8, access: 'r' }, { allow: true, type: 'b', major: 7, minor: 6, access: 'rwm' }])
    assert.deepEqual(spec.linux?.netDevices, { h0: { name: 'n0' } })
    assert.deepEqual(spec.hooks, { createContainer: [{ path: '/h', args: ['h', '1'] }] })
  })
})

void test('what is missing of a node is what the host has, and a node that is not there is an error', () => {
  inDirectories((directory) => {
    writeFileSync(join(directory, 'x.json'), file('v.com/c', { null: { deviceNodes: [{ path: '/dev/mine', hostPath: '/dev/null' }] }, none: { deviceNodes: [{ path: '/dev/no-such' }] }, wrong: { deviceNodes: [{ path: '/dev/null', type: 'b' }] } }))
    const devices = readCdiDevices([directory])
    const [node] = injectDevices(container, ['v.com/c=null'], devices).linux?.devices ?? []
    assert.deepEqual([node?.path, node?.type, node?.major, node?.minor, node?.uid], ['/dev/mine', 'c', 1, 3, 5])
    assert.throws(() => injectDevices(container, ['v.com/c=none'], devices), /^GantryError: CDI device injection failed: failed to stat CDI host device "\/dev\/no-such": no such file or directory/)
    assert.throws(() => injectDevices(container, ['v.com/c=wrong'], devices), /host type mismatch/)
    assert.throws(() => injectDevices(container, ['v.com/c=x', 'v.com/c=y'], devices), /unresolvable CDI devices v\.com\/c=x, v\.com\/c=y/)
  })
})

void test('requests for GPUs go to the vendor that was asked for', () => {
  inDirectories((directory) => {
    writeFileSync(join(directory, 'a.json'), file('amd.com/gpu', { 0: {}, 1: {} }))
    writeFileSync(join(directory, 'n.json'), file('nvidia.com/gpu', { 0: {}, all: {} }))
    const devices = readCdiDevices([directory])
    const Capabilities = [['gpu']]
    assert.deepEqual(requestedDevices([{ Count: -1, Capabilities }], devices), ['nvidia.com/gpu=all'])
    assert.deepEqual(requestedDevices([{ Driver: 'amd', Count: -1, Capabilities }], devices), ['amd.com/gpu=0', 'amd.com/gpu=1'])
    assert.deepEqual(requestedDevices([{ DeviceIDs: ['0', 'amd.com/gpu=1'], Capabilities }], devices), ['nvidia.com/gpu=0', 'amd.com/gpu=1'])
    assert.throws(() => requestedDevices([{ Count: 2, Capabilities }], devices), /cannot give the container 2 devices of nvidia\.com\/gpu: there are 1/)
    assert.throws(() => requestedDevices([{ Driver: 'tpu', Count: 1, Capabilities: [['tpu', 'gpu'], ['x']] }], devices), /could not select device driver "tpu" with capabilities: \[\[tpu gpu\] \[x\]\]/)
    assert.throws(() => requestedDevices([{ Driver: 'cdi', Count: 1 }], devices), /unexpected count in CDI device request/)
  })
})

void test('a specification that is not one is refused', () => {
  const bad: [string, RegExp][] = [
    ['[]', /cdiVersion/],
    ['{"cdiVersion":"0.6.0","kind":"nothing","devices":[{"name":"a"}]}', /is not vendor\/class/],
    ['{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[]}', /no devices/],
    ['{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[{"name":"a"},{"name":"a"}]}', /there twice/],
    ['{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[{"name":"a","containerEdits":{"hooks":[{"hookName":"x","path":"/y"}]}}]}', /hook "x" is not known/],
    ['{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[{"name":"a","containerEdits":{"deviceNodes":[{"path":"x"}]}}]}', /needs a path/],
  ]
  for (const [text, expected] of bad) assert.throws(() => parseCdiSpec(text, 'json'), expected, text)
})
