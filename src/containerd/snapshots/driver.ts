import type { Kernel } from '../../kernel/kernel.ts'
import type { Snapshotter } from './contract.ts'

/** A storage driver as the engine's list of parts has it. */
export interface SnapshotDriver {
  /** Docker's name. */
  readonly name: string
  /**
   * Finds out whether this host can run it.
   * @returns what is missing, as the end of "error initializing graphdriver: …"; undefined when all is there
   */
  missing(place: DriverPlace): Promise<string | undefined>
  /**
   * Opens it, and removes what an earlier process left half made.
   * @throws InvalidParameter for options that it does not have
   */
  open(options: OpenDriver): Promise<Snapshotter>
}

export interface DriverPlace {
  readonly kernel: Kernel
  /** `<data root>/<name>`: need not exist. */
  readonly root: string
  /** `--storage-opt`: "overlay2.size=10G", in order. */
  readonly options?: readonly string[]
}

export interface OpenDriver extends DriverPlace {
  readonly options: readonly string[]
  readonly log: (line: string) => void
}
