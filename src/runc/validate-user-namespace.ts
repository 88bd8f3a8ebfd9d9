import { refuse } from './refuse.ts'
import type { OciIdMapping } from './spec.ts'
import { hostId } from './user-namespace.ts'
import type { ValidSpec } from './validate.ts'

/** /proc/<pid>/uid_map takes so many lines (man 7 user_namespaces). */
const mostMappings = 340

/** Id maps: they go with a new user namespace, and everybody in the container must be in them. */
export function validateUserNamespace({ process, linux }: ValidSpec): void {
  const namespace = linux.namespaces.find(({ type }) => type === 'user')
  const maps = { uidMappings: linux.uidMappings ?? [], gidMappings: linux.gidMappings ?? [] }
  for (const [name, mappings] of Object.entries(maps)) {
    const field = `linux.${name}`
    if (namespace === undefined && mappings.length > 0) refuse(field, 'there is no user namespace')
    if (namespace !== undefined && !namespace.path && mappings.length === 0) refuse(field, 'a new user namespace needs them')
    validateMappings(mappings, field)
  }
  if (maps.uidMappings.length === 0 || namespace === undefined) return
  const { uid, gid, additionalGids = [] } = process.user
  if (hostId(maps.uidMappings, uid) === undefined) refuse('process.user.uid', `${uid} is not in linux.uidMappings`)
  for (const id of [gid, ...additionalGids]) {
    if (hostId(maps.gidMappings, id) === undefined) refuse(id === gid ? 'process.user.gid' : 'process.user.additionalGids', `${id} is not in linux.gidMappings`)
  }
}

function validateMappings(mappings: readonly OciIdMapping[], field: string): void {
  if (mappings.length > mostMappings) refuse(field, `there are more than ${mostMappings}`)
  for (const side of ['containerID', 'hostID'] as const) {
    const ranges = mappings.toSorted((one, other) => one[side] - other[side])
    for (const [index, range] of ranges.entries()) {
      const end = range[side] + range.size
      if (end > 2 ** 32) refuse(field, `${range[side]}:${range.size} goes beyond the last id`)
      const next = ranges[index + 1]
      if (next !== undefined && end > next[side]) refuse(field, `${side} ${next[side]} is mapped twice`)
    }
  }
}
