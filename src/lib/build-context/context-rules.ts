import { ignoreLines } from '../patterns/ignore-patterns.ts'

/**
 * The ignore rules that a Dockerfile has: those beside it ("Dockerfile.dockerignore") before the context's own. Source: "Build context", .dockerignore files.
 * @param dockerfile relative to the context; undefined: it is elsewhere
 * @param read text of a file of the context, undefined when there is none
 */
export function contextRules(dockerfile: string | undefined, read: (name: string) => string | undefined): { lines: string[]; file: string | undefined } {
  for (const file of [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), '.dockerignore']) {
    const text = read(file)
    if (text !== undefined) return { lines: ignoreLines(text), file }
  }
  return { lines: [], file: undefined }
}
