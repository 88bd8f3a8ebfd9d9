import { GantryError } from '../../lib/errors.ts'
import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

/** The engine is in no swarm: everything of a swarm answers as a lone engine does. */
const notAManager =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'

const managed = ['nodes', 'services', 'secrets', 'configs'].flatMap((resource): Route[] => [
  refuse('GET', `/${resource}`),
  refuse('POST', `/${resource}/create`),
  refuse('GET', `/${resource}/{name}`),
  refuse('DELETE', `/${resource}/{name}`),
  refuse('POST', `/${resource}/{name}/update`),
  refuse('GET', `/${resource}/{name}/logs`),
])

export const swarmRoutes: Route[] = [
  refuse('GET', '/swarm'),
  refuse('GET', '/swarm/unlockkey'),
  refuse('POST', '/swarm/unlock'),
  refuse('POST', '/swarm/update'),
  refuse('POST', '/swarm/leave', 'This node is not part of a swarm'),
  notImplemented('POST', '/swarm/init'),
  notImplemented('POST', '/swarm/join'),
  ...managed,
  refuse('GET', '/tasks'),
  refuse('GET', '/tasks/{name}'),
  refuse('GET', '/tasks/{name}/logs'),
]

function refuse(method: Route['method'], path: string, text: string = notAManager): Route {
  return {
    method,
    path,
    handle() {
      throw new GantryError('Unavailable', text)
    },
  }
}
