export interface WaitResult {
  StatusCode: number
  Error?: { Message: string }
}

/** Those who wait for a container's exit or removal. Each is told once. */
export class Waiters {
  #exit = new Set<(result: WaitResult) => void>()
  #removal = new Set<(result: WaitResult) => void>()

  nextExit(): Promise<WaitResult> {
    return new Promise((resolve) => this.#exit.add(resolve))
  }

  removal(): Promise<WaitResult> {
    return new Promise((resolve) => this.#removal.add(resolve))
  }

  /** @returns false when `milliseconds` passed first; undefined: no limit */
  async exitWithin(milliseconds: number | undefined): Promise<boolean> {
    if (milliseconds === undefined) {
      await this.nextExit()
      return true
    }
    return new Promise((resolve) => {
      const told = (): void => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        this.#exit.delete(told)
        resolve(false)
      }, milliseconds)
      this.#exit.add(told)
    })
  }

  tellExit(result: WaitResult): void {
    const told = this.#exit
    this.#exit = new Set()
    for (const resolve of told) resolve(result)
  }

  tellRemoval(result: WaitResult): void {
    this.tellExit(result)
    const told = this.#removal
    this.#removal = new Set()
    for (const resolve of told) resolve(result)
  }
}
