import type { EventMessage, Filters } from '../engine.ts'
import { labelsMatch } from './labels.ts'

const known = new Set([
  'config', 'container', 'daemon', 'event', 'image', 'label', 'network', 'node', 'plugin', 'scope', 'secret', 'service', 'type', 'volume',
])

/**
 * Whether an event passes: every filter must hold, any of its values will do, labels must all be there.
 * Containers, networks, volumes and daemons are matched by the beginning of their id or name; images by id, name, or
 * name without tag; the rest exactly. A filter that events do not have is ignored.
 */
export function matchesEvent(message: EventMessage, filters: Filters): boolean {
  for (const [key, values] of filters) {
    if (values.size > 0 && known.has(key) && !matchesOne(message, key, values)) return false
  }
  return true
}

function matchesOne(message: EventMessage, key: string, values: ReadonlySet<string>): boolean {
  switch (key) {
    case 'event':
      // "exec_start: sh" and "health_status: healthy" carry their argument in the action.
      return values.has(message.Action) || values.has(message.Action.split(':', 1)[0] ?? '')
    case 'type':
      return values.has(message.Type)
    case 'scope':
      return values.has(message.scope)
    case 'label':
      return labelsMatch(message.Actor.Attributes, values)
    case 'image':
      return imageMatches(message, values)
    default:
      return key === message.Type && actorMatches(message, values)
  }
}

function actorMatches({ Actor }: EventMessage, values: ReadonlySet<string>): boolean {
  const name = Actor.Attributes['name'] ?? ''
  return values.values().some((value) => Actor.ID.startsWith(value) || name.startsWith(value))
}

function imageMatches({ Type, Actor }: EventMessage, values: ReadonlySet<string>): boolean {
  const name = (Type === 'image' ? Actor.Attributes['name'] : Actor.Attributes['image']) ?? ''
  return values.has(Actor.ID) || values.has(name) || values.has(withoutTag(name))
}

function withoutTag(name: string): string {
  const digest = name.indexOf('@')
  if (digest >= 0) return name.slice(0, digest)
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name
}
