import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { openTaskService } from '../../src/containerd/tasks/service.ts'
import { linuxKernel } from '../../src/kernel/linux.ts'
import type { OciSpec } from '../../src/runc/spec.ts'
import { timed } from './timing.ts'

/**
 * The core of gantryd in a process of its own, so that it can be started in a mount namespace: runs the bundle (create, start, wait,
 * delete) a number of times for each line on standard input, and answers with the milliseconds that one took.
 * Arguments: bundle, exec root, data root, runs for a line.
 */
const [bundle = '', execRoot = '', dataRoot = '', inTurn = '1'] = process.argv.slice(2)
const tasks = openTaskService({ kernel: linuxKernel, root: execRoot })
const spec = JSON.parse(readFileSync(path.join(bundle, 'config.json'), 'utf8')) as OciSpec
let count = 0

await run()
for await (const line of createInterface({ input: process.stdin })) {
  if (line === '') break
  const milliseconds = await timed(async () => {
    for (let turn = 0; turn < Number(inTurn); turn++) await run()
  })
  console.log(milliseconds / Number(inTurn))
}
tasks.close()

async function run(): Promise<void> {
  const id = `bench-${process.pid}-${count++}`
  const task = await tasks.create({ id, spec: () => structuredClone(spec), rootfs: { type: 'bind', source: path.join(bundle, 'rootfs'), readonly: false }, mountpoint: path.join(dataRoot, id), stdio: { stdin: false } })
  const ended = task.wait()
  await task.start()
  await ended
  await task.delete()
}
