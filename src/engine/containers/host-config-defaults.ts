import { packPorts } from '../../lib/port-table.ts'
import type { HostConfig } from '../types/host-config.ts'
import { withProtocol } from './merge-config.ts'

const defaultShmSize = 64 * 1024 * 1024

/** What Docker fills in when a container is made, so that inspect shows what holds. `resolve` gives a container's full id; `runtime` is the usual one. */
export function completeHostConfig(request: HostConfig, { resolve, runtime }: { resolve: (ref: string) => string; runtime: string }): HostConfig {
  const join = (mode: string | undefined): string | undefined =>
    mode?.startsWith('container:') ? `container:${resolve(mode.slice('container:'.length))}` : mode
  const policy = request.RestartPolicy
  return {
    ...request,
    NetworkMode: networkMode(join(request.NetworkMode)),
    IpcMode: join(request.IpcMode) || 'private',
    PidMode: join(request.PidMode) ?? '',
    UTSMode: request.UTSMode ?? '',
    UsernsMode: request.UsernsMode ?? '',
    CgroupnsMode: request.CgroupnsMode || 'private',
    PortBindings: packPorts(withProtocol(request.PortBindings) ?? {}),
    RestartPolicy: { Name: policy?.Name || 'no', MaximumRetryCount: policy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: request.LogConfig?.Type || 'json-file', Config: request.LogConfig?.Config ?? {} },
    ShmSize: request.ShmSize || defaultShmSize,
    MemorySwap: swapOf(request),
    Runtime: request.Runtime || runtime,
    AutoRemove: request.AutoRemove ?? false,
  }
}

function networkMode(mode: string | undefined): string {
  return mode === undefined || mode === '' || mode === 'default' ? 'bridge' : mode
}

/** Without a word about swap a container gets as much of it as of memory. */
function swapOf({ Memory, MemorySwap }: HostConfig): number {
  if (Memory !== undefined && Memory > 0 && !MemorySwap) return Memory * 2
  return MemorySwap ?? 0
}
