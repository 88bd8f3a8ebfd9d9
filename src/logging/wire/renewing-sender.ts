import { messageOf } from '../../lib/errors.ts'
import { SendFailure } from '../contract.ts'
import type { LogSender } from '../contract.ts'

/** A sender that is replaced by a new one between two sendings when it is older than `every` milliseconds. */
export function renewingSender(first: LogSender, { every, open }: { every: number; open: () => Promise<LogSender> }): LogSender {
  let sender = first
  let since = Date.now()
  const renew = async (): Promise<void> => {
    if (Date.now() - since < every) return
    try {
      const next = await open()
      sender.close()
      sender = next
      since = Date.now()
    } catch (error) {
      throw new SendFailure(messageOf(error), { cause: error })
    }
  }
  return {
    async send(messages) {
      await renew()
      await sender.send(messages)
    },
    repeat: (bytes) => sender.repeat?.(bytes) ?? Promise.resolve(),
    close: () => sender.close(),
  }
}
