import { bool, int, message, nested, repeated, requiredInt, string, stringList, type Decoded } from '../../lib/protobuf/message.ts'

/** What criu speaks with who started it as `criu swrk` (criu's images/rpc.proto; https://criu.org/RPC). */
export const requestTypes = { dump: 1, restore: 2, preDump: 4, notify: 6, featureCheck: 9 } as const

export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5 } as const

/** How the network is kept still while it is looked at. */
export const networkLocks = { iptables: 1, nftables: 2 } as const

const pageServer = message({ address: string(1), port: int(2) })
const pair = message({ key: string(1), val: string(2) })
const cgroupRoot = message({ ctrl: string(1), path: string(2) })
const inherited = message({ key: string(1), fd: requiredInt(2) })
const joined = message({ ns: string(1), ns_file: string(2) })

const options = message({
  /** Descriptors of this process, whatever criu's are. */
  images_dir_fd: requiredInt(1), work_dir_fd: requiredInt(17),
  pid: int(2), root: string(13), log_level: int(9), log_file: string(10), notify_scripts: bool(12), config_file: string(51),
  leave_running: bool(3), ext_unix_sk: bool(4), tcp_established: bool(5), evasive_devices: bool(6), shell_job: bool(7), file_locks: bool(8),
  link_remap: bool(18), tcp_skip_in_flight: bool(46), auto_dedup: bool(16), lazy_pages: bool(48), orphan_pts_master: bool(50),
  ps: nested(11, pageServer), parent_img: string(14), track_mem: bool(15),
  ext_mnt: repeated(23, pair), external: stringList(37), join_ns: repeated(39, joined), empty_ns: int(38),
  manage_cgroups: bool(24), manage_cgroups_mode: requiredInt(34), cg_root: repeated(25, cgroupRoot), freeze_cgroup: string(44),
  /** Descriptors of criu itself. */
  inherit_fd: repeated(27, inherited), rst_sibling: bool(26),
  lsm_profile: string(53), lsm_mount_context: string(63), network_lock: int(64),
})
const features = message({ mem_track: bool(1), lazy_pages: bool(2) })

export const criuRequest = message({ type: requiredInt(1), opts: nested(2, options), notify_success: bool(3), features: nested(5, features) })
export const criuResponse = message({
  type: int(1), success: bool(2), restore: nested(4, message({ pid: int(1) })), notify: nested(5, message({ script: string(1), pid: int(2) })),
  cr_errno: int(7), features: nested(8, features), cr_errmsg: string(9),
})

export type CriuOptions = Partial<Decoded<typeof options>>
export type CriuRequest = Partial<Omit<Decoded<typeof criuRequest>, 'opts'>> & { type: number; opts?: CriuOptions }
export type CriuResponse = Decoded<typeof criuResponse>
