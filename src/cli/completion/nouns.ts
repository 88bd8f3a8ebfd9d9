/** Kinds of things that can be named, and the command that lists them. */
export const listings = {
  containers: "ps -a --format '{{.Names}}'",
  running: "ps --format '{{.Names}}'",
  images: "images --format '{{.Repository}}:{{.Tag}}'",
  networks: "network ls --format '{{.Name}}'",
  volumes: "volume ls -q",
  contexts: "context ls -q",
} as const

export type Noun = keyof typeof listings

/** What a command takes one after the other; `more`: the last again and again. Other words may be anything, such as files. */
interface Subject {
  takes: Noun[]
  more?: boolean
}

const some = (noun: Noun): Subject => ({ takes: [noun], more: true })
const one = (...takes: Noun[]): Subject => ({ takes })

const ofContainers: Record<string, Subject> = {
  attach: one('running'), commit: one('containers'), diff: one('containers'), exec: one('running'), export: one('containers'), inspect: some('containers'), kill: some('running'),
  logs: one('containers'), pause: some('running'), port: one('running'), rename: one('containers'), restart: some('containers'), rm: some('containers'), start: some('containers'),
  stats: some('running'), stop: some('running'), top: one('running'), unpause: some('running'), update: some('containers'), wait: some('containers'),
  create: one('images'), run: one('images'),
}
const ofImages: Record<string, Subject> = { history: one('images'), inspect: some('images'), push: one('images'), rm: some('images'), save: some('images'), tag: one('images', 'images') }

const under = (group: string, subjects: Record<string, Subject>): Record<string, Subject> => Object.fromEntries(Object.entries(subjects).map(([name, subject]) => [`${group} ${name}`, subject]))

/** By command path. */
export const subjects: Readonly<Record<string, Subject>> = {
  ...ofContainers,
  cgroup: one('running'), du: one('containers'), enter: one('running'), explain: one('containers'), fs: one('containers'), set: one('containers'),
  history: one('images'), push: one('images'), rmi: some('images'), save: some('images'), tag: one('images', 'images'),
  ...under('container', ofContainers),
  ...under('image', ofImages),
  'context inspect': some('contexts'), 'context rm': some('contexts'), 'context update': one('contexts'), 'context use': one('contexts'),
  'checkpoint create': one('running'), 'checkpoint ls': one('containers'), 'checkpoint rm': one('containers'),
  'net explain': one('running'), 'net trace': one('running'),
  'network connect': one('networks', 'containers'), 'network disconnect': one('networks', 'running'), 'network inspect': some('networks'), 'network rm': some('networks'),
  'volume inspect': some('volumes'), 'volume rm': some('volumes'),
}

/** Values of flags, whatever the command: the name of a kind of thing, or words. */
export const flagValues: Readonly<Record<string, string>> = {
  context: 'contexts', network: 'networks', net: 'networks', link: 'running', 'volumes-from': 'containers',
  'log-level': 'debug info warn error fatal', 'log-driver': 'json-file local none journald syslog fluentd gelf', pull: 'always missing never',
  restart: 'no always on-failure unless-stopped', progress: 'auto plain tty rawjson', cgroupns: 'host private', ipc: 'host none private shareable', 'health-cmd': '',
}

export function isNoun(text: string): text is Noun {
  return Object.hasOwn(listings, text)
}
