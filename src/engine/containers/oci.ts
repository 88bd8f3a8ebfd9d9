import type { Kernel } from '../../kernel/kernel.ts'
import type { OciProcess, OciSpec } from '../../runc/spec.ts'
import { resolveUser } from '../../runc/user.ts'
import type { ExecConfig } from '../engine.ts'
import { defaultCdiDirectories, readCdiDevices } from '../devices/cdi-directories.ts'
import { requestedDevices } from '../devices/device-requests.ts'
import { injectDevices } from '../devices/inject.ts'
import { buildSpec } from '../spec/build-spec.ts'
import { readHostFacts } from '../spec/host-facts.ts'
import type { SecurityDefaults } from '../security/defaults.ts'
import type { CgroupDriver, HostFacts, SpecInput } from '../spec/input.ts'
import { buildExecProcess, processOf } from '../spec/process.ts'
import { validateCreate } from '../spec/validate/validate-create.ts'
import { validateUpdate } from '../spec/validate/validate-update.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../types/host-config.ts'
import type { ContainerRecord } from './container.ts'

/** Where specifications come from: the one place where containers meet src/engine/spec. */
export interface ContainerSpecs {
  /** @returns warnings. @throws InvalidParameter, NotImplemented */
  validate(config: ContainerConfig, hostConfig: HostConfig, networking: Record<string, EndpointSettings>): string[]
  /** As `validate`, for the limits and the restart policy of an update. */
  validateUpdate(change: HostConfig): string[]
  build(container: ContainerRecord, options: BuildOptions): OciSpec
  execProcess(container: ContainerRecord, options: { exec: ExecConfig; rootfs: string }): OciProcess
}

export interface BuildOptions {
  rootfs: string
  files: SpecInput['files']
  joined: SpecInput['joined']
  shmPath: string | undefined
  /** Host paths of volumes and images, by their places; as recorded unless given. */
  sources?: ReadonlyMap<string, string>
  users?: SpecInput['users']
}

export interface CreateContainerSpecs {
  kernel: Kernel
  initPath?: string
  cgroupDriver?: CgroupDriver
  /** Of containers that name none. */
  cgroupParent?: string
  security?: SecurityDefaults
  /** Where CDI specifications lie; the usual two unless given. */
  cdiDirectories?: readonly string[]
  log?: (line: string) => void
}

export function createContainerSpecs({ kernel, initPath, cgroupDriver, cgroupParent, security, cdiDirectories = defaultCdiDirectories, log }: CreateContainerSpecs): ContainerSpecs {
  let facts: HostFacts | undefined
  const known = (): HostFacts => (facts ??= readHostFacts())
  const inputOf = (container: ContainerRecord, options: BuildOptions & { user: SpecInput['user'] }): SpecInput => {
    const { id, config, hostConfig, mounts, linkEnvironment } = container
    return {
      id,
      config,
      hostConfig,
      linkEnvironment,
      ...options,
      volumes: mounts.flatMap(({ Type, Source, Destination, RW }) => (Type === 'volume' || Type === 'image' ? [{ source: options.sources?.get(Destination) ?? Source, destination: Destination, readOnly: !RW }] : [])),
      plainReadOnly: new Set(mounts.flatMap(({ Spec, Destination }) => (Spec?.BindOptions?.ReadOnlyNonRecursive ? [Destination] : []))),
      inherited: mounts.flatMap(({ Inherited, Spec, Destination }) => (Inherited && Spec ? [{ ...Spec, Target: Destination }] : [])),
      initPath,
      cgroupDriver,
      cgroupParent,
      security,
      ...(security?.selinux && container.labels ? { labels: container.labels } : {}),
      host: seesDevices(hostConfig) ? (facts = readHostFacts()) : known(),
    }
  }
  return {
    validate: (config, hostConfig, networking) => validateCreate({ config, hostConfig, networking, host: known(), cgroupDriver, security }),
    validateUpdate: (change) => validateUpdate(change, known()),
    build: (container, options) => {
      const { config, hostConfig } = container
      const user = resolveUser(kernel, options.rootfs, config.User ?? '', hostConfig.GroupAdd ?? [])
      const spec = buildSpec(inputOf(container, { ...options, user }))
      if (!hostConfig.DeviceRequests?.length) return spec
      const devices = readCdiDevices(cdiDirectories, log)
      return injectDevices(spec, requestedDevices(hostConfig.DeviceRequests, devices), devices)
    },
    execProcess: (container, { exec, rootfs }) => {
      const { config, hostConfig, linkEnvironment } = container
      const user = resolveUser(kernel, rootfs, exec.User || config.User || '', hostConfig.GroupAdd ?? [])
      const ownUser = exec.User ? resolveUser(kernel, rootfs, config.User ?? '', hostConfig.GroupAdd ?? []) : user
      const input = inputOf(container, { rootfs, files: {}, joined: undefined, shmPath: undefined, user: ownUser })
      return buildExecProcess({ exec, config, linkEnvironment, container: processOf(input), user, hostCapabilities: known().capabilities })
    },
  }
}

/** Devices come and go. */
function seesDevices({ Privileged, Devices, BlkioWeightDevice, BlkioDeviceReadBps, BlkioDeviceWriteBps, BlkioDeviceReadIOps, BlkioDeviceWriteIOps }: HostConfig): boolean {
  return Privileged === true || [Devices, BlkioWeightDevice, BlkioDeviceReadBps, BlkioDeviceWriteBps, BlkioDeviceReadIOps, BlkioDeviceWriteIOps].some((list) => (list?.length ?? 0) > 0)
}
