import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import type { Kernel, ToolResult } from '../../../src/kernel/kernel.ts'
import { addToChain, checkChain, deleteFromChain } from '../../../src/net/drivers/cni/chain.ts'
import type { CniCall } from '../../../src/net/drivers/cni/chain.ts'
import { isSince, parseConfiguration } from '../../../src/net/drivers/cni/configuration.ts'
import { attachmentOf } from '../../../src/net/drivers/cni/result.ts'

interface Step {
  program: string
  command: string
  netns: string
  input: Record<string, unknown>
}

void describe('a CNI configuration', () => {
  const bad: [string, unknown, RegExp][] = [
    ['a list', [], /it is not an object/],
    ['no name', { type: 'bridge' }, /no valid "name"/],
    ['a name that is a path', { name: '../x', type: 'bridge' }, /no valid "name"/],
    ['a type that is a path', { name: 'x', type: '/bin/sh' }, /no valid "type"/],
    ['no plugins', { name: 'x', plugins: [] }, /no "plugins"/],
    ['a version that is none', { name: 'x', cniVersion: 'new', type: 'bridge' }, /not a version/],
  ]
  for (const [what, value, message] of bad) test(`with ${what} is refused`, () => assert.throws(() => parseConfiguration(JSON.stringify(value)), { message }))

  test('of one plugin is a chain of one', () => {
    const { plugins, cniVersion } = parseConfiguration('{"name": "x", "type": "bridge", "mtu": 9000}')
    assert.deepEqual([plugins.map(({ type, mtu }) => [type, mtu]), cniVersion], [[['bridge', 9000]], '0.2.0'])
  })

  test('versions compare by numbers', () => {
    assert.deepEqual([isSince('1.0.0', '0.4.0'), isSince('0.4.0', '0.4.0'), isSince('0.3.1', '0.4.0'), isSince('0.10.0', '0.4.0')], [true, true, false, true])
  })
})

