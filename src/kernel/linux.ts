import type { Kernel, SyscallArgument } from './kernel.ts'
import { nativeFile } from './native-files.ts'
import { spawnMonitor } from './spawn-monitor.ts'
import { Spawner } from './spawner.ts'
import { runTool } from './tool.ts'

interface Addon {
  syscall(nr: number, ...args: SyscallArgument[]): number
}

let addon: Addon | undefined
let spawner: Spawner | undefined

function load(): Addon {
  const module: { exports: Partial<Addon> } = { exports: {} }
  process.dlopen(module, nativeFile('syscall.node'))
  return module.exports as Addon
}

/** The real kernel. The native addon is loaded at the first call. */
export const linuxKernel: Kernel = {
  syscall: (nr, ...args) => (addon ??= load()).syscall(nr, ...args),
  spawnMonitor: (options) => spawnMonitor((spawner ??= new Spawner(linuxKernel)), options),
  tool: runTool,
}
