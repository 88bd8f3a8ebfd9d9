import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { detectLayout } from '../../src/kernel/cgroup/layout.ts'
import { removeIfEmpty } from '../../src/kernel/cgroup/remove.ts'
import { rootfsArchive, tiny } from './harness/image.ts'
import { makePrivateDirectory, processesOf, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { must } from './harness/run.ts'
import { richSpec } from './specs/rich-spec.ts'
import { dropSharedCgroups } from './harness/shared-cgroups.ts'

interface Outcome {
  counts: { started: number; created: number; refused: number }
  /** Of each kind one, with the change that led to it. */
  reasons: Record<string, string>
}

/** The same in every run, so that a failure is one of the change at hand; others are tried by giving another. */
const seed = process.env.MUTATION_SEED ?? '1'

/** A field of the specification, or what became of one: the operation that could not be carried out, and on what. */
const namesWhatIsWrong = [
  /^cannot use specification: [a-zA-Z]/, /^cannot (set|use) linux\./, /^cannot use cgroup path "/, /^set (linux|process)\.\S+ .* to /, /^set sysctl \S+ to /, /^mount .+ on \//, /^(cannot )?bind \//, /^chdir to cwd \(/, /^(start: )?(unable to start container process: )?exec: "/,
  /^cannot run hook \//, /^cannot make the container with process\.rlimits /, /^container init was OOM-killed .*: linux\.resources\.memory\.limit is \d+$/, /^(make|open|close|look for|set|join|enter|protect|mask|remount|become) .*[/:]/,
]

void describe('create with 300 specifications that were tampered with', { concurrency: false, skip: process.arch !== 'x64' && 'names a system call of x86-64' }, () => {
  let directory = ''
  let outcome: Outcome
  const cgroup = `/gantry-mutated-${process.pid}`

  before(async () => {
    await sweep()
    directory = makePrivateDirectory()
    for (const name of ['state', 'bundle/rootfs', 'source']) mkdirSync(path.join(directory, name), { recursive: true })
    await must(['tar', '-C', path.join(directory, 'bundle/rootfs'), '-xf', await rootfsArchive(tiny)])
    writeFileSync(path.join(directory, 'bundle/config.json'), JSON.stringify(richSpec('rootfs', { source: path.join(directory, 'source'), cgroupsPath: `${cgroup}/c` })))
    // Namespaces of its own: whatever goes wrong, the host has no part in it, and every process there is of a container. The shell reaps.
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'specs/create-mutated.ts'), directory, '300', seed]
    const stdout = await must(['unshare', '--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--mount-proc', 'sh', '-c', '"$@"; exit $?', 'sh', ...node])
    outcome = JSON.parse(stdout) as Outcome
  })
  after(async () => {
    if (directory === '') return
    assert.deepEqual(processesOf(directory), [])
    await removePrivateDirectory(directory)
    removeIfEmpty(detectLayout(), cgroup)
    dropSharedCgroups()
  })

  void test('has a container that starts and goes without a trace, or a refusal and no trace', () => {
    // What it leaves was looked at after each one, where it was made.
    const { counts } = outcome
    assert.ok(counts.created + counts.refused >= 300, JSON.stringify(counts))
    assert.ok(counts.started >= 20, `only ${counts.started} could be started: the changes are too wild`)
    assert.ok(counts.refused >= 100, `only ${counts.refused} were refused`)
  })

  void test('says with each refusal what is wrong', () => {
    for (const [reason, changes] of Object.entries(outcome.reasons)) {
      assert.ok(namesWhatIsWrong.some((form) => form.test(reason)), `${JSON.stringify(reason)} after ${changes}`)
    }
  })
})
