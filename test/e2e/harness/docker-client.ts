import { spawnSync } from 'node:child_process'
import { findProgram } from './program.ts'

/** Why a test cannot run that needs a docker client as new as this, or false. Debian 12 has 20, Debian 13 has 26. */
export function olderDockerClient(needed: number): string | false {
  const file = findProgram('docker')
  if (file === undefined) return 'docker is not installed'
  const major = Number(/version (\d+)\./.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 0)
  return major < needed && `the docker client is of version ${major}, this is for ${needed}`
}
