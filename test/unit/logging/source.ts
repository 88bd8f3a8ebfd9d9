import type { LogMessage, LogSource } from '../../../src/logging/contract.ts'

export const id = 'abcdef0123456789'.repeat(4)

export function source(options: Record<string, string> = {}): LogSource {
  return {
    id,
    name: 'web',
    imageId: `sha256:${'0'.repeat(64)}`,
    imageName: 'shop/web:1',
    command: '/bin/serve',
    args: ['-p', '80'],
    created: '2026-01-02T03:04:05.678Z',
    env: ['STAGE=test', 'STACK=blue', 'HOME=/'],
    labels: { team: 'a', 'team.lead': 'b', other: 'c' },
    options,
  }
}

/** 2026-01-02T03:04:05.678901234Z */
export const time = 1_767_323_045_678_901_234n

export function line(text: string | Buffer, more: Partial<LogMessage> = {}): LogMessage {
  return { stream: 'stdout', time, line: Buffer.from(text as string), ...more }
}
