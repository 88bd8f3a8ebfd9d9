import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import { checkName, generateName } from './names.ts'

const fullId = /^[0-9a-f]{64}$/

/** All containers of the engine, by id and by name. Names are reserved before their container is there. */
export class ContainerRegistry {
  readonly #byId = new Map<string, Container>()
  /** Name -> id. */
  readonly #names = new Map<string, string>()

  /** By full id, name (with or without slash) or unambiguous id prefix, in this order. @throws NotFound, InvalidParameter */
  get(ref: string): Container {
    const exact = this.#byId.get(ref) ?? this.byName(ref)
    if (exact !== undefined) return exact
    if (ref !== '' && !fullId.test(ref)) {
      const matches = [...this.#byId.values()].filter(({ id }) => id.startsWith(ref))
      if (matches.length > 1) throw new GantryError('InvalidParameter', `multiple IDs found with provided prefix: ${ref}`)
      if (matches[0] !== undefined) return matches[0]
    }
    throw new GantryError('NotFound', `No such container: ${ref}`)
  }

  find(ref: string): Container | undefined {
    try {
      return this.get(ref)
    } catch {
      return undefined
    }
  }

  byName(name: string): Container | undefined {
    const id = this.#names.get(name.replace(/^\//, ''))
    return id === undefined ? undefined : this.#byId.get(id)
  }

  all(): Container[] {
    return [...this.#byId.values()]
  }

  add(container: Container): void {
    this.#byId.set(container.id, container)
    this.#names.set(container.name, container.id)
  }

  delete(container: Container): void {
    this.#byId.delete(container.id)
    this.releaseName(container.name, container.id)
  }

  /** Takes a name for `id`; undefined: a new one is made. @throws InvalidParameter, Conflict */
  reserveName(asked: string | undefined, id: string): string {
    if (asked === undefined || asked === '') {
      const name = generateName((candidate) => this.#names.has(candidate), id)
      this.#names.set(name, id)
      return name
    }
    const name = checkName(asked)
    const holder = this.#names.get(name)
    if (holder !== undefined && holder !== id) throw nameConflict(name, holder)
    this.#names.set(name, id)
    return name
  }

  releaseName(name: string, id: string): void {
    if (this.#names.get(name) === id) this.#names.delete(name)
  }
}

function nameConflict(name: string, holder: string): GantryError {
  return new GantryError(
    'Conflict',
    `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
  )
}
