import type { SelinuxContexts } from '../../kernel/selinux.ts'
import type { UserRemap } from '../user-namespace/remap.ts'

/** How the engine confines containers that do not say otherwise, as its flags and the host have it. */
export interface SecurityDefaults {
  /** --seccomp-profile: the text of a profile, or "unconfined"; undefined: the built-in one. */
  seccomp?: string
  /** Path or word that --seccomp-profile was given, for info. */
  seccompName?: string
  /** --no-new-privileges */
  noNewPrivileges?: boolean
  /** --userns-remap */
  userRemap?: UserRemap
  /** Name of the default profile, empty where it cannot be loaded; undefined where the host has no AppArmor. */
  apparmor?: string
  /** --selinux-enabled: what the host's policy calls processes and files of containers. */
  selinux?: SelinuxContexts
}
