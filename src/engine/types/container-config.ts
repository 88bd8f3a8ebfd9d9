/** ContainerConfig of the Engine API (v1.51, definitions/ContainerConfig); image configurations carry the same shape. */
export interface ContainerConfig {
  Hostname?: string
  Domainname?: string
  /** "user[:group]", names or numbers. */
  User?: string
  AttachStdin?: boolean
  AttachStdout?: boolean
  AttachStderr?: boolean
  /** Keys "80/tcp". */
  ExposedPorts?: Record<string, Record<string, never>> | null
  Tty?: boolean
  OpenStdin?: boolean
  StdinOnce?: boolean
  /** "NAME=value". */
  Env?: string[] | null
  Cmd?: string[] | null
  Healthcheck?: HealthConfig | null
  ArgsEscaped?: boolean
  Image?: string
  Volumes?: Record<string, Record<string, never>> | null
  WorkingDir?: string
  Entrypoint?: string[] | null
  NetworkDisabled?: boolean
  OnBuild?: string[] | null
  Labels?: Record<string, string> | null
  /** Name or number. */
  StopSignal?: string
  /** Seconds. */
  StopTimeout?: number | null
  Shell?: string[] | null
}

/** Times in nanoseconds; 0 inherits. */
export interface HealthConfig {
  Test?: string[]
  Interval?: number
  Timeout?: number
  StartPeriod?: number
  StartInterval?: number
  Retries?: number
}
