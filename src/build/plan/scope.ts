import type { Platform } from './contract.ts'
import { platformText } from './platform.ts'

/** Build arguments that need no ARG, and that history and cache keys leave out. Source: Dockerfile reference, "Predefined ARGs". */
const proxies = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'FTP_PROXY', 'ftp_proxy', 'NO_PROXY', 'no_proxy', 'ALL_PROXY', 'all_proxy']

/** Each in both cases, for programs know one or the other. */
export function proxyArgs(buildArgs: Readonly<Record<string, string>>): string[] {
  return proxies.flatMap((name) => {
    const value = buildArgs[name] ?? buildArgs[name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()]
    return value === undefined ? [] : [`${name}=${value}`]
  })
}

/** Variables of a place in a Dockerfile: environment before arguments. */
export class Scope {
  readonly env = new Map<string, string>()
  /** undefined: declared, without a value. */
  readonly args = new Map<string, string | undefined>()
  /** Names of this stage's own ARG. */
  readonly #own = new Set<string>()

  /** An argument that is declared once more without a value keeps the one that it has. */
  declare(name: string, value: string | undefined): void {
    this.#own.add(name)
    this.args.set(name, value ?? this.args.get(name))
  }

  value(name: string): string | undefined {
    return this.env.get(name) ?? this.args.get(name)
  }

  declared(name: string): boolean {
    return this.env.has(name) || this.args.has(name)
  }

  names(): string[] {
    return [...new Set([...this.env.keys(), ...this.args.keys()])]
  }

  /** "NAME=value" of the arguments that have a value and that the environment does not hide. */
  argList(): string[] {
    return [...this.args].flatMap(([name, value]) => (value === undefined || this.env.has(name) ? [] : [`${name}=${value}`]))
  }

  /** The same of all that the stage declares, as history shows what a RUN could see. */
  shownArgs(): string[] {
    return [...this.#own].map((name) => `${name}=${this.value(name) ?? ''}`)
  }

  envList(): string[] {
    return [...this.env].map(([name, value]) => `${name}=${value}`)
  }

  readEnv(list: readonly string[]): void {
    for (const entry of list) {
      const equals = entry.indexOf('=')
      this.env.set(equals === -1 ? entry : entry.slice(0, equals), equals === -1 ? '' : entry.slice(equals + 1))
    }
  }
}

/** Source: Dockerfile reference, "Automatic platform ARGs in the global scope". */
export function platformArgs({ build, target, stage }: { build: Platform; target: Platform; stage: string }): Record<string, string> {
  return { ...named('BUILD', build), ...named('TARGET', target), TARGETSTAGE: stage }
}

function named(prefix: string, platform: Platform): Record<string, string> {
  return {
    [`${prefix}PLATFORM`]: platformText(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}OSVERSION`]: '',
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  }
}
