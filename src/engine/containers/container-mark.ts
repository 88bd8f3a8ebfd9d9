import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'

/** By this file programs tell that they run in a container of Docker's kind. */
const name = '.dockerenv'

// Whatever an image has in its place stays, be it a link that leads out.
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** Makes it in the container's root file system, where there is none yet and where root of the host may. */
export function markRoot(rootfs: string): void {
  try {
    closeSync(openSync(join(rootfs, name), flags, 0o755))
  } catch (error) {
    // There already; a root that is read-only, full, or whose files have only ids that the host's root has no part in.
    if (!['EEXIST', 'EROFS', 'ENOSPC', 'EDQUOT', 'EOVERFLOW', 'EACCES', 'EPERM'].includes((error as { code?: string }).code ?? '')) throw error
  }
}
