import type { Task } from '../../containerd/tasks/contract.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** Tells `oom` whenever the kernel kills for memory in a container that has a limit of it, also when its first process lives on. */
export function watchMemory(ctx: ContainersContext, container: Container, task: Task): void {
  container.endMemoryWatch?.()
  container.endMemoryWatch = (container.hostConfig.Memory ?? 0) > 0 || container.cgroupValues?.['memory.max'] !== undefined ? task.followOom(() => emitContainerEvent(ctx, container, 'oom')) : undefined
}

/** Before its cgroup goes: what happened since the last look is told. */
export function endMemoryWatch(container: Container): void {
  container.endMemoryWatch?.()
  container.endMemoryWatch = undefined
}
