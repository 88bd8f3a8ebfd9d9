import type { ImageStore } from '../../containerd/images/contract.ts'
import { familiarName, parseReference } from '../../lib/reference.ts'
import type { Events } from '../engine.ts'

/** Docker's events of pull and push are about the reference, with the labels of the image. */
export function announceMoved(moved: { store: ImageStore; events: Events; action: 'pull' | 'push'; reference: string; imageId: string }): void {
  const { store, events, action, reference, imageId } = moved
  const labels = store.find(imageId)?.config.Labels
  events.emit('image', action, { ID: reference, Attributes: { ...labels, name: familiarName(parseReference(reference)) } })
}
