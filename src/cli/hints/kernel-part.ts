/** Failures that mean that the engine's host has not got a part of the kernel, and what brings it. */
const parts: readonly { pattern: RegExp; hint: string }[] = [
  { pattern: /overlay.*(no such device|ENODEV|unknown filesystem)/i, hint: "The engine's kernel has no overlay file system: 'modprobe overlay', or another --storage-driver." },
  { pattern: /(veth|bridge|macvlan|ipvlan|vxlan)\b.*(operation not supported|not supported|no such device|EOPNOTSUPP|ENODEV)/i, hint: "The engine's kernel cannot make this kind of network link: 'modprobe veth bridge' (or macvlan, ipvlan, vxlan), or --network host." },
  { pattern: /(nft|nf_tables|iptables).*(operation not supported|not supported|no such file|ENOENT|EOPNOTSUPP)/i, hint: "The engine's kernel has no nf_tables: 'modprobe nf_tables nft_chain_nat', or start gantryd with --iptables=false." },
  { pattern: /has no (\w+) cgroup controller|cgroup.*is not mounted/i, hint: "The engine's host has this cgroup controller switched off: see cgroup_enable= of the kernel command line, or leave the limit out." },
  { pattern: /seccomp.*(not supported|EINVAL|ENOSYS|function not implemented)/i, hint: "The engine's kernel is built without seccomp filters (CONFIG_SECCOMP_FILTER): --security-opt seccomp=unconfined runs without." },
  { pattern: /user namespace.*(ENOSPC|EPERM|operation not permitted|not supported)/i, hint: "The engine's host allows no user namespaces: see /proc/sys/user/max_user_namespaces." },
]

export function kernelHint(message: string): string | undefined {
  return parts.find(({ pattern }) => pattern.test(message))?.hint
}
