import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { last, planned } from './planned.ts'

const owner = { uid: 0, gid: 0 }

const mounts: [flags: string, mount: Record<string, unknown>][] = [
  ['type=tmpfs,target=/t', { type: 'tmpfs', target: '/t' }],
  ['type=tmpfs,target=/t,size=10m', { type: 'tmpfs', target: '/t', size: 10 << 20 }],
  ['type=tmpfs,dst=rel', { type: 'tmpfs', target: '/w/rel' }],
  ['type=bind,target=/b', { type: 'bind', target: '/b', from: 'tree', source: '/', readWrite: false }],
  ['target=/b,source=x/y,rw', { type: 'bind', target: '/b', from: 'tree', source: '/x/y', readWrite: true }],
  ['type=bind,from=base,src=/lib,destination=/l,readwrite=true', { type: 'bind', target: '/l', from: 'image', source: '/lib', readWrite: true }],
  ['type=cache,target=/c', { type: 'cache', target: '/c', id: '/c', from: undefined, source: '/', readOnly: false, sharing: 'shared', mode: 0o755, ...owner }],
  ['type=cache,target=/c,id=x,sharing=locked,mode=0700,uid=5,gid=6,ro', { type: 'cache', target: '/c', id: 'x', from: undefined, source: '/', readOnly: true, sharing: 'locked', mode: 0o700, uid: 5, gid: 6 }],
  ['type=cache,target=/c,from=base,source=/s,sharing=private', { type: 'cache', target: '/c', id: '/c', from: 'image', source: '/s', readOnly: false, sharing: 'private', mode: 0o755, ...owner }],
  ['type=secret,id=s', { type: 'secret', target: '/run/secrets/s', env: undefined, id: 's', required: false, mode: 0o400, ...owner }],
  ['type=secret,id=s,target=/x/y,required,mode=0444,uid=1,gid=2', { type: 'secret', target: '/x/y', env: undefined, id: 's', required: true, mode: 0o444, uid: 1, gid: 2 }],
  ['type=secret,id=s,env=TOKEN', { type: 'secret', target: undefined, env: 'TOKEN', id: 's', required: false, mode: 0o400, ...owner }],
  ['type=secret,target=/a/key', { type: 'secret', target: '/a/key', env: undefined, id: 'key', required: false, mode: 0o400, ...owner }],
  ['type=ssh', { type: 'ssh', target: undefined, id: 'default', required: false, mode: 0o600, ...owner }],
  ['type=ssh,id=k,target=/s,required=true', { type: 'ssh', target: '/s', id: 'k', required: true, mode: 0o600, ...owner }],
]

const refusals: [line: string, error: RegExp][] = [
  ['RUN --mount=type=nfs,target=/x a', /unsupported mount type "nfs"/],
  ['RUN --mount=type=cache a', /invalid mount config: target is required/],
  ['RUN --mount=type=bind a', /invalid mount config: target is required/],
  ['RUN --mount=type=tmpfs,target=/x,id=y a', /unexpected key 'id' for mount type 'tmpfs'/],
  ['RUN --mount=type=cache,target=/x,sharing=none a', /unsupported sharing value "none"/],
  ['RUN --mount=type=cache,target=/x,mode=9 a', /invalid value 9 for mode/],
  ['RUN --mount=type=secret,id=s,required=maybe a', /invalid value for required: maybe/],
  ['RUN --mount=type=tmpfs,target a', /invalid field 'target' must be a key=value pair/],
  ['RUN --network=bridge a', /unsupported network mode "bridge"/],
  ['RUN --network=host a', /network\.host is not allowed/],
  ['RUN --security=none a', /security "none" is not valid/],
  ['RUN --security=insecure a', /security\.insecure is not allowed/],
]

void describe('flags of RUN', () => {
  for (const [flags, mount] of mounts) {
    void test(`--mount=${flags}`, async () => {
      const [found] = last(await planned(`FROM base\nWORKDIR /w\nRUN --mount=${flags} x`), 'run').mounts
      assert.deepEqual(found && 'from' in found ? { ...found, from: found.from?.kind } : found, mount)
    })
  }

  for (const [line, error] of refusals) {
    void test(`${line} is refused`, async () => assert.rejects(planned(`FROM base\n${line}`), error))
  }

  void test('what the request allows is granted', async () => {
    const run = last(await planned('FROM base\nRUN --network=host --security=insecure x', { entitlements: ['network.host', 'security.insecure'] }), 'run')
    assert.deepEqual([run.network, run.privileged], ['host', true])
  })
})
