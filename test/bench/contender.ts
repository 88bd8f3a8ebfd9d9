/**
 * One engine, or one runtime, as the benchmark sees it: commands to run from outside. What a contender cannot do is undefined and is
 * left out of the table.
 */
export interface Contender {
  readonly name: string
  readonly version: string
  /** Prefix of its command line, up to the subcommand. */
  readonly command: string[]
  readonly env: NodeJS.ProcessEnv
  readonly networks: string[]
  /** Removes running containers without a grace period, as `docker rm -f` does. */
  readonly removal: string[]
  /** Engine API socket. */
  readonly socket?: string
  /** Processes that serve without containers: the daemon and what belongs to it. */
  servers(): number[]
  close(): Promise<void>
}

/** An OCI runtime, measured on a bundle. */
export interface Runtime {
  readonly name: string
  readonly version: string
  /** Its command line up to the command, with a state directory of its own. */
  readonly call: string[]
}

export const image = 'bench'
