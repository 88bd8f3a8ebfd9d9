import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderList } from '../../../src/cli/format/listing.ts'
import { type ContainerStats, statsListing, statsRow } from '../../../src/cli/format/stats-row.ts'

const frame: ContainerStats = {
  id: 'abcdef0123456789',
  name: '/web',
  cpu_stats: { cpu_usage: { total_usage: 1_500_000_000 }, system_cpu_usage: 12_000_000_000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 1_000_000_000 }, system_cpu_usage: 10_000_000_000 },
  memory_stats: { usage: 3 * 1024 * 1024, limit: 64 * 1024 * 1024, stats: { total_inactive_file: 1024 * 1024, inactive_file: 5 } },
  networks: { eth0: { rx_bytes: 1000, tx_bytes: 2500 }, eth1: { rx_bytes: 1, tx_bytes: 0 } },
  blkio_stats: { io_service_bytes_recursive: [{ op: 'read', value: 4096 }, { op: 'Write', value: 512 }, { op: 'total', value: 4608 }] },
  pids_stats: { current: 4 },
}

void test('a row shows shares of what there is', () => {
  const format = '{{.ID}}|{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.MemPerc}}|{{.NetIO}}|{{.BlockIO}}|{{.PIDs}}|{{.Container}}'
  assert.equal(
    renderList(statsListing, [statsRow('web', frame, { truncate: true })], format),
    'abcdef012345|web|50.00%|2MiB / 64MiB|3.12%|1kB / 2.5kB|4.1kB / 512B|4|web\n',
  )
})

void test('shares are rounded as Go rounds', () => {
  const shares = [[1, 800], [3, 800], [5, 800], [7, 800], [1, 3], [0, 1]] as const
  const rows = shares.map(([usage, limit]) => statsRow('c', { ...frame, memory_stats: { usage, limit } }, { truncate: true }))
  assert.equal(renderList(statsListing, rows, '{{.MemPerc}}'), '0.12%\n0.38%\n0.62%\n0.88%\n33.33%\n0.00%\n')
})

void test('a container of which nothing is known has dashes', () => {
  assert.equal(
    renderList(statsListing, [statsRow('gone', undefined, { truncate: true })], 'json'),
    '{"BlockIO":"--","CPUPerc":"--","Container":"gone","ID":"","MemPerc":"--","MemUsage":"-- / --","Name":"--","NetIO":"--","PIDs":"--"}\n',
  )
})
