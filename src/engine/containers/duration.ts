const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day

/** A length of time (milliseconds) as Docker says it: "About a minute", "3 weeks". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / second)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.floor(milliseconds / minute)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.floor(milliseconds / hour + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours * hour < 2 * week) return `${Math.floor(hours / 24)} days`
  if (hours * hour < 60 * day) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours * hour < 730 * day) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(milliseconds / day / 365)} years`
}
