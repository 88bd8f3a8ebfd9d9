import type { Image } from '../../containerd/images/contract.ts'
import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { PlannedHistory, Platform, Step } from './contract.ts'
import { Scope } from './scope.ts'

/** Where the planning of a stage has come to. */
export interface StageState {
  root: Step
  config: ContainerConfig
  scope: Scope
  history: PlannedHistory[]
  platform: Platform
  base: Image | undefined
  author?: string
  /** Stands for a CMD that this stage has set, so that a new ENTRYPOINT keeps it. */
  commandSet: boolean
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export function emptyState(root: Step, platform: Platform): StageState {
  return withEnv({ root, config: { Env: [defaultPath], WorkingDir: '/' }, scope: new Scope(), history: [], platform, base: undefined, commandSet: false })
}

export function imageState(root: Step, { image, platform }: { image: Image; platform: Platform }): StageState {
  const { OnBuild: _triggers, ...config } = structuredClone(image.config)
  const state: StageState = { root, config, scope: new Scope(), history: [], platform, base: image, commandSet: false }
  if (image.author !== undefined && image.author !== '') state.author = image.author
  return withEnv(state)
}

/** A stage that stands on another has everything of it, its arguments too. */
export function derivedState(other: StageState): StageState {
  const state: StageState = { ...other, config: structuredClone(other.config), scope: new Scope(), history: [...other.history], commandSet: false }
  for (const [name, value] of other.scope.args) state.scope.args.set(name, value)
  delete state.config.OnBuild
  return withEnv(state)
}

function withEnv(state: StageState): StageState {
  state.scope.readEnv(state.config.Env ?? [])
  return state
}

export function shellOf({ config }: Pick<StageState, 'config'>): string[] {
  return config.Shell?.length ? config.Shell : ['/bin/sh', '-c']
}
