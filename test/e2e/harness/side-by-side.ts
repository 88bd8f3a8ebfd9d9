import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { rootfsArchive, tiny } from './image.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory } from './private-directory.ts'
import { program } from './program.ts'
import { type Finished, must, run } from './run.ts'
import { dropSharedCgroups } from './shared-cgroups.ts'

export type Runtime = 'runc' | 'gantry-runc'
export const runtimes: readonly Runtime[] = ['runc', 'gantry-runc']

/** The same bundles, by hand, to runc and to gantry-runc. */
export interface SideBySide {
  directory: string
  /** A bundle that `change` has made of runc's proposal; with a root file system of its own if asked. */
  bundle(change: (spec: OciSpec) => void, options?: { ownRoot?: boolean }): Promise<string>
  /** Below the top of every tree. */
  cgroupOf(bundle: string): string
  call(runtime: Runtime, ...args: string[]): Promise<Finished>
  /** A shell line, in which RUNTIME stands for the runtime. */
  shell(runtime: Runtime, line: string): Promise<Finished>
  /** What both do, which has to be the same. */
  both<T>(act: (runtime: Runtime) => Promise<T>): Promise<T>
  /** Nothing may be left. */
  close(): Promise<void>
}

async function unpack(root: string): Promise<void> {
  mkdirSync(root)
  await must(['tar', '-C', root, '-xf', await rootfsArchive(tiny)])
}

export async function sideBySide(): Promise<SideBySide> {
  const directory = makePrivateDirectory()
  await unpack(path.join(directory, 'rootfs'))
  await must([program('runc'), 'spec', '-b', directory])
  const template = JSON.parse(readFileSync(path.join(directory, 'config.json'), 'utf8')) as OciSpec
  const state = (runtime: Runtime): string => path.join(directory, `state-${runtime}`)
  let count = 0
  return {
    directory,
    async bundle(change, { ownRoot = false } = {}) {
      const place = path.join(directory, `b${++count}`)
      mkdirSync(place)
      const spec = structuredClone(template)
      spec.process!.terminal = false
      spec.root!.path = path.join(ownRoot ? place : directory, 'rootfs')
      if (ownRoot) await unpack(spec.root!.path)
      spec.linux!.cgroupsPath = `/gantry-swap-${process.pid}-b${count}`
      change(spec)
      writeFileSync(path.join(place, 'config.json'), JSON.stringify(spec))
      return place
    },
    cgroupOf: (bundle) => `/gantry-swap-${process.pid}-${path.basename(bundle)}`,
    call: (runtime, ...args) => run([program(runtime), '--root', state(runtime), ...args]),
    shell: (runtime, line) => run(['sh', '-c', line.replaceAll('RUNTIME', `${program(runtime)} --root ${state(runtime)}`)]),
    async both(act) {
      const [theirs, ours] = [await act('runc'), await act('gantry-runc')]
      assert.deepEqual(ours, theirs)
      return ours
    },
    async close() {
      assert.deepEqual(processesOf(directory), [])
      for (const runtime of runtimes) assert.deepEqual(readdirSync(state(runtime)), [])
      await removePrivateDirectory(directory)
      dropSharedCgroups()
    },
  }
}
