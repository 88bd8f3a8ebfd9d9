import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Duplex } from 'node:stream'
import { openTaskService } from '../../../../src/containerd/tasks/service.ts'
import type { ExecProcess, Task, TaskService } from '../../../../src/containerd/tasks/contract.ts'
import { cgroupDirectory, detectLayout } from '../../../../src/kernel/cgroup/layout.ts'
import { removeIfEmpty } from '../../../../src/kernel/cgroup/remove.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import type { GantryError } from '../../../../src/lib/errors.ts'
import type { OciSpec } from '../../../../src/runc/spec.ts'
import { eventually } from '../../../e2e/harness/eventually.ts'

const top = mkdtempSync(join(tmpdir(), 'gantry-tasks-'))
const lower = join(top, 'lower')
after(async () => {
  for (const task of tasks.list()) await task.delete()
  rmSync(top, { recursive: true })
})

for (const directory of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp']) mkdirSync(join(lower, directory), { recursive: true })
copyFileSync('/bin/busybox', join(lower, 'bin/busybox'))
chmodSync(join(lower, 'bin/busybox'), 0o755)
for (const applet of ['sh', 'echo', 'cat', 'sleep', 'true', 'tty', 'stty', 'dd', 'id']) symlinkSync('busybox', join(lower, 'bin', applet))
writeFileSync(join(lower, 'etc/plain'), 'text\n')

const execRoot = join(top, 'x')
const tasks = openTaskService({ kernel: linuxKernel, root: execRoot })
let count = 0

function specification(args: string[], terminal: boolean, cgroup: string): OciSpec {
  const namespaces = (['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'time'] as const).map((type) => ({ type }))
  return {
    ociVersion: '1.2.0',
    process: { terminal, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/' },
    hostname: 'inside',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    ],
    linux: { cgroupsPath: cgroup, namespaces, resources: { memory: { limit: 32 << 20, swap: 32 << 20 } } },
  }
}

async function create(args: string[], options: { terminal?: boolean; stdin?: boolean; cgroupParent?: string; service?: TaskService } = {}): Promise<Task> {
  const id = `gantry-task-${process.pid}-${count++}`
  const [upper, work] = ['u', 'w'].map((name) => join(top, `${id}-${name}`)) as [string, string]
  for (const directory of [upper, work]) mkdirSync(directory)
  return await (options.service ?? tasks).create({
    id,
    spec: () => specification(args, options.terminal === true, `${options.cgroupParent ?? '/docker'}/${id}`),
    rootfs: { type: 'overlay', lower: [lower], upper, work },
    mountpoint: join(top, `${id}-m`),
    stdio: { stdin: options.stdin === true, logPath: join(top, `${id}.log`) },
  })
}

async function outputOf(process: Task | ExecProcess, input?: string): Promise<string> {
  const stream = await process.attach({ stdin: input !== undefined, stdout: true, stderr: true, closeStdin: true })
  await process.start()
  if (input !== undefined) stream.end(input)
  return await readAll(stream)
}

async function readAll(stream: Duplex): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += (chunk as Buffer).toString('latin1')
  return text.replaceAll(/[\x01\x02]\0\0\0.{4}/gs, '')
}

function traces(task: Task): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(task.id))
  const cgroups = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}/docker/${task.id}`).filter((path) => existsSync(path))
  return [...mounts, ...cgroups, ...readdirSync(join(execRoot, 'containers'))]
}

test('a task runs in namespaces of its own and leaves nothing when it is deleted', async () => {
  const task = await create(['sh', '-c', 'read line; echo "$line $$"; exit 5'], { stdin: true })
  for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time']) {
    assert.notEqual(readlinkSync(`/proc/${task.pid}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), name)
  }
  assert.equal(task.status, 'created')
  assert.equal(await outputOf(task, 'hello\n'), 'hello 1\n')
  const exit = await task.delete()
  assert.deepEqual([exit.code, exit.oomKilled, task.status], [5, false, 'stopped'])
  assert.deepEqual(traces(task), [])
})

test('an exec joins the namespaces and the cgroup, and has its own exit code', async () => {
  const task = await create(['sleep', '1000'])
  await task.start()
  const exec = await task.exec({ execId: 'e1', stdin: false, process: { user: { uid: 12, gid: 34 }, args: ['sh', '-c', 'id -u; id -g; exit 9'], env: ['PATH=/bin'], cwd: '/tmp' } })
  for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time']) {
    assert.equal(readlinkSync(`/proc/${exec.pid}/ns/${name}`), readlinkSync(`/proc/${task.pid}/ns/${name}`), name)
  }
  assert.deepEqual(new Set(task.pids()), new Set([task.pid, exec.pid]))
  assert.equal(await outputOf(exec), '12\n34\n')
  assert.equal((await exec.wait()).code, 9)
  await exec.delete()
  await task.pause()
  assert.equal(task.status, 'paused')
  await task.resume()
  assert.equal(task.status, 'running')
  assert.equal((await task.delete()).code, 137)
  assert.deepEqual(traces(task), [])
})

