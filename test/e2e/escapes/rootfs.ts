import { cpSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { rootfsArchive, tiny } from '../harness/image.ts'
import { must } from '../harness/run.ts'
import type { EscapeStage } from './stage.ts'

/** A directory with the tiny image's files, to be made hostile. */
export async function makeRootfs(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true })
  await must(['tar', '-C', directory, '-xf', await rootfsArchive(tiny)])
  return directory
}

/** An image of the tiny image's files after `spoil` has been at them. */
export async function hostileImage(stage: EscapeStage, image: string, spoil: (rootfs: string) => void | Promise<void>, changes: string[] = []): Promise<void> {
  const rootfs = await makeRootfs(stage.place(`image-${image}`))
  await spoil(rootfs)
  const archive = `${rootfs}.tar`
  await must(['tar', '-C', rootfs, '--numeric-owner', '-cf', archive, '.'])
  const flags = ['ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["/bin/sh"]', ...changes].flatMap((change) => ['-c', change])
  await stage.ok('import', ...flags, archive, image)
}

export function copyInto(rootfs: string, from: string, to: string): void {
  mkdirSync(path.dirname(path.join(rootfs, to)), { recursive: true })
  cpSync(from, path.join(rootfs, to))
}
