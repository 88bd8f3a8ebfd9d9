import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { program } from '../harness/program.ts'
import { type Finished, must, run } from '../harness/run.ts'
import { makeRootfs } from './rootfs.ts'

/** A bundle and the runtime's own directory, for attacks on the runtime alone. */
export interface Bundle {
  readonly rootfs: string
  /** Runs the bundle to its end; `prefix` is a command that starts the runtime. */
  run(change: (spec: OciSpec) => void, prefix?: string[]): Promise<Finished>
  command(...args: string[]): Promise<Finished>
}

export async function makeBundle(directory: string): Promise<Bundle> {
  mkdirSync(directory, { recursive: true })
  const rootfs = await makeRootfs(path.join(directory, 'rootfs'))
  const runtime = [program('gantry-runc'), '--root', path.join(directory, 'run')]
  let count = 0
  const template = await specTemplate(directory)
  return {
    rootfs,
    command: (...args) => run([...runtime, ...args]),
    run(change, prefix = []) {
      const spec = JSON.parse(template) as OciSpec
      spec.process!.terminal = false
      change(spec)
      writeFileSync(path.join(directory, 'config.json'), JSON.stringify(spec))
      return run([...prefix, ...runtime, 'run', '--bundle', directory, `escape-${process.pid}-${path.basename(directory)}-${count++}`])
    },
  }
}

async function specTemplate(directory: string): Promise<string> {
  await must([program('gantry-runc'), 'spec', '--bundle', directory])
  return must(['cat', path.join(directory, 'config.json')])
}
