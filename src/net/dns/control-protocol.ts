/** The network namespace of a container, and what its resolver has to know beside the names. */
export interface ServedContainer {
  container: string
  /** A process in it. */
  pid: number
  /** Inode of the namespace. */
  namespace: number
  /** --dns: asked from the container's network. Empty: those of the host, from the host's network. */
  servers: string[]
  /** The container has a way out. If not, servers are not asked from the host's network. */
  forwards: boolean
  /** The container's programs are told to complete names without a dot: such names are not forwarded. */
  keepsShortNames: boolean
}

/**
 * What goes over the control socket: one JSON document a line, each command answered in turn by one reply of the same id.
 * `serve` also changes what is served. `retire`: end as soon as there is nothing to serve.
 */
export type ResolverCommand =
  | { id: number; op: 'serve'; container: ServedContainer }
  | { id: number; op: 'drop'; containers: string[] }
  | { id: number; op: 'list' }
  | { id: number; op: 'retire' }

export interface ResolverReply {
  id: number
  /** Of `serve`. */
  failure?: string
  /** Of `list`. */
  containers?: string[]
}
