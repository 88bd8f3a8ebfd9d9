import type { CgroupHierarchy } from '../kernel/cgroup/layout.ts'
import { GantryError } from '../lib/errors.ts'

/**
 * Where in a container's cgroup an exec goes, from `--cgroup [CONTROLLER[,CONTROLLER]:]PATH`, as runc has it: without a controller
 * the path is for every tree. The cgroup has to be there.
 * @returns the path for a tree, below the container's own
 * @throws GantryError InvalidParameter
 */
export function subCgroups(given: readonly string[]): (hierarchy: CgroupHierarchy) => string {
  const paths = new Map<string, string>()
  for (const argument of given) {
    const parts = argument.split(':')
    if (parts.length > 2) throw new GantryError('InvalidParameter', `invalid --cgroup argument: ${argument}`)
    const [controllers, path] = parts.length === 1 ? ['', parts[0]!] : [parts[0]!, parts[1]!]
    if (parts.length === 1 && given.length > 1) throw new GantryError('InvalidParameter', `invalid --cgroup argument: ${argument} (missing <controller>: prefix)`)
    if (path.split('/').includes('..')) throw new GantryError('InvalidParameter', `invalid --cgroup argument: ${argument} (it leads out of the container's cgroup)`)
    for (const controller of controllers.split(',')) {
      if (paths.has(controller)) throw new GantryError('InvalidParameter', `invalid --cgroup argument: ${argument} (${controller} is there twice)`)
      paths.set(controller, path)
    }
  }
  const everywhere = paths.get('') ?? ''
  return ({ controllers, name }) => [...controllers, name].map((key) => paths.get(key)).find((path) => path !== undefined) ?? everywhere
}
