import { GoDuration } from '../../lib/go-template/duration.ts'
import type { MissingKey } from '../../lib/go-template/execute.ts'
import { parseJson } from '../../lib/go-template/json.ts'
import { TemplateError } from '../../lib/go-template/nodes.ts'
import { compileTemplate } from '../../lib/go-template/template.ts'
import { asStruct, isMap, typedNil, type Value, type ValueMap } from '../../lib/go-template/value.ts'
import { dockerFunctions } from './docker-functions.ts'

/**
 * A template over an object of the Engine API. Docker's templates see Go structs, JSON has no types; these lists say which
 * fields are maps, which are slices, and which are left out of the JSON when empty (API 1.50).
 */
const mapFields = new Set([
  'Labels', 'Ports', 'Networks', 'PortBindings', 'ExposedPorts', 'Volumes', 'Tmpfs', 'Sysctls', 'StorageOpt', 'Annotations',
  'Options', 'DriverOpts', 'Data', 'Containers',
])
const listFields = new Set([
  'Env', 'Cmd', 'Entrypoint', 'Binds', 'CapAdd', 'CapDrop', 'Dns', 'DnsOptions', 'DnsSearch', 'ExtraHosts', 'GroupAdd', 'Links',
  'SecurityOpt', 'VolumesFrom', 'Devices', 'Ulimits', 'ExecIDs', 'OnBuild', 'DeviceCgroupRules', 'DeviceRequests',
  'MaskedPaths', 'ReadonlyPaths', 'RepoTags', 'RepoDigests', 'Aliases', 'DNSNames', 'BlkioWeightDevice', 'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps', 'SecondaryIPAddresses', 'SecondaryIPv6Addresses',
])
const leftOutWhenEmpty: Record<string, Value> = {
  Health: null, Healthcheck: null, ExposedPorts: {}, StopSignal: '', StopTimeout: null, Shell: [], Mounts: [], Annotations: {},
  SizeRw: null, SizeRootFs: null, MacAddress: '', NetworkDisabled: false, ArgsEscaped: false, Tmpfs: {}, Sysctls: {},
  StorageOpt: {}, Init: null, Variant: '', OsVersion: '', ImageManifestDescriptor: null,
}

const durations = new Set(['Interval', 'Timeout', 'StartPeriod', 'StartInterval'])
const never = new GoDuration(0)

/** Structs that are printed as a whole, by the field that they are in: their own fields in Go's order, with zero values. */
const structs: Record<string, [string, Value][]> = {
  Healthcheck: [['Test', []], ['Interval', never], ['Timeout', never], ['StartPeriod', never], ['StartInterval', never], ['Retries', 0]],
  LogConfig: [['Type', ''], ['Config', {}]],
  RestartPolicy: [['Name', ''], ['MaximumRetryCount', 0]],
}

/** Runs a template the way inspect does: with Go's zero values first, then strictly, for the error. */
export function compileObjectTemplate(source: string): (json: string) => string {
  const lenient = compileTemplate(source, { functions: dockerFunctions, missingKey: structLike })
  const strict = compileTemplate(source, { functions: dockerFunctions, missingKey: () => undefined })
  return (json) => {
    const value = likeStruct(parseJson(json))
    try {
      return lenient(withTypes(value))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return strict(value)
    }
  }
}

/** What Docker's struct of an image's configuration has, in its order; what is empty is not written (OCI image specification, config.md). */
const imageConfig = ['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'ArgsEscaped', 'Healthcheck', 'OnBuild', 'Shell']

const emptyConfig: Record<string, Value> = {
  User: '', Env: typedNil([]), Entrypoint: typedNil([]), Cmd: typedNil([]), Volumes: typedNil({}), WorkingDir: '', Labels: typedNil({}), OnBuild: typedNil([]),
}

/** An image as a template sees it: without fields that the engine adds for older clients. */
function likeStruct(value: Value): Value {
  if (!isMap(value) || !isMap(value['RootFS']) || !isMap(value['Config'])) return value
  const { Config: config } = value
  const kept = imageConfig.filter((name) => !isEmpty(config[name])).map((name) => [name, config[name]])
  return { ...value, Config: Object.fromEntries(kept) as ValueMap }
}

function isEmpty(value: Value | undefined): boolean {
  return value === undefined || value === null || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0)
}

const structLike: MissingKey = (key, parent) => {
  if (parent !== undefined && mapFields.has(parent)) return { value: undefined }
  const field = parent === undefined ? undefined : structs[parent]?.find(([name]) => name === key)
  if (field !== undefined) return { value: field[1] }
  if (parent === 'Config' && Object.hasOwn(emptyConfig, key)) return { value: emptyConfig[key] }
  if (Object.hasOwn(leftOutWhenEmpty, key)) return { value: leftOutWhenEmpty[key] }
  return undefined
}

function withTypes(value: Value, name = ''): Value {
  if (Array.isArray(value)) return value.map((entry) => withTypes(entry))
  if (!isMap(value)) return value
  const out: ValueMap = {}
  for (const [key, entry] of Object.entries(value)) {
    if (entry === null && mapFields.has(key)) out[key] = typedNil({})
    else if (entry === null && listFields.has(key)) out[key] = typedNil([])
    else if (name === 'Healthcheck' && durations.has(key) && (typeof entry === 'number' || typeof entry === 'bigint')) out[key] = new GoDuration(entry)
    else out[key] = withTypes(entry, key)
  }
  const fields = structs[name]
  return fields === undefined ? out : asStruct(out, fields)
}
