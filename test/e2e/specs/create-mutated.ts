import assert from 'node:assert/strict'
import { closeSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { array, assert as check, asyncProperty } from 'fast-check'
import { cgroupDirectory, checkedPath, detectLayout } from '../../../src/kernel/cgroup/layout.ts'
import { messageOf } from '../../../src/lib/errors.ts'
import { cgroupOf } from '../../../src/runc/cgroup-path.ts'
import { createContainer, deleteContainer, startContainer } from '../../../src/runc/lifecycle.ts'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { eventually } from '../harness/eventually.ts'
import { changeOf, mutate, pathsOf } from './mutations.ts'

/**
 * A program, to be run in namespaces of its own: what goes wrong must not go wrong on the host. Makes containers of specifications that were
 * tampered with, and looks after each one for what it has left.
 *   create-mutated DIRECTORY RUNS SEED    DIRECTORY has a `bundle` with a specification that is right and its `rootfs`
 */
const [directory = '', runs = '300', seed = '1'] = process.argv.slice(2)
const root = path.join(directory, 'state')
const bundle = path.join(directory, 'bundle')
const valid = readFileSync(path.join(bundle, 'config.json'), 'utf8')
const layout = detectLayout()
const plan = { preserved: 0, nullDescriptors: [0, 1, 2], stays: false, waits: true, keepsKeyring: false }
const rowsBefore = new Set(mountRows())
const counts = { started: 0, created: 0, refused: 0 }
const reasons: Record<string, string> = {}

/** What a container consists of. Files in its root, and the cgroup above its own, are for the next one. */
function traces(spec: OciSpec): Record<string, unknown> {
  return {
    // The host's go as their directories are removed, and none comes.
    mounts: mountRows().filter((row) => !rowsBefore.has(row)),
    state: readdirSync(root),
    descriptors: readdirSync('/proc/self/fd').length,
    // Only those of this pid namespace.
    processes: readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)),
    cgroups: layout.hierarchies.map((hierarchy) => places(spec).map((place) => cgroupDirectory(hierarchy, place)).filter((place) => existsSync(place))),
  }
}

function mountRows(): string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
}

function places(spec: OciSpec): string[] {
  try {
    return [checkedPath(cgroupOf(spec, 'mutated'))]
  } catch {
    return [] // none that could be
  }
}

/** @returns the reason when it was refused */
async function make(text: string): Promise<string | undefined> {
  writeFileSync(path.join(bundle, 'config.json'), text)
  try {
    const container = await createContainer({ root, id: 'mutated', bundle, systemd: false, plan: () => plan })
    counts.created++
    closeSync(container.run.status)
    try {
      await startContainer(container, container.spec)
      counts.started++
    } catch (error) {
      reasons[`start: ${messageOf(error)}`] = ''
    } finally {
      await deleteContainer(container)
    }
    return undefined
  } catch (error) {
    counts.refused++
    assert.ok(error instanceof Error && error.constructor !== TypeError && error.constructor !== RangeError && !(error instanceof assert.AssertionError), (error as Error).stack)
    return messageOf(error)
  }
}

assert.equal(await make(valid), undefined, 'the specification is not right before')
const before = traces(JSON.parse(valid) as OciSpec)
const paths = pathsOf(JSON.parse(valid)).filter(([first, second]) => !(first === 'root' && second !== 'readonly'))
await check(
  asyncProperty(array(changeOf(JSON.parse(valid) as OciSpec, paths), { minLength: 1, maxLength: 2 }), async (changes) => {
    const spec = JSON.parse(valid) as OciSpec
    for (const change of changes) mutate(spec, structuredClone(change))
    const reason = await make(JSON.stringify(spec))
    if (reason !== undefined) reasons[reason.replaceAll(/x{50,}/g, 'x…').slice(0, 300)] = changes.map(({ path: at, value }) => `${at.join('.')} = ${JSON.stringify(value)?.slice(0, 60)}`).join(', ')
    // The exit statuses of its processes have to be fetched by who made them.
    await eventually(() => assert.deepEqual(traces(spec), before, changes.map(({ path: at, value }) => `${at.join('.')} = ${JSON.stringify(value)}`).join(', ')), 5000)
  }),
  { numRuns: Number(runs), seed: Number(seed), endOnFailure: true },
)
process.stdout.write(JSON.stringify({ counts, reasons }))
