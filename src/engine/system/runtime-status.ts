import type { Kernel } from '../../kernel/kernel.ts'

/** What `docker info` shows of a runtime. */
export interface ShownRuntime {
  path: string
  runtimeArgs?: readonly string[]
  /** By its kind: JSON text of the runtime's features (OCI runtime specification, features.md). */
  status?: Record<string, string>
}

const key = 'org.opencontainers.runtime-spec.features'
/** By path: a runtime is asked once, as by dockerd. One that cannot tell has no status. */
const features = new Map<string, Promise<string | undefined>>()

/** @param builtIn the name of the one that is part of this program */
export async function withStatus(kernel: Pick<Kernel, 'tool'>, runtimes: Record<string, ShownRuntime>, builtIn: string): Promise<Record<string, ShownRuntime>> {
  const shown = Object.entries(runtimes).map(async ([name, runtime]): Promise<[string, ShownRuntime]> => {
    const text = await (name === builtIn ? once('', own) : once(runtime.path, () => asked(kernel, runtime.path)))
    return [name, text === undefined ? runtime : { ...runtime, status: { [key]: text } }]
  })
  return Object.fromEntries(await Promise.all(shown))
}

function once(path: string, find: () => Promise<string | undefined>): Promise<string | undefined> {
  const found = features.get(path) ?? find()
  features.set(path, found)
  return found
}

async function own(): Promise<string> {
  return JSON.stringify((await import('../../runc/features.ts')).describeFeatures())
}

async function asked(kernel: Pick<Kernel, 'tool'>, path: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await kernel.tool([path, 'features'])
    return code === 0 ? JSON.stringify(JSON.parse(stdout)) : undefined
  } catch {
    return undefined
  }
}
