import { GantryError } from '../../lib/errors.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { renameEndpoints } from './endpoints.ts'
import { renameInLinks } from './linked-hosts.ts'

export async function renameContainer(ctx: ContainersContext, container: Container, name: string): Promise<void> {
  if (name === '' || name === '/') throw new GantryError('InvalidParameter', 'Neither old nor new names may be empty')
  await container.lock.run(() => {
    const old = container.name
    if (name.replace(/^\//, '') === old) throw new GantryError('InvalidParameter', 'Renaming a container with the same name as its current name')
    const taken = reserve(ctx, name, container.id)
    container.name = taken
    try {
      ctx.store.save(container)
    } catch (error) {
      container.name = old
      ctx.registry.releaseName(taken, container.id)
      throw error
    }
    ctx.registry.releaseName(old, container.id)
    renameEndpoints(ctx, container)
    renameInLinks(ctx, old, taken)
    emitContainerEvent(ctx, container, 'rename', { oldName: `/${old}` })
  })
}

function reserve(ctx: ContainersContext, name: string, id: string): string {
  try {
    return ctx.registry.reserveName(name, id)
  } catch (error) {
    if (!(error instanceof GantryError)) throw error
    throw new GantryError(error.kind, `Error when allocating new name: ${error.message}`, { cause: error })
  }
}