void describe('the answer of a chain', () => {
  test('of version 1.0.0: addresses of the interface inside alone, a gateway only by a default route', () => {
    const result = {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'cni0', mac: '0a:00:00:00:00:01' }, { name: 'eth0', mac: '0a:00:00:00:00:02', sandbox: '/netns' }],
      ips: [{ address: '10.1.0.1/24', interface: 0 }, { address: '10.1.0.9/24', gateway: '10.1.0.1', interface: 1 }, { address: 'fd00::9/64', gateway: 'fd00::1', interface: 1 }],
      routes: [{ dst: '0.0.0.0/0' }, { dst: 'fd01::/64' }],
    }
    assert.deepEqual(attachmentOf(result, 'eth0'), {
      containerInterface: 'eth0', ipv4: '10.1.0.9', prefix: 24, gateway: '10.1.0.1', ipv6: 'fd00::9', prefix6: 64, gateway6: '', mac: '0a:00:00:00:00:02',
    })
  })

  test('of version 0.2.0 has a place for each family', () => {
    const { ipv4, prefix, gateway, ipv6 } = attachmentOf({ ip4: { ip: '10.1.0.9/16', gateway: '10.1.0.1', routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.254' }] } }, 'eth0')
    assert.deepEqual([ipv4, prefix, gateway, ipv6], ['10.1.0.9', 16, '10.1.0.254', ''])
  })
})

const dns = (value: unknown) => attachmentOf({ dns: value }, 'eth0').dns

void describe('what a chain says of names', () => {
  test('is servers that are addresses, and where short names are looked for', () => {
    assert.deepEqual(dns({ nameservers: ['10.1.0.53', 'one', 7], domain: 'lan.example', options: ['ndots:2', 'two words'] }), { servers: ['10.1.0.53'], search: ['lan.example'], options: ['ndots:2'] })
    assert.deepEqual(dns({ domain: 'lan.example', search: ['a.example', 'b.example'] }), { servers: [], search: ['a.example', 'b.example'], options: [] })
  })
  test('is nothing where it is empty', () => assert.deepEqual([dns({}), dns(undefined), dns({ nameservers: [] })], [undefined, undefined, undefined]))
})

void describe('a chain of CNI plugins', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-cni-'))
  after(() => rmSync(folder, { recursive: true }))
  for (const name of ['first', 'second']) {
    writeFileSync(path.join(folder, name), '')
    chmodSync(path.join(folder, name), 0o755)
  }

  const call = (more: Partial<CniCall> = {}, version = '1.0.0'): CniCall => ({
    configuration: parseConfiguration(JSON.stringify({ cniVersion: version, name: 'lan', plugins: [{ type: 'first', capabilities: { mac: true } }, { type: 'second', capabilities: { portMappings: true } }] })),
    folders: [folder], containerId: 'c', interfaceName: 'eth0', args: '', runtime: { mac: 'm', portMappings: [1], ips: [] }, ...more,
  })

  test('adds in order, each with the result before it and the capabilities that it declares', async () => {
    const { kernel, steps } = host(({ program }) => ({ stdout: JSON.stringify({ by: program }) }))
    assert.deepEqual(await addToChain(kernel, call(), '/netns'), { by: 'second' })
    assert.deepEqual(steps.map(({ program, command, netns, input }) => [program, command, netns, input['runtimeConfig'], input['prevResult'], input['name'], input['cniVersion'], input['capabilities']]), [
      ['first', 'ADD', '/netns', { mac: 'm' }, undefined, 'lan', '1.0.0', undefined],
      ['second', 'ADD', '/netns', { portMappings: [1] }, { by: 'first' }, 'lan', '1.0.0', undefined],
    ])
  })

  test('deletes in reverse with the result of ADD, goes on past a failure, and tells of it', async () => {
    const { kernel, steps } = host(({ program }) => (program === 'second' ? { code: 1, stdout: '{"code": 11, "msg": "busy", "details": "try later"}' } : {}))
    assert.deepEqual(await deleteFromChain(kernel, call({ result: { by: 'second' } }), ''), ['CNI plugin second failed to DEL eth0: busy: try later (code 11)'])
    assert.deepEqual(steps.map(({ program, netns, input }) => [program, netns, input['prevResult']]), [['second', '', { by: 'second' }], ['first', '', { by: 'second' }]])
  })

  test('of before 0.4.0 gets no result for DEL, and is not checked', async () => {
    const { kernel, steps } = host(() => ({}))
    await deleteFromChain(kernel, call({ result: { by: 'second' } }, '0.3.1'), '/netns')
    await checkChain(kernel, call({ result: {} }, '0.3.1'), '/netns')
    assert.deepEqual(steps.map(({ command, input }) => [command, input['prevResult']]), [['DEL', undefined], ['DEL', undefined]])
  })

  test('says what a plugin said that is no error of CNI, and which one is missing', async () => {
    const { kernel } = host(() => ({ code: 2, stderr: 'Segmentation fault\n' }))
    await assert.rejects(addToChain(kernel, call(), '/netns'), { message: 'CNI plugin first failed to ADD eth0: Segmentation fault' })
    const wordy = host(() => ({ stdout: 'hello' }))
    await assert.rejects(addToChain(wordy.kernel, call(), '/netns'), { message: 'CNI plugin first gave an answer to ADD that is not JSON: hello' })
    await assert.rejects(addToChain(kernel, call({ folders: ['/nowhere'] }), '/netns'), { message: 'could not find CNI plugin first in /nowhere' })
  })
})

/** A host whose plugins answer so. */
function host(answer: (step: Step) => Partial<ToolResult>): { kernel: Kernel; steps: Step[] } {
  const steps: Step[] = []
  const tool: Kernel['tool'] = async ([program = ''], input = '', options = {}) => {
    const step: Step = { program: path.basename(program), command: options.env?.['CNI_COMMAND'] ?? '', netns: options.env?.['CNI_NETNS'] ?? '', input: JSON.parse(input) as Record<string, unknown> }
    steps.push(step)
    return { code: 0, stdout: '', stderr: '', ...answer(step) }
  }
  return { kernel: { tool, syscall: () => -38, spawnMonitor: () => Promise.reject(new Error('nothing is spawned here')) }, steps }
}
