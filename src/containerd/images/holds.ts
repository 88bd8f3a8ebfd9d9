import type { Pending } from './image-database.ts'

/** Blobs and layers that must stay although no image refers to them yet. */
export class Holds {
  readonly #counts = new Map<string, number>()

  /** @returns what lets go of them again; to be called once */
  hold(items: readonly Pending[]): () => void {
    const keys = items.map(keyOf)
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return () => {
      for (const key of keys.splice(0)) {
        const count = this.#counts.get(key)! - 1
        if (count === 0) this.#counts.delete(key)
        else this.#counts.set(key, count)
      }
    }
  }

  has(item: Pending): boolean {
    return this.#counts.has(keyOf(item))
  }
}

function keyOf({ kind, key }: Pending): string {
  return `${kind} ${key}`
}
