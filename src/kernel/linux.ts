import type { Kernel, SyscallArgument } from './kernel.ts'
import { nativeFile } from './native-files.ts'
import { spawnMonitor } from './spawn-monitor.ts'
import { Spawner } from './spawner.ts'
import { nr } from './syscalls.ts'
import { runTool } from './tool.ts'

interface Addon {
  syscall(this: void, nr: number, ...args: SyscallArgument[]): number
}

const EAGAIN = 11
const openat2 = nr('openat2')
let addon: Addon | undefined
let spawner: Spawner | undefined

function load(): Addon {
  const module: { exports: Partial<Addon> } = { exports: {} }
  process.dlopen(module, nativeFile('syscall.node'))
  return module.exports as Addon
}

/** The real kernel. The native addon is loaded at the first call. */
export const linuxKernel: Kernel = {
  syscall: (number, ...args) => {
    const { syscall } = (addon ??= load())
    let result = syscall(number, ...args)
    // A rename or mount anywhere on the host can upset the resolution of `..`; man 2 openat2 asks to try again.
    const attempts = number === openat2 ? 128 : 1
    for (let made = 1; result === -EAGAIN && made < attempts; made++) result = syscall(number, ...args)
    return result
  },
  spawnMonitor: (options) => spawnMonitor((spawner ??= new Spawner(linuxKernel)), options),
  tool: runTool,
}
