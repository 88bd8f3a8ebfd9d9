import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileObjectTemplate } from '../../../../src/cli/format/engine-object.ts'
import { GoDuration } from '../../../../src/lib/go-template/duration.ts'

void test('a duration prints as in Go', () => {
  const texts: [number | bigint, string][] = [
    [0, '0s'], [1, '1ns'], [1500, '1.5µs'], [250_000_000, '250ms'], [1_500_000_000, '1.5s'], [90_000_000_000, '1m30s'], [5_400_000_000_000, '1h30m0s'],
    [3_600_000_000_001n, '1h0m0.000000001s'], [-2_000_000_000, '-2s'], [999_999_999, '999.999999ms'],
  ]
  for (const [nanoseconds, text] of texts) assert.equal(String(new GoDuration(nanoseconds)), text)
})

void test('inspect shows the durations of a health check, and it is a number to verbs and comparisons', () => {
  const document = JSON.stringify({ Config: { Healthcheck: { Test: ['CMD', 'x'], Interval: 5_400_000_000_000, Timeout: 1_500_000_000 } }, HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, LogConfig: { Type: 'local', Config: { a: 'b' } } } })
  const cases: [string, string][] = [
    ['{{.Config.Healthcheck.Interval}}', '1h30m0s'], ['{{.Config.Healthcheck.StartPeriod}}', '0s'], ['{{.Config.Healthcheck.Retries}}', '0'],
    ['{{.Config.Healthcheck}}', '{[CMD x] 1h30m0s 1.5s 0s 0s 0}'], ['{{json .Config.Healthcheck}}', '{"Test":["CMD","x"],"Interval":5400000000000,"Timeout":1500000000}'],
    ['{{printf "%d %v %s" .Config.Healthcheck.Timeout .Config.Healthcheck.Timeout .Config.Healthcheck.Timeout}}', '1500000000 1.5s 1.5s'],
    ['{{if gt .Config.Healthcheck.Interval 5}}more{{end}}', 'more'], ['{{if eq .Config.Healthcheck.Timeout 1500000000}}same{{end}}', 'same'],
    ['{{if .Config.Healthcheck.StartPeriod}}set{{else}}not set{{end}}', 'not set'],
    ['{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}}', '{no 0} {local map[a:b]}'], ['{{.HostConfig.RestartPolicy.Name}}', 'no'],
  ]
  for (const [template, text] of cases) assert.equal(compileObjectTemplate(template)(document), text, template)
})
