import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { mountBind, unmount } from '../../kernel/mount.ts'

/**
 * Network namespaces as files, `<exec-root>/network/netns/<endpoint id>`, for other programs: such a file holds its namespace when
 * the container has ended and when the engine has gone, so that whoever made something in there can take it away again.
 */
export class Sandboxes {
  readonly #kernel: Kernel
  readonly #folder: string

  constructor(kernel: Kernel, runtimeDir: string) {
    this.#kernel = kernel
    this.#folder = path.join(runtimeDir, 'netns')
  }

  /** The namespace of `pid`, in place of what was there. @returns its path */
  open(endpointId: string, pid: number): string {
    const file = this.pathOf(endpointId)
    this.close(endpointId)
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 })
    writeFileSync(file, '', { mode: 0o444 })
    try {
      mountBind(this.#kernel, `/proc/${pid}/ns/net`, file, false)
    } catch (error) {
      rmSync(file)
      throw error
    }
    return file
  }

  pathOf(endpointId: string): string {
    return path.join(this.#folder, endpointId)
  }

  has(endpointId: string): boolean {
    return this.#names().includes(endpointId)
  }

  /** Fine when it is not open. */
  close(endpointId: string): void {
    if (!this.has(endpointId)) return
    const file = this.pathOf(endpointId)
    unmount(this.#kernel, file)
    rmSync(file, { force: true })
  }

  /** Closes all others. */
  retain(endpointIds: ReadonlySet<string>): void {
    for (const name of this.#names()) if (!endpointIds.has(name)) this.close(name)
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}
