import type { Heredoc } from './source-text.ts'

/** Where an instruction stands: 1-based lines, inclusive. */
export interface Place {
  start: number
  end: number
  /** The instruction on one line, as written. */
  original: string
}

/** Instructions, parsed but with their variables still in place. Source: Dockerfile reference. */
export type Instruction =
  | FromInstruction
  | ArgInstruction
  | PairsInstruction
  | RunInstruction
  | CopyInstruction
  | CommandInstruction
  | WordInstruction
  | ListInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | ShellInstruction

export interface FromInstruction extends Place {
  kind: 'from'
  image: string
  platform?: string
  /** Lower case. */
  name?: string
  /** The keyword AS as written. */
  as?: string
  comments: string[]
}

export interface ArgInstruction extends Place {
  kind: 'arg'
  args: { name: string; value?: string }[]
  comments: string[]
}

/** ENV and LABEL. Quotes are still there: names and values are words to expand. */
export interface PairsInstruction extends Place {
  kind: 'env' | 'label'
  pairs: { name: string; value: string }[]
  /** The form without "=". */
  legacy: boolean
}

/** RUN. */
export interface RunInstruction extends Place {
  kind: 'run'
  command: Command
  heredocs: Heredoc[]
  /** Values of --mount, each still with its variables. */
  mounts: string[]
  network?: string
  security?: string
  devices: string[]
}

/** Exec form: words. Shell form: one string for the stage's shell. */
export type Command = { form: 'exec'; words: string[] } | { form: 'shell'; line: string }

export interface CopyInstruction extends Place {
  kind: 'copy' | 'add'
  sources: string[]
  destination: string
  heredocs: Heredoc[]
  from?: string
  chown?: string
  chmod?: string
  link: boolean
  parents: boolean
  excludes: string[]
  checksum?: string
  keepGitDir: boolean
  /** undefined: archives from the context are unpacked, those from a URL are not. */
  unpack?: boolean
}

/** CMD and ENTRYPOINT. */
export interface CommandInstruction extends Place {
  kind: 'cmd' | 'entrypoint'
  command: Command
}

export interface WordInstruction extends Place {
  kind: 'workdir' | 'user' | 'stopsignal' | 'maintainer'
  value: string
}

/** EXPOSE and VOLUME. */
export interface ListInstruction extends Place {
  kind: 'expose' | 'volume'
  values: string[]
}

export interface HealthcheckInstruction extends Place {
  kind: 'healthcheck'
  /** undefined: NONE. Times in nanoseconds, 0 for the default. */
  check?: { command: Command; interval: number; timeout: number; startPeriod: number; startInterval: number; retries: number }
}

export interface OnbuildInstruction extends Place {
  kind: 'onbuild'
  /** The trigger as it goes into the image. */
  trigger: string
}

export interface ShellInstruction extends Place {
  kind: 'shell'
  words: string[]
}
