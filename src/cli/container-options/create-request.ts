import type { FlagValues } from '../grammar/flag.ts'
import { environment, labels } from './environment.ts'
import { healthcheck } from './healthcheck.ts'
import { hostConfig } from './host-config.ts'
import { endpoints, networkMode } from './networks.ts'
import { exposedPorts } from './ports.ts'
import { OptionError } from './option-error.ts'
import { splitVolumes } from './volumes.ts'

/** The body of POST /containers/create (Engine API 1.50), as docker sends it. */
export type CreateRequest = {
  Image: string
  Tty: boolean
  OpenStdin: boolean
  AttachStdin: boolean
  AttachStdout: boolean
  AttachStderr: boolean
  HostConfig: { AutoRemove: boolean; [field: string]: unknown }
  [field: string]: unknown
}

export type CreateContext = { env: NodeJS.ProcessEnv; terminalSize: [number, number] }

/** Turns the flags of run and create, the image and the command into a request; OptionError for what does not fit. */
export function createRequest(flags: FlagValues, words: string[], context: CreateContext): CreateRequest {
  const [image, ...command] = words
  const attached = attachedStreams(flags)
  const interactive = flags.boolean('interactive')
  const mac = flags.string('mac-address').trim()
  if (mac !== '' && !/^([\da-f]{2}[:-]){5}[\da-f]{2}$/i.test(mac)) throw new OptionError(`${mac} is not a valid mac address`)
  const { anonymous } = splitVolumes(flags.list('volume'))
  const health = healthcheck(flags)
  const ports = exposedPorts(flags)
  const body = {
    Hostname: flags.string('hostname'),
    Domainname: flags.string('domainname'),
    User: flags.string('user'),
    AttachStdin: attached.has('stdin'),
    AttachStdout: attached.has('stdout'),
    AttachStderr: attached.has('stderr'),
    ...(Object.keys(ports).length > 0 && { ExposedPorts: ports }),
    Tty: flags.boolean('tty'),
    OpenStdin: interactive,
    StdinOnce: interactive && attached.has('stdin'),
    Env: orNull(environment(flags, context.env)),
    Cmd: orNull(command),
    ...(health && { Healthcheck: health }),
    Image: image!,
    Volumes: Object.fromEntries(anonymous.map((path) => [path, {}])),
    WorkingDir: flags.string('workdir'),
    Entrypoint: flags.has('entrypoint') ? [flags.string('entrypoint')] : null,
    OnBuild: null,
    Labels: labels(flags),
    ...(flags.has('stop-signal') && { StopSignal: flags.string('stop-signal') }),
    ...(flags.has('stop-timeout') && { StopTimeout: flags.number('stop-timeout') }),
    HostConfig: hostConfig(flags, { networkMode: networkMode(flags), consoleSize: context.terminalSize }),
    NetworkingConfig: { EndpointsConfig: endpoints(flags) },
  }
  return body
}

/** -a, or all of them; standard input only with -i. */
function attachedStreams(flags: FlagValues): Set<string> {
  const given = flags.list('attach').map((stream) => stream.toLowerCase())
  const streams = new Set(given)
  if (streams.size > 0) return streams
  if (flags.boolean('detach')) return streams
  return new Set(['stdout', 'stderr', ...(flags.boolean('interactive') ? ['stdin'] : [])])
}

function orNull(list: string[]): string[] | null {
  return list.length > 0 ? list : null
}
