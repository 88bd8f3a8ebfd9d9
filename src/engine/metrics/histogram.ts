import type { Metric, Sample } from './metric-text.ts'

/** Upper bounds in seconds: the client libraries' own, which Docker uses. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface Series {
  buckets: number[]
  sum: number
  count: number
}

/** Durations by one label. */
export class Histogram {
  readonly #about: { name: string; help: string; label: string }
  readonly #series = new Map<string, Series>()

  /** `known` are there from the beginning, with nothing counted. */
  constructor(about: { name: string; help: string; label: string; known?: readonly string[] }) {
    this.#about = about
    for (const value of about.known ?? []) this.#of(value)
  }

  observe(value: string, seconds: number): void {
    const series = this.#of(value)
    const index = bounds.findIndex((bound) => seconds <= bound)
    if (index >= 0) series.buckets[index]!++
    series.sum += seconds
    series.count++
  }

  metric(): Metric {
    const { name, help, label } = this.#about
    const samples = [...this.#series].toSorted(([one], [other]) => (one < other ? -1 : 1)).flatMap(([value, series]) => samplesOf({ [label]: value }, series))
    return { name, help, type: 'histogram', samples }
  }

  #of(value: string): Series {
    const known = this.#series.get(value)
    if (known !== undefined) return known
    const series = { buckets: bounds.map(() => 0), sum: 0, count: 0 }
    this.#series.set(value, series)
    return series
  }
}

function samplesOf(labels: Record<string, string>, { buckets, sum, count }: Series): Sample[] {
  let below = 0
  const counted = bounds.map((bound, index) => ({ suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: (below += buckets[index]!) }))
  return [...counted, { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count }, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }]
}
