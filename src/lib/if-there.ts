/** What `look` tells of a file; undefined when it is gone, as others may remove files meanwhile. */
export function ifThere<Result>(look: () => Result): Result | undefined {
  try {
    return look()
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
