import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { openTerminal } from './harness/terminal.ts'
import { tiny, throughEachClient } from './harness/stories.ts'

throughEachClient('terminals', (stage) => {
  void test('run -it gives a shell on a terminal of the right size, which follows a resize', async () => {
    await using terminal = await openTerminal(stage, { columns: 90, rows: 25 })
    await terminal.type('$D run -it --rm --name shell tiny sh')
    await terminal.shows(/\/ #/)
    await terminal.type('tty; stty size')
    await terminal.shows(/\/dev\/pts\/0\s+25 90/)
    await terminal.resize({ columns: 70, rows: 20 })
    await eventually(async () => {
      await terminal.type('stty size')
      await terminal.shows(/20 70/, 1000)
    })
    await terminal.type('exit 5')
    await terminal.type('echo left with $?')
    await terminal.shows(/left with 5/)
  })

  void test('Ctrl-C reaches the process inside', async () => {
    await using terminal = await openTerminal(stage)
    await terminal.type('$D run -it --rm tiny sh -c \'trap "echo caught; exit 33" INT; echo ready; while :; do sleep 0.1; done\'')
    await terminal.shows(/^ready/m)
    await terminal.press('C-c')
    await terminal.shows(/^(\^C)?caught/m)
    await terminal.type('echo left with $?')
    await terminal.shows(/left with 33/)
  })

  void test('the detach keys leave the container running, and attach comes back to it', async () => {
    await using terminal = await openTerminal(stage)
    await terminal.type('$D run -it --name kept tiny sh')
    await terminal.shows(/\/ #/)
    await terminal.type('word=remembered')
    await terminal.press('C-p', 'C-q')
    await terminal.type('echo detached with $?')
    await terminal.shows(/detached with 0/)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Running}}', 'kept'), 'true')
    await terminal.type('clear; $D attach kept')
    await terminal.press('Enter')
    await terminal.type('echo $word again')
    await terminal.shows(/remembered again/)
    await terminal.type('exit 4')
    await terminal.type('echo left with $?')
    await terminal.shows(/left with 4/)
    await stage.ok('rm', 'kept')
  })

  void test('exec -it is a second terminal in the same container', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    await using terminal = await openTerminal(stage, { columns: 100, rows: 30 })
    await terminal.type(`$D exec -it ${container.id.slice(0, 12)} sh`)
    await terminal.shows(/\/ #/)
    await terminal.type('echo $$ on $(tty) sized $(stty size)')
    await terminal.shows(/\d+ on \/dev\/pts\/\d sized 30 100/)
    await terminal.type('exit 6')
    await terminal.type('echo left with $?')
    await terminal.shows(/left with 6/)
  })

  void test('attach without a terminal passes signals on', async () => {
    await using terminal = await openTerminal(stage)
    await terminal.type('$D run --rm tiny sh -c \'trap "echo caught; exit 34" INT; echo ready; while :; do sleep 0.1; done\'')
    await terminal.shows(/^ready/m)
    await terminal.press('C-c')
    await terminal.shows(/^(\^C)?caught/m)
    await terminal.type('echo left with $?')
    await terminal.shows(/left with 34/)
  })
}, { images: [tiny] })
