import { fullString, parseReference, withDefaultTag } from '../../lib/reference.ts'

/** The name of an image in full, as BuildKit shows it; what is no name stays as it is. */
export function shownName(reference: string): string {
  try {
    return fullString(withDefaultTag(parseReference(reference)))
  } catch {
    return reference
  }
}
