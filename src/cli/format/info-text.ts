import { humanBinarySize } from './human.ts'

type Info = Record<string, unknown>

/** A field as text; what is no plain value is empty. */
function textOf(info: Info, field: string): string {
  const value = info[field]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : ''
}

/** What `info` prints: the client's few lines and everything the engine says of itself (GET /info). */
export function infoText(client: { Version: string; Context: string; Debug: boolean }, info: Info | undefined): string {
  const lines = ['Client:', ` Version:    ${client.Version}`, ` Context:    ${client.Context}`, ` Debug Mode: ${client.Debug}`, '', 'Server:']
  if (info) lines.push(...serverLines(info).map((line) => ` ${line}`), '')
  return `${lines.join('\n')}\n`
}

function serverLines(info: Info): string[] {
  const plain = (label: string, field: string) => (info[field] ? [`${label}: ${textOf(info, field)}`] : [])
  return [
    `Containers: ${textOf(info, 'Containers')}`,
    ` Running: ${textOf(info, 'ContainersRunning')}`,
    ` Paused: ${textOf(info, 'ContainersPaused')}`,
    ` Stopped: ${textOf(info, 'ContainersStopped')}`,
    `Images: ${textOf(info, 'Images')}`,
    ...plain('Server Version', 'ServerVersion'),
    ...plain('Storage Driver', 'Driver'),
    ...((info['DriverStatus'] as [string, string][] | null) ?? []).map(([name, value]) => ` ${name}: ${value}`),
    ...plain('Logging Driver', 'LoggingDriver'),
    ...plain('Cgroup Driver', 'CgroupDriver'),
    ...plain('Cgroup Version', 'CgroupVersion'),
    ...pluginLines(info),
    ...listLines('CDI spec directories', (info['CDISpecDirs'] as string[] | null) ?? []),
    ...listLines('Discovered Devices', ((info['DiscoveredDevices'] as { Source: string; ID: string }[] | null) ?? []).map(({ Source, ID }) => `${Source}: ${ID}`)),
    `Swarm: ${(info['Swarm'] as { LocalNodeState?: string } | undefined)?.LocalNodeState || 'inactive'}`,
    ...runtimeLines(info),
    ...securityLines((info['SecurityOptions'] as string[] | null) ?? []),
    ...plain('Kernel Version', 'KernelVersion'),
    ...plain('Operating System', 'OperatingSystem'),
    ...plain('OSType', 'OSType'),
    ...plain('Architecture', 'Architecture'),
    `CPUs: ${textOf(info, 'NCPU')}`,
    `Total Memory: ${humanBinarySize(Number(info['MemTotal'] ?? 0))}`,
    ...plain('Name', 'Name'),
    ...plain('ID', 'ID'),
    `Docker Root Dir: ${textOf(info, 'DockerRootDir')}`,
    `Debug Mode: ${Boolean(info['Debug'])}`,
    ...plain('HTTP Proxy', 'HttpProxy'),
    ...plain('HTTPS Proxy', 'HttpsProxy'),
    ...plain('No Proxy', 'NoProxy'),
    ...listLines('Labels', (info['Labels'] as string[] | null) ?? []),
    `Experimental: ${Boolean(info['ExperimentalBuild'])}`,
    ...registryLines(info),
    `Live Restore Enabled: ${Boolean(info['LiveRestoreEnabled'])}`,
    ...plain('Product License', 'ProductLicense'),
  ]
}

function pluginLines(info: Info): string[] {
  const plugins = (info['Plugins'] as Record<string, string[] | null> | undefined) ?? {}
  const lines = ['Volume', 'Network', 'Authorization', 'Log'].flatMap((kind) => {
    const names = plugins[kind]
    return names && names.length > 0 ? [` ${kind}: ${names.join(' ')}`] : []
  })
  return ['Plugins:', ...lines]
}

function runtimeLines(info: Info): string[] {
  const names = Object.keys((info['Runtimes'] as object | null) ?? {})
  const lines = names.length > 0 ? [`Runtimes: ${names.toSorted().join(' ')}`, `Default Runtime: ${textOf(info, 'DefaultRuntime')}`] : []
  const commit = (name: string) => (info[name] as { ID?: string } | undefined)?.ID ?? ''
  if (info['OSType'] !== 'linux') return lines
  return [
    ...lines,
    `Init Binary: ${textOf(info, 'InitBinary')}`,
    `containerd version: ${commit('ContainerdCommit')}`,
    `runc version: ${commit('RuncCommit')}`,
    `init version: ${commit('InitCommit')}`,
  ]
}

/** "name=seccomp,profile=default" is shown as a name and its options. */
function securityLines(options: string[]): string[] {
  if (options.length === 0) return []
  const lines = options.flatMap((option) => {
    const pairs = option.split(',').map((pair) => pair.split('=') as [string, string?])
    const name = pairs.find(([key]) => key === 'name')?.[1] ?? option
    const rest = pairs.filter(([key, value]) => key !== 'name' && value !== undefined)
    return [` ${name}`, ...rest.map(([key, value]) => `  ${key[0]!.toUpperCase()}${key.slice(1)}: ${value}`)]
  })
  return ['Security Options:', ...lines]
}

function registryLines(info: Info): string[] {
  const config = info['RegistryConfig'] as
    | { InsecureRegistryCIDRs?: string[] | null; IndexConfigs?: Record<string, { Secure: boolean }> | null; Mirrors?: string[] | null }
    | undefined
  if (!config) return []
  const insecure = Object.entries(config.IndexConfigs ?? {}).filter(([, index]) => !index.Secure)
  const names = [...insecure.map(([name]) => name), ...(config.InsecureRegistryCIDRs ?? [])]
  return [...listLines('Insecure Registries', names), ...listLines('Registry Mirrors', config.Mirrors ?? [])]
}

function listLines(label: string, names: string[]): string[] {
  return names.length > 0 ? [`${label}:`, ...names.map((name) => ` ${name}`)] : []
}
