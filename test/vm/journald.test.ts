import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

onOneMachine('the log driver journald', (stage) => {
  /** Entries of a container as journalctl shows them. */
  const entries = async (id: string): Promise<Record<string, string>[]> => {
    const text = await stage.must(`for i in $(seq 60); do n=$(journalctl -o json --no-pager CONTAINER_ID_FULL=${id} | wc -l); [ $n -ge 4 ] && break; sleep 0.5; done; journalctl -o json --all --no-pager CONTAINER_ID_FULL=${id}`)
    return text.split('\n').map((line) => JSON.parse(line) as Record<string, string>)
  }

  test('lines reach the journal with the fields of Docker, also those of a time without the daemon', async () => {
    const options = ['--name', 'noted', '--label', 'team.name=a', '--log-driver', 'journald', '--log-opt', 'labels=team.name', '--log-opt', 'tag={{.Name}}/{{.ImageName}}']
    await using container = await stage.container(...options, tiny, 'sh', '-c', 'echo out; echo err >&2; while [ ! -e /tmp/go ]; do sleep 0.2; done; echo later; head -c 17000 /dev/zero | tr "\\0" x; sleep 999')
    await stage.daemon.kill9()
    await stage.must(`touch /proc/${container.pid}/root/tmp/go`)
    await stage.daemon.start()
    await stage.ok('stop', '-t', '0', container.id)
    const found = await entries(container.id)
    const texts = found.map(({ MESSAGE, PRIORITY, CONTAINER_PARTIAL_MESSAGE }) => [MESSAGE?.slice(0, 5), MESSAGE?.length, PRIORITY, CONTAINER_PARTIAL_MESSAGE])
    assert.deepEqual(texts.toSorted(([a], [b]) => String(a).localeCompare(String(b))), [['err', 3, '3', undefined], ['later', 5, '6', undefined], ['out', 3, '6', undefined], ['xxxxx', 16_384, '6', 'true'], ['xxxxx', 616, '6', 'true']])
    for (const entry of found) {
      const { CONTAINER_ID, CONTAINER_NAME, CONTAINER_TAG, IMAGE_NAME, SYSLOG_IDENTIFIER, TEAM_NAME, _TRANSPORT } = entry
      assert.deepEqual(
        { CONTAINER_ID, CONTAINER_NAME, CONTAINER_TAG, IMAGE_NAME, SYSLOG_IDENTIFIER, TEAM_NAME, _TRANSPORT },
        { CONTAINER_ID: container.id.slice(0, 12), CONTAINER_NAME: 'noted', CONTAINER_TAG: `noted/${tiny}`, IMAGE_NAME: tiny, SYSLOG_IDENTIFIER: `noted/${tiny}`, TEAM_NAME: 'a', _TRANSPORT: 'journal' },
      )
    }
    assert.equal(await stage.ok('logs', '--tail', '3', container.id).then((text) => text.split('\n')[0]), 'later')
  })
})
