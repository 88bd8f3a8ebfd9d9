import type { ForwardRule } from './rule.ts'

/** What the command line asks for. */
export type Invocation =
  | { mode: 'single'; rule: ForwardRule; useListenFd: boolean }
  | { mode: 'multi'; socketPath: string }

const names = ['proto', 'host-ip', 'host-port', 'container-ip', 'container-port', 'control'] as const
type Name = (typeof names)[number]

/**
 * docker-proxy's flags, in Go's notation: -name value, -name=value, --name. And `-control PATH`: the one process for all
 * rules, commanded through a unix socket.
 * @throws Error
 */
export function parseFlags(argv: readonly string[]): Invocation {
  const given: Partial<Record<Name, string>> = {}
  let useListenFd = false
  for (let at = 0; at < argv.length; at++) {
    const [, name = '', inline] = /^--?([^=]+)(?:=(.*))?$/s.exec(argv[at] ?? '') ?? []
    if (name === 'use-listen-fd') {
      useListenFd = inline !== 'false'
      continue
    }
    const known = names.find((candidate) => candidate === name)
    if (known === undefined) throw new Error(`flag provided but not defined: ${argv[at]}`)
    const value = inline ?? argv[++at]
    if (value === undefined) throw new Error(`flag needs an argument: -${name}`)
    given[known] = value
  }
  if (given.control !== undefined) return { mode: 'multi', socketPath: given.control }
  const protocol = given.proto ?? 'tcp'
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw new Error(`unsupported protocol ${protocol}`)
  if (given['container-ip'] === undefined) throw new Error('flag needed: -container-ip')
  return {
    mode: 'single',
    useListenFd,
    rule: {
      protocol,
      hostIp: given['host-ip'] ?? '0.0.0.0',
      hostPort: port(given['host-port'], 'host-port', useListenFd),
      containerIp: given['container-ip'],
      containerPort: port(given['container-port'], 'container-port', false),
    },
  }
}

function port(text: string | undefined, name: string, optional: boolean): number {
  if (text === undefined && optional) return 0
  const number = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || number < 1 || number > 65_535) throw new Error(`invalid -${name}: "${text ?? ''}"`)
  return number
}
