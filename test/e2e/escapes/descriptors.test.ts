import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { tools } from '../harness/stories.ts'
import { makeBundle } from './bundle.ts'
import { hostileImage } from './rootfs.ts'
import { attackEngine } from './stage.ts'

const candidates = Array.from({ length: 60 }, (_, index) => index + 3)
const up = '../'.repeat(12).slice(0, -1)

/** Through a descriptor of the runtime's, up to the root of the host, and down to a path of it. */
const throughDescriptor = (descriptor: number, hostPath: string): string => `/proc/self/fd/${descriptor}/${up}${hostPath}`

const links = (listing: string): string[] => [...listing.matchAll(/(\S+) -> (.+)$/gm)].map(([, name, target]) => `${name} -> ${target}`)

attackEngine('escapes through leaked descriptors (CVE-2024-21626)', (stage) => {
  void test('a fresh process has descriptors 0, 1 and 2, and no directory of the host', async () => {
    const look = ['sh', '-c', 'ls -l /proc/$$/fd /proc/self/cwd /proc/self/root; true']
    await using container = await stage.container(tools, 'sleep', '99')
    for (const listing of [await stage.ok('run', '--rm', tools, ...look), await stage.ok('exec', container.id, ...look)]) {
      const found = links(listing)
      assert.deepEqual(found.filter((line) => line.startsWith('/proc')), ['/proc/self/cwd -> /', '/proc/self/root -> /'])
      assert.match(found.filter((line) => !line.startsWith('/proc')).join('\n'), /^0 -> \/dev\/null\n1 -> pipe:\S+\n2 -> pipe:\S+$/)
    }
  })

  void test('no working directory leads out, by run -w or by exec -w', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    for (const descriptor of candidates.slice(0, 26)) {
      for (const directory of [`/proc/self/fd/${descriptor}`, throughDescriptor(descriptor, '')]) {
        const look = ['cat', `./${up}${stage.bait.file}`]
        const { stdout } = await stage.docker('exec', '-w', directory, container.id, ...look)
        assert.doesNotMatch(stdout, /host-secret/, `exec -w ${directory}`)
      }
    }
    for (const descriptor of candidates.slice(0, 24)) {
      const { stdout, code } = await stage.docker('run', '--rm', '-w', `/proc/self/fd/${descriptor}`, tools, 'cat', `./${up}${stage.bait.file}`)
      assert.doesNotMatch(stdout, /host-secret/, `run -w /proc/self/fd/${descriptor}`)
      assert.notEqual(code, 0)
    }
  })

  void test('no entry point is a program of the host', async () => {
    for (const descriptor of candidates.slice(0, 26)) {
      const { stdout } = await stage.docker('run', '--rm', tools, throughDescriptor(descriptor, stage.bait.program), 'echo', 'reached')
      assert.doesNotMatch(stdout, /reached/, `descriptor ${descriptor}`)
    }
  })

  void test('no command of exec, no PATH and no interpreter is a program of the host', async () => {
    await hostileImage(stage, 'interpreter', () => {})
    await using container = await stage.container('interpreter', 'sleep', '99')
    const prepare = `for n in ${candidates.join(' ')}; do echo "#!/proc/self/fd/$n/${up}${stage.bait.program} echo" > /s$n; chmod 755 /s$n; done`
    await stage.ok('exec', container.id, 'sh', '-c', prepare)
    for (const descriptor of candidates.slice(0, 26)) {
      const attacks = [
        ['exec', container.id, throughDescriptor(descriptor, stage.bait.program), 'echo', 'reached'],
        ['exec', container.id, `/s${descriptor}`],
        ['exec', '-e', `PATH=${throughDescriptor(descriptor, stage.bait.directory)}`, container.id, 'busybox', 'echo', 'reached'],
      ]
      for (const attack of attacks) {
        const { stdout, code } = await stage.docker(...attack)
        assert.notEqual(code, 0, attack.join(' '))
        assert.equal(/^reached|^\/s\d/m.test(stdout), false, attack.join(' '))
      }
    }
  })

  void test('an exec does not take its input from where /dev/null points', async () => {
    await using container = await stage.container(tools, 'sleep', '99')
    for (const descriptor of candidates.slice(0, 26)) {
      await stage.docker('exec', '-i', container.id, 'ln', '-sfn', throughDescriptor(descriptor, stage.bait.file), '/dev/null')
      const { stdout } = await stage.docker('exec', container.id, 'sh', '-c', 'cat; echo OWNED >&0')
      assert.doesNotMatch(stdout, /host-secret/, `descriptor ${descriptor}`)
    }
    await stage.ok('exec', '-i', container.id, 'ln', '-sfn', stage.bait.file, '/dev/null')
    assert.doesNotMatch((await stage.docker('exec', container.id, 'cat')).stdout, /host-secret/)
    await stage.bait.assertUntouched()
  })

  void test('the runtime alone gives a bundle no way out either', async () => {
    const bundle = await makeBundle(stage.place('descriptors'))
    symlinkSync('/proc/self/fd', path.join(bundle.rootfs, 'fds'))
    for (const descriptor of candidates.slice(0, 24)) {
      const inside = await bundle.run((spec) => {
        spec.process!.args = [throughDescriptor(descriptor, stage.bait.program), 'echo', 'reached']
      })
      assert.doesNotMatch(inside.stdout, /reached/)
    }
    for (const cwd of ['/fds/4', '/fds/20', '/proc/self/fd/7']) {
      const { stdout, code } = await bundle.run((spec) => {
        Object.assign(spec.process!, { cwd, args: ['cat', `./${up}${stage.bait.file}`] })
      })
      assert.doesNotMatch(stdout, /host-secret/)
      assert.notEqual(code, 0)
    }
  })

  void test('descriptors that the caller of the runtime leaks do not arrive', async () => {
    const bundle = await makeBundle(stage.place('leaked'))
    const leak = ['sh', '-c', `exec 7<${stage.bait.directory} 9<${stage.bait.file}; exec "$@"`, 'sh']
    const { stdout } = await bundle.run((spec) => {
      spec.process!.args = ['sh', '-c', 'ls /proc/$$/fd; cat <&9; ls /proc/self/fd/7/']
    }, leak)
    assert.equal(stdout, '0\n1\n2\n')
  })
})
