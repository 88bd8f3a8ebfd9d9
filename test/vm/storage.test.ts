import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

/** Storage drivers whose kernel parts most developers' machines lack. */
onOneMachine('storage drivers on the kernel of Debian 12', (stage) => {
  test('a pool in files warns, has a thin device for each layer and container, and leaves no device', async () => {
    await stage.daemon.restartWith('-s devicemapper --storage-opt dm.loopdatasize=2G --storage-opt dm.loopmetadatasize=64M --storage-opt dm.basesize=300M')
    assert.match(await stage.daemon.log(), /Usage of loopback devices is strongly discouraged for production use/)
    assert.match(await stage.ok('info'), /Storage Driver: devicemapper\n(?:.*\n)*\s+Pool Name: gantry-\w+-pool\n(?:.*\n)*\s+Base Device Size: 314\.6MB\n(?:.*\n)*\s+Data loop file: .*\n(?:.*\n)*\s+Data Space Total: 2\.147GB\n/)
    await stage.must(`docker import /root/tiny.tar ${tiny}`)
    {
      await using container = await stage.container(tiny, 'sleep', '999')
      await stage.ok('exec', container.id, 'sh', '-c', 'echo new > /etc/new')
      assert.match(await stage.ok('diff', container.id), /A \/etc\/new/)
      const mapped = (await stage.must('dmsetup ls')).split('\n').filter((line) => line.startsWith('gantry-'))
      assert.equal(mapped.length, 2, mapped.join('\n'))
      // The base, the layer and the container.
      const pool = mapped.find((line) => line.includes('-pool'))!.split('\t')[0]!
      await stage.must(`dmsetup message ${pool} 0 reserve_metadata_snap`)
      const dump = await stage.must(`meta=$(losetup -n -O NAME -j /var/lib/gantry/devicemapper/devicemapper/metadata); thin_dump -m $meta; dmsetup message ${pool} 0 release_metadata_snap`)
      assert.equal([...dump.matchAll(/<device dev_id/g)].length, 3)
      await stage.daemon.kill9()
      await stage.daemon.start()
      assert.equal(await stage.ok('exec', container.id, 'cat', '/etc/new'), 'new')
    }
    await stage.ok('rmi', tiny)
    await stage.must('systemctl stop gantryd')
    assert.doesNotMatch(await stage.must('dmsetup ls; losetup -a'), /gantry/)
  })

  test('a pool that the user made is used, and a container cannot be smaller than the base', async () => {
    await stage.must(`truncate -s 1G /root/data; truncate -s 16M /root/meta
d=$(losetup -f --show /root/data); m=$(losetup -f --show /root/meta)
dmsetup create mypool --table "0 $(blockdev --getsz $d) thin-pool $m $d 128 100 1 skip_block_zeroing"
rm -rf /var/lib/gantry/devicemapper`)
    await stage.daemon.restartWith('-s devicemapper --storage-opt dm.thinpooldev=/dev/mapper/mypool --storage-opt dm.basesize=200M --storage-opt dm.use_deferred_removal=true')
    assert.match(await stage.ok('info'), /Pool Name: mypool/)
    assert.match(await stage.daemon.log(), /dm\.use_deferred_removal has no effect here/)
    await stage.must(`docker import /root/tiny.tar ${tiny}`)
    assert.match((await stage.docker('create', '--storage-opt', 'size=100M', tiny, 'true')).stderr, /Container size cannot be smaller than 209\.7MB/)
    const size = await stage.ok('run', '--rm', '--storage-opt', 'size=400M', tiny, 'sh', '-c', "df -mP / | tail -n 1 | awk '{print $2}'")
    assert.ok(Number(size) > 330, size)
    await stage.ok('rmi', tiny)
    await stage.must('systemctl stop gantryd; dmsetup ls | grep gantry- | cut -f1 | xargs -r -n1 dmsetup remove; dmsetup remove mypool')
  })

  test('overlay2 holds a container to its quota on xfs with pquota', async () => {
    await stage.must('modprobe xfs; modprobe loop; truncate -s 400M /root/xfs; mkfs.xfs -q /root/xfs; mkdir -p /xfs; mount -o loop,pquota /root/xfs /xfs')
    await stage.daemon.restartWith('--data-root /xfs/gantry')
    await stage.must(`docker import /root/tiny.tar ${tiny}`)
    const fill = ['dd', 'if=/dev/zero', 'of=/big', 'bs=1M', 'count=30']
    assert.match((await stage.docker('run', '--rm', '--storage-opt', 'size=10M', tiny, ...fill)).stderr, /No space left|Disk quota exceeded/)
    const roomy = await stage.docker('run', '--rm', '--storage-opt', 'size=40M', tiny, ...fill)
    assert.equal(roomy.code, 0, roomy.stderr)
    assert.match(await stage.ok('info'), /Backing Filesystem: xfs/)
  })
})
