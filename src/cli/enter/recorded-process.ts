import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ExitError } from '../exit-error.ts'

interface Recorded {
  ID: string
  Name: string
  State: { Pid?: number; Running?: boolean }
}

/**
 * The first process of a container as the engine has written it down, whether or not the engine runs.
 * @param ref a name, an id or the beginning of one
 * @throws ExitError
 */
export function recordedProcess(dataRoot: string, ref: string): number {
  const all = recordsIn(dataRoot)
  const begun = all.filter(({ ID }) => ID.startsWith(ref))
  const record = all.find(({ ID, Name }) => ID === ref || Name === `/${ref.replace(/^\//, '')}`) ?? begun[0]
  if (record === undefined) throw new ExitError(`No such container: ${ref} (looked for in ${dataRoot})`)
  if (record === begun[0] && begun.length > 1) throw new ExitError(`multiple IDs found with provided prefix: ${ref}`)
  const pid = record.State.Pid ?? 0
  // What ended while nobody looked is still written down as running, and its number may be somebody else's.
  if (record.State.Running !== true || pid <= 0 || !belongsTo(pid, record.ID)) throw new ExitError(`container ${ref} is not running`)
  return pid
}

function recordsIn(dataRoot: string): Recorded[] {
  const directory = join(dataRoot, 'containers')
  try {
    return readdirSync(directory).flatMap((id) => readRecord(join(directory, id, 'config.v2.json')))
  } catch (cause) {
    throw new ExitError(`cannot read ${directory}: ${(cause as Error).message}`, 1, { cause })
  }
}

/** None for a container that is being made or removed. */
function readRecord(path: string): Recorded[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as Recorded]
  } catch {
    return []
  }
}

function belongsTo(pid: number, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id)
  } catch {
    return false
  }
}
