import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** Container events carry the labels, the image's reference and the name (Engine API, /events, Actor.Attributes). */
export function emitContainerEvent(ctx: Pick<ContainersContext, 'events'>, container: Container, action: string, extra: Record<string, string> = {}): void {
  ctx.events.emit('container', action, {
    ID: container.id,
    Attributes: { ...container.config.Labels, image: container.config.Image ?? '', name: container.name, ...extra },
  })
}

export function emitNetworkEvent(ctx: Pick<ContainersContext, 'events'>, action: 'connect' | 'disconnect', network: { id: string; name: string; driver: string }, containerId: string): void {
  ctx.events.emit('network', action, { ID: network.id, Attributes: { container: containerId, name: network.name, type: network.driver } })
}
