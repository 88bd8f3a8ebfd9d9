import { controlPath, historyEvent, historyRequest, historyEventType, nothing, statusRequest, statusResponse, updateHistoryRequest } from '../../lib/buildkit/control-messages.ts'
import type { HistoryRecord, StatusResponse } from '../../lib/buildkit/control-messages.ts'
import { GrpcClient } from '../../lib/grpc/client.ts'
import type { EngineClient } from '../client/engine-client.ts'
import { ExitError } from '../exit-error.ts'
import { upgraded } from './build-client.ts'

export interface KeptBuild {
  record: HistoryRecord
  isRunning: boolean
}

/** What the engine knows of builds, over BuildKit's border. */
export class HistoryClient {
  readonly #control: GrpcClient

  constructor(control: GrpcClient) {
    this.#control = control
  }

  static async with<Result>(client: EngineClient, act: (history: HistoryClient) => Promise<Result>): Promise<Result> {
    const control = new GrpcClient(await upgraded(client, '/grpc'))
    try {
      return await act(new HistoryClient(control))
    } finally {
      control.close()
    }
  }

  /** The youngest first. */
  async list(): Promise<KeptBuild[]> {
    const stream = this.#control.stream(controlPath.listenBuildHistory, { request: historyRequest, response: historyEvent })
    await stream.send({ earlyExit: true })
    stream.end()
    const found: KeptBuild[] = []
    for await (const { type, record } of stream.responses) if (record !== undefined) found.push({ record, isRunning: type === historyEventType.started })
    return found.toSorted((one, other) => (other.record.createdAt ?? 0) - (one.record.createdAt ?? 0))
  }

  /** By reference, by its beginning, or "^N": the N-th youngest; without a word the youngest. @throws ExitError */
  async find(word = '^0'): Promise<KeptBuild> {
    const all = await this.list()
    const at = /^\^(\d+)$/.exec(word)
    if (at !== null) {
      const nth = all[Number(at[1])]
      if (nth === undefined) throw new ExitError(all.length === 0 ? 'no builds found' : `no such build: ${word}`)
      return nth
    }
    const found = all.filter(({ record }) => record.ref === word || record.ref.startsWith(word))
    if (found.length === 0) throw new ExitError(`no record found for ref ${JSON.stringify(word)}`)
    if (found.length > 1) throw new ExitError(`${JSON.stringify(word)} is the beginning of ${found.length} builds`)
    return found[0]!
  }

  async *status(ref: string): AsyncGenerator<StatusResponse, void, undefined> {
    const stream = this.#control.stream(controlPath.status, { request: statusRequest, response: statusResponse })
    await stream.send({ ref })
    stream.end()
    yield* stream.responses
  }

  async remove(ref: string): Promise<void> {
    await this.#control.call(controlPath.updateBuildHistory, { request: updateHistoryRequest, response: nothing }, { ref, delete: true })
  }
}
