import { GantryError } from '../../lib/errors.ts'
import type { DeviceRequest } from '../types/host-config.ts'
import type { CdiDevice } from './cdi-directories.ts'

/**
 * Ids of the CDI devices that a container's requests mean: those of `--device vendor.com/class=name` by name, and `--gpus` by what
 * the specifications have of class "gpu".
 * @throws InvalidParameter; System with Docker's text when nobody has such devices
 */
export function requestedDevices(requests: readonly DeviceRequest[] | null | undefined, devices: ReadonlyMap<string, CdiDevice>): string[] {
  return (requests ?? []).flatMap((request) => (request.Driver === 'cdi' ? namedDevices(request) : gpus(request, devices)))
}

function namedDevices({ Count, Options, DeviceIDs }: DeviceRequest): string[] {
  if (Count) throw new GantryError('InvalidParameter', 'unexpected count in CDI device request')
  if (Object.keys(Options ?? {}).length > 0) throw new GantryError('InvalidParameter', 'unexpected options in CDI device request')
  return [...(DeviceIDs ?? [])]
}

/** Vendors whose toolkits write specifications; any other's devices of the class come after. */
const gpuKinds = ['nvidia.com/gpu', 'amd.com/gpu']

function gpus(request: DeviceRequest, devices: ReadonlyMap<string, CdiDevice>): string[] {
  const { Driver = '', Count = 0, DeviceIDs } = request
  const kinds = new Set([...devices.values()].map(({ spec }) => spec.kind))
  const kind = isForGpu(request) ? [...gpuKinds, ...kinds].find((each) => kinds.has(each) && each.endsWith('/gpu') && (Driver === '' || each.startsWith(`${Driver}.`))) : undefined
  if (kind === undefined) throw new GantryError('System', `could not select device driver ${JSON.stringify(Driver)} with capabilities: ${capabilities(request)}`)
  if (DeviceIDs && DeviceIDs.length > 0) return DeviceIDs.map((id) => (id.includes('=') ? id : `${kind}=${id}`))
  const all = `${kind}=all`
  const single = [...devices.keys()].filter((id) => id.startsWith(`${kind}=`) && id !== all)
  if (Count < 0) return devices.has(all) ? [all] : single
  if (Count > single.length) throw new GantryError('System', `cannot give the container ${Count} devices of ${kind}: there are ${single.length}`)
  return single.slice(0, Count)
}

function isForGpu({ Capabilities }: DeviceRequest): boolean {
  return (Capabilities ?? []).some((set) => set.includes('gpu'))
}

/** As Go prints lists of lists. */
function capabilities({ Capabilities }: DeviceRequest): string {
  return `[${(Capabilities ?? []).map((set) => `[${set.join(' ')}]`).join(' ')}]`
}
