/** info's RegistryConfig: whom the engine trusts without a certificate, and who stands in for docker.io. */
export function registryConfig({ mirrors, insecure }: { mirrors: string[]; insecure: string[] } = { mirrors: [], insecure: [] }): Record<string, unknown> {
  const ranges = insecure.filter((each) => each.includes('/'))
  const index = (name: string, secure: boolean): [string, object] => [
    name,
    { Name: name, Mirrors: name === 'docker.io' ? mirrors : [], Secure: secure, Official: name === 'docker.io' },
  ]
  const hosts = insecure.filter((each) => !each.includes('/')).map((name) => index(name, false))
  return {
    IndexConfigs: Object.fromEntries([...hosts, index('docker.io', true)]),
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...ranges],
    Mirrors: mirrors.length > 0 ? mirrors : null,
  }
}
