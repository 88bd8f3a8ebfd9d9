/** Whether labels have every wanted one: "key" or "key=value". */
export function labelsMatch(labels: Readonly<Record<string, string>>, wanted: ReadonlySet<string>): boolean {
  for (const want of wanted) {
    const equals = want.indexOf('=')
    const key = equals < 0 ? want : want.slice(0, equals)
    if (!Object.hasOwn(labels, key)) return false
    if (equals >= 0 && labels[key] !== want.slice(equals + 1)) return false
  }
  return true
}
