import type { OciResources } from '../../runc/spec.ts'

/** Limits after a change; those that it leaves out stay. */
export function mergeResources(current: OciResources, { memory, cpu, pids, blockIO, hugepageLimits, rdma, unified }: OciResources): OciResources {
  return {
    ...current,
    ...(memory && { memory: { ...current.memory, ...memory } }),
    ...(cpu && { cpu: { ...current.cpu, ...cpu } }),
    ...(pids && { pids }),
    ...(blockIO && { blockIO: { ...current.blockIO, ...blockIO } }),
    ...(hugepageLimits && { hugepageLimits }),
    ...(rdma && { rdma: { ...current.rdma, ...rdma } }),
    ...(unified && { unified: { ...current.unified, ...unified } }),
  }
}
