/** Numbers of the netlink protocols, from linux/{netlink,rtnetlink,if_link,nfnetlink}.h and netfilter/nf_tables.h. */

export const protocol = { route: 0, netfilter: 12 } as const

export const flag = { request: 0x1, ack: 0x4, dump: 0x300, exclusive: 0x200, create: 0x400 } as const

/** Message types below 16 are netlink's own. */
export const control = { noop: 1, error: 2, done: 3 } as const

/** NLM_F_CAPPED: the failed request is not repeated; NLM_F_ACK_TLVS: attributes follow. */
export const ackFlag = { capped: 0x100, attributes: 0x200 } as const

export const rtm = {
  newLink: 16, delLink: 17, getLink: 18, setLink: 19,
  newAddress: 20, delAddress: 21, getAddress: 22,
  newRoute: 24, delRoute: 25,
} as const

export const ifla = {
  address: 1, ifname: 3, mtu: 4, link: 5, master: 10, linkInfo: 18, afSpec: 26, netnsFd: 28, txQueues: 31, rxQueues: 32,
} as const

export const linkInfo = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const
export const vethPeer = 1
export const bridgePortHairpin = 4
export const inet6AddrGenMode = 8
export const addrGenNone = 1
export const inetConf = 1
/** enum in linux/ip.h */
export const devconfArpNotify = 22

export const ifa = { address: 1, local: 2, broadcast: 4 } as const
export const rta = { destination: 1, oif: 4, gateway: 5 } as const

export const iffUp = 1
export const family = { inet: 2, inet6: 10 } as const

/** nfnetlink message types carry the subsystem in the high byte. */
export const nft = {
  batchBegin: 0x10, batchEnd: 0x11, subsystem: 10,
  newSetElement: (10 << 8) | 12, deleteSetElement: (10 << 8) | 14, getGeneration: (10 << 8) | 16,
} as const
