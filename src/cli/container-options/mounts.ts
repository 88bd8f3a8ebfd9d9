import { resolve } from 'node:path'
import { readBoolean, readBytes } from '../grammar/flag-value.ts'
import { parseCsv } from './csv.ts'

type Mount = { Type: string; Source?: string; Target?: string; [field: string]: unknown }

/** Reads one --mount; throws with the reason. */
export function readMount(word: string): Mount {
  const mount: Mount = { Type: 'volume' }
  const options: Record<'BindOptions' | 'VolumeOptions' | 'TmpfsOptions' | 'ImageOptions', Record<string, unknown>> = {
    BindOptions: {}, VolumeOptions: {}, TmpfsOptions: {}, ImageOptions: {},
  }
  for (const field of parseCsv(word)) readField(field, { mount, options })
  if (mount.Target === undefined || mount.Target === '') throw new Error('target is required')
  checkRecursion(mount, options.BindOptions)
  checkOwners(mount, options)
  const used = Object.entries(options).filter(([, value]) => Object.keys(value).length > 0)
  return { ...order(mount), ...Object.fromEntries(used) }
}

type Draft = { mount: Mount; options: Record<string, Record<string, unknown>> }

function readField(field: string, { mount, options }: Draft): void {
  const equals = field.indexOf('=')
  const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase()
  const value = equals < 0 ? 'true' : field.slice(equals + 1)
  const flags = ['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive']
  if (equals < 0 && !flags.includes(key)) throw new Error(`invalid field '${field}' must be a key=value pair`)
  const truth = () => {
    try {
      return readBoolean(value)
    } catch {
      throw new Error(`invalid value for ${key}: ${value}`)
    }
  }
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase()
      return
    case 'source':
    case 'src':
      mount.Source = value.startsWith('.') ? resolve(value) : value
      return
    case 'target':
    case 'dst':
    case 'destination':
      mount.Target = value
      return
    case 'readonly':
    case 'ro':
      if (truth()) mount['ReadOnly'] = true
      return
    case 'consistency':
      mount['Consistency'] = value.toLowerCase()
      return
    case 'bind-propagation':
      options['BindOptions']!['Propagation'] = value.toLowerCase()
      return
    case 'bind-nonrecursive':
      if (truth()) options['BindOptions']!['NonRecursive'] = true
      return
    case 'bind-create-src':
      options['BindOptions']!['CreateMountpoint'] = truth()
      return
    case 'bind-recursive':
      bindRecursive(value, options['BindOptions']!)
      return
    case 'volume-subpath':
      options['VolumeOptions']!['Subpath'] = value
      return
    case 'image-subpath':
      options['ImageOptions']!['Subpath'] = value
      return
    case 'volume-nocopy':
      if (truth()) options['VolumeOptions']!['NoCopy'] = true
      return
    case 'volume-label':
      addPair(options['VolumeOptions']!, 'Labels', value)
      return
    case 'volume-driver':
    case 'volume-opt': {
      const driver = (options['VolumeOptions']!['DriverConfig'] ??= {}) as Record<string, unknown>
      if (key === 'volume-driver') driver['Name'] = value
      else addPair(driver, 'Options', value)
      return
    }
    case 'tmpfs-size':
      options['TmpfsOptions']!['SizeBytes'] = size(key, value)
      return
    case 'tmpfs-mode':
      if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`)
      options['TmpfsOptions']!['Mode'] = Number.parseInt(value, 8)
      return
    default:
      throw new Error(`unknown option '${key}' in '${field}'`)
  }
}

/** What bind-recursive says is about read-only mounts. */
function checkRecursion(mount: Mount, bind: Record<string, unknown>): void {
  const mode = bind['ReadOnlyNonRecursive'] ? 'writable' : bind['ReadOnlyForceRecursive'] ? 'readonly' : undefined
  if (mode === undefined) return
  if (!mount['ReadOnly']) throw new Error(`option 'bind-recursive=${mode}' requires 'readonly' to be specified in conjunction`)
  if (mode === 'readonly' && bind['Propagation'] !== 'rprivate') throw new Error("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction")
}

function bindRecursive(value: string, bind: Record<string, unknown>): void {
  if (value === 'enabled') return
  if (value === 'disabled') bind['NonRecursive'] = true
  else if (value === 'writable') bind['ReadOnlyNonRecursive'] = true
  else if (value === 'readonly') bind['ReadOnlyForceRecursive'] = true
  else throw new Error(`invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`)
}

function addPair(object: Record<string, unknown>, field: string, word: string): void {
  const equals = word.indexOf('=')
  const pairs = (object[field] ??= {}) as Record<string, string>
  pairs[equals < 0 ? word : word.slice(0, equals)] = equals < 0 ? '' : word.slice(equals + 1)
}

function size(key: string, value: string): number {
  try {
    return readBytes(value)
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`)
  }
}

function checkOwners(mount: Mount, options: Record<string, Record<string, unknown>>): void {
  const owners = { VolumeOptions: 'volume', BindOptions: 'bind', ImageOptions: 'image', TmpfsOptions: 'tmpfs' }
  for (const [field, owner] of Object.entries(owners)) {
    if (Object.keys(options[field]!).length > 0 && mount.Type !== owner) {
      throw new Error(`cannot mix '${owner}-*' options with mount type '${mount.Type}'`)
    }
  }
}

function order(mount: Mount): Mount {
  const { Type, Source, Target, ...rest } = mount
  return { Type, ...(Source !== undefined && { Source }), ...(Target !== undefined && { Target }), ...rest }
}
