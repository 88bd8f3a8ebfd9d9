import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { allPids, commandLine, parentOf } from '../harness/processes.ts'
import { projectRoot } from '../harness/program.ts'
import { tools } from '../harness/stories.ts'
import { hostileImage } from './rootfs.ts'
import { attackEngine } from './stage.ts'

const onDisk = path.join(projectRoot, 'build/gantry-init')
const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

attackEngine('overwriting the runtime (CVE-2019-5736)', (stage) => {
  /** The process that all monitors are forked from, and with them every container's first process. */
  const spawner = async (): Promise<number> => {
    await stage.ok('run', '--rm', tools, 'true') // it starts with the first container
    const found = allPids().find((pid) => parentOf(pid) === stage.engine.pid() && commandLine(pid)[0] === 'gantry-spawner')
    assert.ok(found, 'the spawner is not found')
    return found
  }

  void test('a container that executes the runtime gets a copy that cannot be written to', async () => {
    const pid = await spawner()
    const before = [hashOf(onDisk), hashOf(`/proc/${pid}/exe`)]
    await using container = await stage.container('--cap-add', 'SYS_PTRACE', ...stage.armed, '--entrypoint', '/proc/self/exe', tools, '--', 'sleep', '60')
    assert.match(await stage.ok('exec', container.id, 'readlink', '/proc/1/exe'), /memfd:gantry-init/)
    const { stdout } = await stage.docker('exec', container.id, '/attack/overwrite-exe', '2')
    assert.match(stdout, /^met 1 /m)
    assert.doesNotMatch(stdout, /^wrote/m)
    assert.deepEqual([hashOf(onDisk), hashOf(`/proc/${pid}/exe`)], before)
    // The same attack on a program that is a mere file. On a busy machine it may take more than one go.
    const victim = 'mkdir -p /gantry; cp /bin/busybox /gantry; (for i in 1 2 3; do sleep 1; /gantry/busybox sleep 0.4; done) & /attack/overwrite-exe 4'
    let control = ''
    for (let round = 0; round < 5 && !/^wrote/m.test(control); round++) control = (await stage.docker('exec', container.id, 'sh', '-c', victim)).stdout
    assert.match(control, /^wrote/m)
  })

  void test('an image whose programs are #!/proc/self/exe gains nothing', async () => {
    await hostileImage(stage, 'selfexe', (rootfs) => {
      for (const name of ['entry', 'bin/trap']) writeFileSync(path.join(rootfs, name), '#!/proc/self/exe\n', { mode: 0o755 })
      symlinkSync('/proc/self/exe', path.join(rootfs, 'link'))
    })
    const pid = await spawner()
    const before = [hashOf(onDisk), hashOf(`/proc/${pid}/exe`)]
    for (const command of ['/entry', '/link']) assert.notEqual((await stage.docker('run', '--rm', 'selfexe', command)).code, 0)
    await using container = await stage.container('--cap-add', 'SYS_PTRACE', ...stage.armed, 'selfexe', '/attack/overwrite-exe', '6')
    for (let round = 0; round < 15; round++) await stage.docker('exec', container.id, round % 2 === 0 ? '/bin/trap' : '/link')
    assert.equal((await stage.docker('wait', container.id)).stdout, '0\n')
    const said = await stage.ok('logs', container.id)
    assert.match(said, /^met /m, 'the attack never met its target')
    assert.doesNotMatch(said, /^wrote/m)
    assert.deepEqual([hashOf(onDisk), hashOf(`/proc/${pid}/exe`)], before)
    assert.equal(await stage.ok('run', '--rm', tools, 'echo', 'fine'), 'fine')
  })

  void test('an ordinary container cannot even look at the executable of what enters it', async () => {
    await using container = await stage.container(...stage.armed, tools, '/attack/overwrite-exe', '5')
    for (let round = 0; round < 20; round++) await stage.docker('exec', container.id, 'true')
    await stage.docker('wait', container.id)
    const said = await stage.ok('logs', container.id)
    assert.match(said, /^refused /m, 'the attack never met its target')
    assert.doesNotMatch(said, /^(met|wrote)/m)
  })
})
