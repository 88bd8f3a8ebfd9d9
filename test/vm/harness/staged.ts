import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { ensureBooted } from './booted.ts'
import { daemonOf, installDaemon } from './daemon.ts'
import { ensureImage, projectRoot } from './image.ts'
import { type Machine, resumeMachine } from './machine.ts'
import type { Security } from './qemu.ts'
import { ensureState, keyOf, qemuKey } from './saved-state.ts'

/** What the tests need of the checkout, and copy into the machine. */
const programs = ['build/gantry-init', 'build/syscall.node', 'dist/gantryd.cjs', 'dist/gantry.cjs', 'dist/gantry-proxy.js']

export const tiny = 'tiny'

const importTiny = `set -e
root=$(mktemp -d)
mkdir -p $root/bin $root/etc $root/tmp $root/www
cp /bin/busybox $root/bin/
chroot $root /bin/busybox --install -s /bin
echo root:x:0:0:root:/root:/bin/sh >$root/etc/passwd
tar -C $root -cf /root/tiny.tar .
docker import /root/tiny.tar ${tiny}`

/**
 * A machine of its own in which gantryd has been installed from this checkout and runs, with the image `tiny`. The state that it goes on
 * from is made once for each build. One that is no good is thrown away, with that below it, and made again.
 */
export async function startStaged(security: Security = 'apparmor'): Promise<Machine> {
  const image = ensureImage()
  const from = await ensureStaged(image, security)
  try {
    return await resumeMachine({ image, from, security })
  } catch (error) {
    console.error(`vm: cannot go on from the saved state ${from}, making it again: ${String(error)}`)
    // Not when somebody has taken it away who made a newer one.
    if (existsSync(from)) for (const directory of [from, await ensureBooted(image, security)]) rmSync(directory, { recursive: true, force: true })
    return resumeMachine({ image, from: await ensureStaged(image, security), security })
  }
}

export async function ensureStaged(image: string, security: Security): Promise<string> {
  const prefix = `staged-${security}-`
  return ensureState(path.join(image, `${prefix}${stageKey()}`), async (scratch) => {
    const from = await ensureBooted(image, security)
    forgetOld(image, prefix)
    await using machine = await resumeMachine({ image, from, security, directory: scratch })
    await installDaemon(machine)
    // The second start has what Node compiled at the first.
    for (let round = 0; round < 2; round++) await daemonOf(machine).restartWith()
    await machine.must(importTiny)
    await machine.save()
  })
}

/** All but the newest, for a checkout beside this one. What runs from one holds its files. */
function forgetOld(image: string, prefix: string): void {
  const names = readdirSync(image).filter((name) => name.startsWith(prefix))
  const byAge = names.map((name) => path.join(image, name)).toSorted((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)
  for (const old of byAge.slice(1)) rmSync(old, { recursive: true, force: true })
}

function stageKey(): string {
  for (const file of programs) if (!existsSync(path.join(projectRoot, file))) throw new Error(`cannot test in a virtual machine: ${file} is missing; run make build`)
  const here = ['daemon.ts', 'staged.ts', 'machine.ts'].map((name) => path.join('test/vm/harness', name))
  const files = [...here, 'package.json', 'build/gantry-init', 'build/syscall.node', ...filesOf('bin'), ...filesOf('dist')]
  return keyOf([qemuKey(), ...files.flatMap((file) => [file, readFileSync(path.join(projectRoot, file))])])
}

function filesOf(directory: string): string[] {
  const entries = readdirSync(path.join(projectRoot, directory), { recursive: true, withFileTypes: true })
  // Without what V8 compiled, which any start may write.
  return entries.filter((entry) => entry.isFile() && path.basename(entry.parentPath) !== 'cache').map((entry) => path.relative(projectRoot, path.join(entry.parentPath, entry.name))).toSorted()
}
