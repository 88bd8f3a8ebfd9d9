import type { EngineClient } from '../client/engine-client.ts'
import { kernelHint } from './kernel-part.ts'
import { portHint } from './port-owner.ts'
import { programsHint } from './programs.ts'
import { spaceHint } from './space.ts'

/** An error that is about a container names it here, by id or name. */
export type AboutContainer = { container?: string }

/**
 * What to do next about a failure, in one or two lines; undefined when there is nothing to say. Never fails: the failure itself has
 * been told.
 */
export async function hintFor(error: Error & AboutContainer, client: EngineClient): Promise<string | undefined> {
  try {
    const { message, container } = error
    if (/port is already allocated|address already in use/.test(message)) return await portHint(message, client)
    if (/no space left on device|disk quota exceeded/i.test(message)) return await spaceHint(client)
    if (container !== undefined && isMissingProgram(message)) return await programsHint(message, { container, client })
    return kernelHint(message)
  } catch {
    return undefined
  }
}

/** What an engine says of a command that the container does not have. */
export function isMissingProgram(message: string): boolean {
  return /exec: "[^"]*":? ?.*(executable file not found|no such file or directory)/.test(message)
}
