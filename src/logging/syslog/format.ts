import type { LogMessage } from '../contract.ts'
import type { SyslogFormat } from './options.ts'

export interface SyslogHeader {
  format: SyslogFormat
  facility: number
  tag: string
  hostname: string
  pid: number
}

const severities = { stdout: 6, stderr: 3 }
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** One message with a newline at its end: RFC 3164 section 4, RFC 5424 section 6, or, without a format, RFC 3164 without a host. */
export function formatSyslog({ format, facility, tag, hostname, pid }: SyslogHeader, { stream, time, line }: LogMessage): Buffer {
  const priority = `<${facility * 8 + severities[stream]}>`
  const head =
    format === '' ? `${priority}${stamp(time)} ${tag}[${pid}]: `
    : format === 'rfc3164' ? `${priority}${stamp(time)} ${hostname} ${tag}[${pid}]: `
    : `${priority}1 ${rfc3339(time, format === 'rfc5424micro' ? 6 : 0)} ${hostname} ${tag} ${pid} ${tag} - `
  return Buffer.concat([Buffer.from(head), line, Buffer.from('\n')])
}

/** "Jan  2 15:04:05", local time. */
function stamp(time: bigint): string {
  const at = new Date(Number(time / 1_000_000n))
  return `${months[at.getMonth()]} ${String(at.getDate()).padStart(2, ' ')} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

function rfc3339(time: bigint, digits: number): string {
  const second = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)
  const fraction = String(time % 1_000_000_000n).padStart(9, '0').slice(0, digits)
  return `${second}${digits > 0 ? `.${fraction}` : ''}Z`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
