import { authorizationKind } from '../api/authorization.ts'
import type { AuthorizationPlugin } from '../api/authorization.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import { pluginFolders } from '../net/plugins/plugin-address.ts'
import { Plugins } from '../net/plugins/plugin.ts'

/**
 * The plugins of `names`, which may change while the daemon runs: one that is named later and is not there denies everything.
 * @throws InvalidParameter for one that is not there at the start
 */
export async function authorizationPlugins(names: readonly string[]): Promise<() => readonly AuthorizationPlugin[]> {
  const plugins = new Plugins(pluginFolders)
  for (const name of names) {
    try {
      await plugins.of(name).require(authorizationKind)
    } catch (error) {
      throw new GantryError('InvalidParameter', `error validating authorization plugin: ${messageOf(error)}`, { cause: error })
    }
  }
  return () => names.map((name) => plugins.of(name))
}
