import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { tiny, throughEachClient } from './harness/stories.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'

const directory = makePrivateDirectory()
after(() => removePrivateDirectory(directory))
const specs = path.join(directory, 'cdi')
mkdirSync(specs)
writeFileSync(path.join(specs, 'vendor.yaml'), `cdiVersion: "0.6.0"
kind: vendor.com/thing
devices:
- name: one
  containerEdits:
    deviceNodes:
    - path: /dev/thing
      hostPath: /dev/fuse
      permissions: r
    env:
    - THING=one
- name: two
  containerEdits:
    env: [THING2=two, "PATH=/bin"]
containerEdits:
  additionalGids: [77, 0]
  env:
  - VENDOR=yes
  mounts:
  - hostPath: ${specs}
    containerPath: /opt/specs
    options: [ro, nosuid, nodev, bind]
  hooks:
  - hookName: createContainer
    path: /bin/sh
    args: ["sh", "-c", "cat > ${directory}/hook-state"]
  - hookName: createRuntime
    path: /bin/sh
    args: ["sh", "-c", "echo before >> ${directory}/hook-order"]
  - hookName: poststart
    path: /bin/sh
    args: ["sh", "-c", "echo started >> ${directory}/hook-order"]
  - hookName: poststop
    path: /bin/sh
    args: ["sh", "-c", "grep -o stopped >> ${directory}/hook-order"]
`)
writeFileSync(path.join(specs, 'gpu.json'), JSON.stringify({ cdiVersion: '0.5.0', kind: 'acme.org/gpu', devices: ['0', '1', 'all'].map((name) => ({ name, containerEdits: { env: [`GPU_${name}=here`] } })) }))
writeFileSync(path.join(specs, 'broken.yaml'), 'cdiVersion: [')

throughEachClient('devices', (stage) => {
  const names = async (...flags: string[]) => (await stage.ok('run', '--rm', ...flags, tiny, 'env')).split('\n').filter((line) => line.startsWith('GPU_')).toSorted()

  void test('a CDI device brings its nodes, environment, mounts, groups and hooks', async () => {
    for (const name of ['hook-state', 'hook-order']) rmSync(path.join(directory, name), { force: true })
    const script = 'echo $THING $THING2 $VENDOR; id -G; ls /opt/specs; stat -c %t:%T /dev/thing; (: < /dev/thing) && echo readable; (: > /dev/thing) 2>&1; touch /opt/specs/x 2>&1'
    const output = await stage.ok('run', '--rm', '--device', 'vendor.com/thing=one', '--device', 'vendor.com/thing=two', tiny, 'sh', '-c', `${script}; true`)
    assert.match(output, /^one two yes\n0 77\nbroken\.yaml\ngpu\.json\nvendor\.yaml\na:e5\nreadable\n.*\/dev\/thing: Operation not permitted\n.*Read-only file system$/)
    assert.ok(statSync(path.join(directory, 'hook-state')).size > 0, 'the hook got the state')
    assert.equal(readFileSync(path.join(directory, 'hook-order'), 'utf8'), 'before\nstarted\nstopped\n')
  })

  void test('--gpus takes what the specifications have of that class', async () => {
    assert.deepEqual(await names('--gpus', 'all'), ['GPU_all=here'])
    assert.deepEqual(await names('--gpus', '1'), ['GPU_0=here'])
    assert.deepEqual(await names('--gpus', '"device=0,1"'), ['GPU_0=here', 'GPU_1=here'])
    assert.deepEqual(await names('--device', 'acme.org/gpu=1'), ['GPU_1=here'])
  })

  void test('what no specification has is refused with the words of Docker, and info shows what there is', async () => {
    const refused = async (...flags: string[]) => {
      const { code, stderr } = await stage.docker('run', '--rm', ...flags, tiny, 'true')
      assert.equal(code, 125)
      return stderr
    }
    assert.match(await refused('--device', 'vendor.com/thing=three'), /CDI device injection failed: unresolvable CDI devices vendor\.com\/thing=three/)
    assert.match(await refused('--gpus', 'driver=nvidia,count=1'), /could not select device driver "nvidia" with capabilities: \[\[gpu\]\]/)
    const info = await stage.ok('info')
    assert.match(info, new RegExp(`CDI spec directories:\n\\s+${specs}`))
    const { DiscoveredDevices } = JSON.parse((await stage.engine.api({ path: '/v1.50/info' })).text) as { DiscoveredDevices: { Source: string; ID: string }[] }
    assert.deepEqual(DiscoveredDevices.map(({ ID }) => ID), ['acme.org/gpu=0', 'acme.org/gpu=1', 'acme.org/gpu=all', 'vendor.com/thing=one', 'vendor.com/thing=two'])
  })

  void test('--device gives a node with these rights, --device-cgroup-rule rights without a node', async () => {
    const attempt = async (...flags: string[]) => stage.ok('run', '--rm', ...flags, tiny, 'sh', '-c', 'test -e /dev/x || mknod /dev/x c 1 11; (head -c1 /dev/x >/dev/null; echo read) 2>/dev/null; (: >/dev/x) 2>/dev/null && echo write; true')
    assert.equal(await attempt('--device', '/dev/null:/dev/x:rw'), 'read\nwrite')
    const rules = async (...flags: string[]) => {
      await using container = await stage.container(...flags, tiny, 'sleep', '99')
      return await container.inspect('{{json .HostConfig.DeviceCgroupRules}}')
    }
    assert.equal(await rules('--device-cgroup-rule', 'c 1:11 r', '--device-cgroup-rule', 'b *:* m'), '["c 1:11 r","b *:* m"]')
    const loop = (...flags: string[]) => stage.ok('run', '--rm', ...flags, tiny, 'sh', '-c', 'mknod /tmp/fuse c 10 229; (: </tmp/fuse) 2>/dev/null && echo opened; true')
    assert.deepEqual([await loop(), await loop('--device-cgroup-rule', 'c 10:229 r')], ['', 'opened'])
    const { status, text } = await stage.engine.api({ method: 'POST', path: '/containers/create', body: JSON.stringify({ Image: tiny, Cmd: ['true'], HostConfig: { DeviceCgroupRules: ['c 1:1  r'] } }) })
    assert.deepEqual([status, JSON.parse(text).message], [400, "invalid device cgroup rule format: 'c 1:1  r'"])
  })
}, { images: [tiny], flags: ['--cdi-spec-dir', specs] })
