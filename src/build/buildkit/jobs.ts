import type { SolveRequest } from '../../lib/buildkit/control-messages.ts'
import { GantryError } from '../../lib/errors.ts'
import { BuildStatus } from './build-status.ts'

/** How long calls of one build wait for each other, and how long a finished one can be asked about. */
const patienceMilliseconds = 5000

/** One Control.Solve, with what other calls say about it. */
export interface Job {
  ref: string
  status: BuildStatus
  /** Of Control.Solve; undefined until it comes. */
  request: Promise<SolveRequest>
  begin(request: SolveRequest): void
  controller: AbortController
  /** What a client that drives the front end itself has returned. */
  returned: PromiseWithResolvers<Record<string, string>>
  /** What that client's solves have exported. */
  exported: Record<string, string>
}

/** Builds under way, by the reference that their clients have chosen. */
export class Jobs {
  readonly #jobs = new Map<string, Job>()

  /** @throws Conflict when a build of that name is under way */
  begin(request: SolveRequest): Job {
    const job = this.of(request.ref)
    if (begun.has(job)) throw new GantryError('Conflict', `job ID exists: ${request.ref}`)
    begun.add(job)
    job.begin(request)
    return job
  }

  /** The job of that name, also when its Control.Solve is still to come. */
  of(ref: string): Job {
    const found = this.#jobs.get(ref)
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<SolveRequest>()
    promise.catch(() => {})
    const returned = Promise.withResolvers<Record<string, string>>()
    returned.promise.catch(() => {})
    const job: Job = { ref, status: new BuildStatus(), request: promise, begin: resolve, controller: new AbortController(), returned, exported: {} }
    this.#jobs.set(ref, job)
    const timer = setTimeout(() => {
      if (begun.has(job)) return
      reject(new GantryError('NotFound', `no such job ${ref}`))
      this.finish(job)
    }, patienceMilliseconds)
    timer.unref()
    return job
  }

  has(ref: string): boolean {
    return this.#jobs.has(ref)
  }

  finish(job: Job): void {
    job.status.end()
    setTimeout(() => this.#jobs.get(job.ref) === job && this.#jobs.delete(job.ref), patienceMilliseconds).unref()
  }

  /** False: there is none of that name. */
  cancel(ref: string): boolean {
    const job = this.#jobs.get(ref)
    job?.controller.abort()
    return job !== undefined
  }

  abortAll(): void {
    for (const { controller } of this.#jobs.values()) controller.abort()
  }
}

const begun = new WeakSet<Job>()
