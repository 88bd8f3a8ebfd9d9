import { readFileSync } from 'node:fs'
import { explainProgram } from '../../kernel/program-explain.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** The program of the present run, or of the last one. */
export function explainContainer(ctx: ContainersContext, container: Container): string[] {
  const places = [`${ctx.execRoot}/containers/${container.id}/program`, ctx.store.paths(container.id).program]
  for (const path of places) {
    try {
      return explainProgram(readFileSync(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  throw new GantryError('Conflict', `cannot explain container ${container.name}: it was never started`)
}
