import { capabilitiesOf } from '../../kernel/capabilities.ts'
import { GantryError } from '../../lib/errors.ts'
import type { ExecConfig } from '../engine.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { OciProcess } from '../../runc/spec.ts'
import { processCapabilities, requestedCapabilities } from './capabilities.ts'
import { environmentOf } from './environment.ts'
import type { ResolvedUser, SpecInput } from './input.ts'
import { initDestination, usesInit } from './mounts.ts'
import { rlimitsOf } from './rlimits.ts'
import { apparmorProfileOf, parseSecurityOptions } from './security-options.ts'

/** The first process of a container. */
export function processOf(input: SpecInput): OciProcess {
  const { config, hostConfig, host, user } = input
  const command = commandOf(config)
  const mask = requestedCapabilities(hostConfig) & host.capabilities
  return {
    terminal: config.Tty ?? false,
    ...consoleSize(config.Tty, hostConfig.ConsoleSize),
    user: ociUser(user),
    args: usesInit(input) ? [initDestination, '--', ...command] : command,
    env: environmentOf(config, user.home, input.linkEnvironment),
    cwd: config.WorkingDir || '/',
    capabilities: processCapabilities(mask, user.uid),
    rlimits: rlimitsOf(hostConfig.Ulimits),
    noNewPrivileges: parseSecurityOptions(hostConfig.SecurityOpt).noNewPrivileges ?? input.security?.noNewPrivileges ?? false,
    ...confinementOf(input),
    oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
  }
}

function confinementOf({ hostConfig, labels, security }: SpecInput): Pick<OciProcess, 'apparmorProfile' | 'selinuxLabel'> {
  const profile = apparmorProfileOf(hostConfig, security)
  return { ...(profile ? { apparmorProfile: profile } : {}), ...(labels?.process ? { selinuxLabel: labels.process } : {}) }
}

/** Entry point and arguments. @throws InvalidParameter "no command specified" */
export function commandOf(config: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>): string[] {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (command.length === 0) throw new GantryError('InvalidParameter', 'no command specified')
  return command
}

export interface ExecInput {
  exec: ExecConfig
  /** The container's configuration, as in SpecInput. */
  config: ContainerConfig
  linkEnvironment?: readonly string[]
  /** The specification that the container runs with. */
  container: OciProcess
  /** `exec.User`, or the container's own user when that is empty, looked up in the running root. */
  user: ResolvedUser
  /** Capabilities that the engine can hand on. */
  hostCapabilities: bigint
}

/**
 * A further process in a running container: the container's environment, directory and limits, except for what the
 * exec says. A privileged exec has all capabilities that the host has.
 */
export function buildExecProcess({ exec, config, linkEnvironment, container, user, hostCapabilities }: ExecInput): OciProcess {
  const args = exec.Cmd ?? []
  if (args.length === 0) throw new GantryError('InvalidParameter', 'No exec command specified')
  const terminal = exec.Tty ?? false
  const inherited = container.capabilities?.bounding ?? []
  const names = exec.Privileged ? capabilitiesOf(hostCapabilities) : inherited
  const { consoleSize: _, ...rest } = container
  return {
    ...rest,
    terminal,
    ...consoleSize(terminal, exec.ConsoleSize),
    user: ociUser(user),
    args: [...args],
    env: environmentOf({ ...config, Tty: terminal, Env: [...(config.Env ?? []), ...(exec.Env ?? [])] }, user.home, linkEnvironment),
    cwd: exec.WorkingDir || container.cwd,
    capabilities: user.uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names },
  }
}

function consoleSize(tty: boolean | undefined, size: readonly [number, number] | null | undefined): Pick<OciProcess, 'consoleSize'> {
  if (!tty || !size || (size[0] === 0 && size[1] === 0)) return {}
  return { consoleSize: { height: size[0], width: size[1] } }
}

function ociUser({ uid, gid, additionalGids }: ResolvedUser): OciProcess['user'] {
  return { uid, gid, additionalGids }
}