test('a terminal is a terminal, has the size it is told, and passes input', async () => {
  const task = await create(['sh', '-c', 'tty; read line; stty size; echo "<$line>"'], { terminal: true, stdin: true })
  const stream = await task.attach({ stdin: true, stdout: true, stderr: true, closeStdin: false })
  await task.start()
  await task.resize({ width: 91, height: 27 })
  stream.write('typed\n')
  const output = await readAll(stream)
  assert.match(output, /\/dev\/(console|pts\/0)\r\n/)
  assert.match(output, /27 91\r\n<typed>\r\n/)
  await task.delete()
})

test('a command that is missing, not executable or a directory is told apart and leaves nothing', async () => {
  const cases = [
    ['nosuch', /exec: "nosuch": executable file not found in \$PATH/, 127],
    ['/no/such', /exec: "\/no\/such": stat \/no\/such: no such file or directory/, 127],
    ['/etc/plain', /exec: "\/etc\/plain": permission denied/, 126],
    ['/etc', /exec: "\/etc": is a directory/, 126],
  ] as const
  for (const [command, text, code] of cases) {
    const task = await create([command])
    await assert.rejects(task.start(), (error: GantryError) => text.test(error.message) && error.exitCode === code)
    await task.delete()
    assert.deepEqual(traces(task), [])
  }
})

test('the kernel ending a process for memory is noticed', async () => {
  const task = await create(['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=100M count=1'])
  await task.start()
  const exit = await task.wait()
  await task.delete()
  assert.deepEqual([exit.code, exit.oomKilled], [137, true])
})

test('a new service finds running, ended and created tasks', async () => {
  const running = await create(['sleep', '1000'])
  await running.start()
  const ended = await create(['sh', '-c', 'exit 6'])
  await ended.start()
  await ended.wait()
  const unstarted = await create(['true'])
  const found = await openTaskService({ kernel: linuxKernel, root: execRoot }).recover()
  assert.deepEqual(new Map(found.map(({ id, status }) => [id, status === 'created'])), new Map([[running.id, false], [ended.id, false], [unstarted.id, true]]))
  const again = found.find(({ id }) => id === running.id)!
  assert.deepEqual([again.status, again.pid], ['running', running.pid])
  assert.equal((await found.find(({ id }) => id === ended.id)!.delete()).code, 6)
  assert.equal((await again.delete()).code, 137)
  await found.find(({ id }) => id === unstarted.id)!.delete()
  assert.deepEqual(traces(unstarted), [])
})

test('a task that was recorded as started, but not told before the engine died, goes on', async () => {
  const task = await create(['sh', '-c', 'exit 9'])
  const file = join(execRoot, 'containers', task.id, 'task.json')
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), started: true }))
  const found = (await openTaskService({ kernel: linuxKernel, root: execRoot }).recover()).find(({ id }) => id === task.id)!
  assert.equal((await found.wait()).code, 9)
  await found.delete()
})

test('execs that an engine left: one that waits is killed, one that runs goes on, and each leaves nothing', async () => {
  const task = await create(['sleep', '1000'])
  await task.start()
  const process = { cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } }
  const waiting = await task.exec({ execId: 'waiting', process: { ...process, args: ['sleep', '1000'] }, stdin: false })
  const running = await task.exec({ execId: 'running', process: { ...process, args: ['sleep', '1'] }, stdin: false })
  await running.start()
  const found = (await openTaskService({ kernel: linuxKernel, root: execRoot }).recover()).find(({ id }) => id === task.id)!
  assert.deepEqual([(await waiting.wait()).code, (await running.wait()).code], [137, 0])
  await eventually(() => assert.deepEqual(readdirSync(join(execRoot, 'containers', task.id, 'exec')), []))
  await found.delete()
})

test('an empty cgroup is taken away, one that holds a task is not', async () => {
  const layout = detectLayout()
  const above = `/gantry-above-${process.pid}`
  const directories = layout.hierarchies.map((hierarchy) => cgroupDirectory(hierarchy, above))
  const task = await create(['sleep', '1000'], { cgroupParent: above })
  removeIfEmpty(layout, above)
  assert.ok(directories.every((directory) => existsSync(directory)))
  await task.delete()
  removeIfEmpty(layout, above)
  assert.deepEqual(directories.filter((directory) => existsSync(directory)), [])
})

test('a task is made although the cgroup above its own is taken away on the way', async () => {
  const above = `/gantry-gone-${process.pid}`
  const layout = detectLayout()
  let taken = 0
  const thief = { ...linuxKernel, spawnMonitor: (options: { programPath: string }) => (taken++ === 0 && removeIfEmpty(layout, above), linuxKernel.spawnMonitor(options)) }
  const task = await create(['true'], { cgroupParent: above, service: openTaskService({ kernel: thief, root: join(top, 'y') }) })
  assert.equal(taken, 2)
  await task.start()
  assert.equal((await task.wait()).code, 0)
  await task.delete()
  removeIfEmpty(layout, above)
})
