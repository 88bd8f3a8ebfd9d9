import type { Runtimes } from '../engine/containers/runtimes.ts'

/** A table that a reload can replace under those who hold it. */
export interface LiveRuntimes extends Runtimes {
  replace(table: Runtimes): void
}

export function liveRuntimes(first: Runtimes): LiveRuntimes {
  let table = first
  return {
    get default() {
      return table.default
    },
    list: () => table.list(),
    choose: (name) => table.choose(name),
    replace(next) {
      table = next
    },
  }
}
