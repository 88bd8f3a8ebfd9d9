import { spawnSync } from 'node:child_process'
import path from 'node:path'

export const projectRoot = path.resolve(import.meta.dirname, '../../..')

/** Where images and saved machines are kept, several gigabytes; safe to delete while no machine runs. */
export const cacheDirectory = process.env.GANTRY_VM_CACHE ?? '/var/cache/gantry-vm'

/** A directory with root.raw, vmlinuz and initrd. Builds them when they are not there (minutes, needs the Debian mirror). */
export function ensureImage(): string {
  if (process.arch !== 'x64') throw new Error(`cannot run the virtual machine on ${process.arch}: its image is made for x64`)
  const builder = path.join(projectRoot, 'test/vm/image/build')
  const { status, stdout } = spawnSync(builder, [cacheDirectory, process.execPath], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`cannot build the image of the virtual machine: see ${cacheDirectory}/build.log`)
  return stdout.trim()
}
