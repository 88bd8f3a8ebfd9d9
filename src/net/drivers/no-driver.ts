import type { NetworkDriver } from './contract.ts'

/** "host" and "null": there is nothing to make. */
export class NoDriver implements NetworkDriver {
  check(): void {}

  hasGateway(): boolean {
    return false
  }

  setUp(): void {}

  tearDown(): void {}

  attach(): string {
    return ''
  }

  detach(): void {}

  close(): void {}
}
