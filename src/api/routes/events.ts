import type { EventMessage } from '../../engine/engine.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'

export const eventRoutes: Route[] = [{ method: 'GET', path: '/events', handle: events }]

async function events(call: Call): Promise<void> {
  const since = call.query.time('since')
  const until = call.query.time('until')
  if (since !== undefined && until !== undefined && since > until) {
    throw new GantryError(
      'InvalidParameter',
      `\`since\` time (${call.query.string('since')}) cannot be after \`until\` time (${call.query.string('until')})`,
    )
  }
  const stream = call.engine.events.stream({ since, until, filters: call.query.filters(), signal: call.signal() })
  call.begin('application/json')
  for await (const message of stream) {
    // That an image was made is told since API 1.46.
    if (call.minor < 46 && message.Type === 'image' && message.Action === 'create') continue
    await call.write(withLegacyFields(message))
  }
  call.response.end()
}

/** Fields of API 1.21 and earlier that servers still send (until 1.52) for containers and images. */
function withLegacyFields(message: EventMessage): object {
  const { Type, Action, Actor } = message
  if (Type === 'container') return { status: Action, id: Actor.ID, from: Actor.Attributes['image'], ...message }
  if (Type === 'image') return { status: Action, id: Actor.ID, ...message }
  return message
}
