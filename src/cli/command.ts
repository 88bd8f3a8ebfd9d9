import type { EngineClient } from './client/engine-client.ts'
import type { Flag, FlagValues } from './grammar/flag.ts'

/** Everything a command may touch. */
export type CliContext = {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  env: NodeJS.ProcessEnv
  client: EngineClient
  /** Holds the user's config.json. */
  configDirectory: string
  /** Name of the context in use; `host` when --host or the environment overrides it. @throws ExitError */
  currentContext: () => { name: string; host?: string }
  /** Global `--debug`. */
  debug: boolean
}

export type Invocation = { flags: FlagValues; args: string[] }

/** A command: its grammar and the function that does it. */
export type Command = {
  /** Full path of words, such as "network ls"; the first of `aliases` that the user typed is not kept. */
  path: string
  /** What follows the path in the usage line; several lines for several forms. */
  usage: string[]
  summary: string
  /** Paths by which the command can be called, shown under "Aliases:". */
  aliases?: string[]
  flags: readonly Flag[]
  args: { min: number; max: number }
  /** False for commands whose words after the first positional belong to the container. */
  interspersed?: boolean
  /** Answers the exit code; none is 0. */
  run: (context: CliContext, invocation: Invocation) => Promise<number | void>
}
