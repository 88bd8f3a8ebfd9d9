import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { commitBody } from '../shapes.ts'

export const commitRoutes: Route[] = [{ method: 'POST', path: '/commit', handle: commit }]

async function commit(call: Call): Promise<void> {
  const { query } = call
  const config = await call.readJson(commitBody)
  const repository = query.optional('repo')
  const tag = query.optional('tag')
  if (repository?.includes('@')) throw new GantryError('InvalidParameter', 'refusing to create a tag with a digest reference')
  const created = await call.engine.containers.commit(query.string('container'), {
    ...(repository !== undefined && { reference: tag === undefined ? repository : `${repository}:${tag}` }),
    comment: query.optional('comment'),
    author: query.optional('author'),
    pause: query.bool('pause', true),
    changes: query.strings('changes'),
    ...(Object.keys(config).length > 0 && { config }),
  })
  call.json(created, 201)
}
