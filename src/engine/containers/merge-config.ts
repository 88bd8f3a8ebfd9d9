import { mergeHealthcheck } from '../health/health-config.ts'
import type { ContainerConfig } from '../types/container-config.ts'

/**
 * A request's configuration completed from the image's, by Docker's rules: the request wins; environment, labels, ports
 * and volumes are united; the image's Cmd counts only when the request has neither Entrypoint nor Cmd.
 * An Entrypoint of one empty string takes the image's away.
 */
export function mergeConfig(request: ContainerConfig, image: ContainerConfig): ContainerConfig {
  const hasEntrypoint = (request.Entrypoint?.length ?? 0) > 0
  const hasCmd = (request.Cmd?.length ?? 0) > 0
  const entrypoint = hasEntrypoint ? request.Entrypoint : (image.Entrypoint ?? null)
  return {
    ...request,
    User: request.User || image.User || '',
    ExposedPorts: unite(withProtocol(image.ExposedPorts), withProtocol(request.ExposedPorts)),
    Env: mergeEnv(request.Env ?? [], image.Env ?? []),
    Labels: { ...image.Labels, ...request.Labels },
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? null : entrypoint,
    Cmd: hasEntrypoint || hasCmd ? (request.Cmd ?? null) : (image.Cmd ?? null),
    Volumes: unite(image.Volumes, request.Volumes) ?? null,
    WorkingDir: request.WorkingDir || image.WorkingDir || '',
    StopSignal: request.StopSignal || image.StopSignal,
    Shell: request.Shell?.length ? request.Shell : image.Shell,
    Healthcheck: mergeHealthcheck(request.Healthcheck, image.Healthcheck),
    OnBuild: null,
  }
}

/** The program and its arguments, as State's Path and Args. Undefined: there is no command. */
export function commandLine(config: ContainerConfig): { path: string; args: string[] } | undefined {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  return path === undefined ? undefined : { path, args }
}

/** "80" means "80/tcp". */
export function withProtocol<T>(ports: Record<string, T> | null | undefined): Record<string, T> | undefined {
  if (ports === null || ports === undefined) return undefined
  return Object.fromEntries(Object.entries(ports).map(([port, value]) => [port.includes('/') ? port : `${port}/tcp`, value]))
}

function unite<T>(first: Record<string, T> | null | undefined, second: Record<string, T> | null | undefined): Record<string, T> | undefined {
  const all = { ...first, ...second }
  return Object.keys(all).length === 0 ? undefined : all
}

function mergeEnv(request: string[], image: string[]): string[] {
  const named = new Set(request.map((entry) => variableName(entry)))
  return [...request, ...image.filter((entry) => !named.has(variableName(entry)))]
}

function variableName(entry: string): string {
  return entry.split('=', 1)[0] as string
}
