import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import Docker from 'dockerode'

/** What programs do with dockerode: streams, attach, exec, events, archives. Ends with the word "done". */
const [image = '', socketPath = ''] = process.argv.slice(2)
const docker = new Docker({ socketPath })

assert.equal((await docker.ping()).toString(), 'OK')
assert.equal((await docker.version()).Os, 'linux')

const events = await docker.getEvents({ filters: { type: ['container'], event: ['start', 'die'] } })
const seen: string[] = []
events.on('data', (chunk: Buffer) => {
  for (const line of chunk.toString().split('\n')) if (line !== '') seen.push((JSON.parse(line) as { Action: string }).Action)
})

const out = new PassThrough()
const output = text(out)
const [result] = (await docker.run(image, ['sh', '-c', 'echo from run; exit 7'], out, { HostConfig: { AutoRemove: false } })) as [{ StatusCode: number }]
out.end()
assert.deepEqual([(await output).replace('\r', ''), result.StatusCode], ['from run\n', 7])

const container = await docker.createContainer({ Image: image, Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, name: 'echo' })
const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
await container.start()
const [stdout, stderr] = [new PassThrough(), new PassThrough()]
docker.modem.demuxStream(stream, stdout, stderr)
const answer = text(stdout)
stream.on('end', () => stdout.end())
stream.write('through standard input\n')
stream.end()
assert.equal(await answer, 'through standard input\n')
assert.equal(((await container.wait()) as { StatusCode: number }).StatusCode, 0)
assert.match((await container.logs({ stdout: true })).toString(), /through standard input/)
await container.remove()
await assert.rejects(container.inspect(), { statusCode: 404 })

const sleeper = await docker.createContainer({ Image: image, Cmd: ['sleep', '600'], Labels: { kind: 'sleeper' } })
await sleeper.start()
const exec = await sleeper.exec({ Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 4'], AttachStdout: true, AttachStderr: true })
const session = await exec.start({ hijack: true, stdin: false })
const [execOut, execErr] = [new PassThrough(), new PassThrough()]
docker.modem.demuxStream(session, execOut, execErr)
session.on('end', () => {
  execOut.end()
  execErr.end()
})
assert.deepEqual(await Promise.all([text(execOut), text(execErr)]), ['out\n', 'err\n'])
assert.equal((await exec.inspect()).ExitCode, 4)
assert.equal((await docker.listContainers({ filters: { label: ['kind=sleeper'] } })).length, 1)
const stats = (await sleeper.stats({ stream: false })) as { pids_stats: { current: number } }
assert.equal(stats.pids_stats.current, 1)
await assert.rejects(sleeper.remove(), { statusCode: 409 })
await sleeper.remove({ force: true })

await docker.createVolume({ Name: 'made-by-dockerode', Labels: { from: 'here' } })
assert.deepEqual((await docker.getVolume('made-by-dockerode').inspect()).Labels, { from: 'here' })
await docker.getVolume('made-by-dockerode').remove()
const network = await docker.createNetwork({ Name: 'made-by-dockerode', Internal: true })
assert.equal(((await network.inspect()) as { Internal: boolean }).Internal, true)
await network.remove()
await assert.rejects(docker.getImage('localhost:1/nobody/has:this').inspect(), { statusCode: 404 })

assert.deepEqual([...new Set(seen)].toSorted(), ['die', 'start'])
;(events as unknown as { destroy(): void }).destroy()
console.log('done')
