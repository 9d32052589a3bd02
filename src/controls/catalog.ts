import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { compareBytes, digestOf } from '../digest.ts'
import { nearest, type Problem, readYaml } from '../document.ts'
import type { ControlInfo, Framework, ParameterOverride, ParameterValues } from '../model.ts'
import { type CompiledControl, compileControl, wrongParameters } from './control.ts'
import { type ControlFile, controlSchema } from './control-file.ts'
import { ControlsError } from './controls-error.ts'
import { type FrameworkFile, frameworkOf, frameworkSchema } from './framework-file.ts'
import { openLanguage } from './language.ts'
import { loadManagedPolicies, type ManagedPolicies } from './managed-policies.ts'
import { packagedCatalog } from './packaged-catalog.ts'
import { withShared, wrongShared } from './shared-parameters.ts'

/** A mistake in a file of the catalog, or in a parameter from the configuration (file `config`, line 0 then). */
export type CatalogProblem = Problem

/** Everything that can be judged. What is broken stands in `problems` and nowhere else; the rest runs. */
export interface Catalog {
  /** sorted by id */
  readonly controls: readonly ControlInfo[]
  /** sorted by id */
  readonly frameworks: readonly Framework[]
  /** over the digests of controls, frameworks and reference data; parameters have their own in each outcome */
  readonly digest: string
  readonly problems: readonly CatalogProblem[]
  /** the compiled form, for this room alone; in the order of `controls` */
  readonly compiled: readonly CompiledControl[]
  readonly managedPolicies: ManagedPolicies
}

/** Which controls a catalog holds, and the values of their parameters. */
export interface CatalogOptions {
  /** folders instead of the packaged catalog's */
  readonly folders?: readonly string[]
  /** folders beside it: controls and frameworks of the user's own */
  readonly ownFolders?: readonly string[]
  /** id of the framework whose parameter profile replaces the defaults */
  readonly profile?: string | null
  /** values by control id that replace the defaults and the profile's */
  readonly parameters?: { readonly [controlId: string]: ParameterValues }
  /** values for some profile, source or tag, which replace all others */
  readonly overrides?: readonly ParameterOverride[]
}

/**
 * Reads and compiles controls and frameworks from all `.yaml` files below the folders; a file with `requirements` is a framework,
 * folders called `data` are passed over. Each mistake is reported with file, line and column, and what was probably meant. A control whose
 * configured parameters are wrong, or are to be those of another that there is not, is not run with its defaults: it is reported, and does not run.
 * @throws {ControlsError} CATALOG_UNREADABLE when a folder cannot be read; DATA_INVALID when reference data is damaged
 */
export function loadCatalog(options: CatalogOptions = {}): Catalog {
  const folders = [...(options.folders ?? [packagedCatalog]), ...(options.ownFolders ?? [])]
  const managedPolicies = loadManagedPolicies()
  const language = openLanguage()
  const problems: CatalogProblem[] = []
  const controls = new Map<string, CompiledControl>()
  const places = new Map<string, ReturnType<typeof readYaml>['at']>()
  const frameworks = new Map<string, { framework: Framework; path: string; at: ReturnType<typeof readYaml>['at'] }>()

  for (const path of folders.flatMap(yamlFiles)) {
    const file = relative(process.cwd(), path).startsWith('..') ? path : relative(process.cwd(), path)
    const text = readText(path)
    if (/^requirements:/m.test(text)) {
      const yaml = readYaml(text, file, frameworkSchema)
      problems.push(...yaml.problems)
      if (yaml.problems.length > 0) continue
      const framework = frameworkOf(yaml.value as unknown as FrameworkFile)
      const other = frameworks.get(framework.id)
      if (other === undefined) frameworks.set(framework.id, { framework, path: file, at: yaml.at })
      else
        problems.push({
          file,
          ...yaml.at(['id']),
          path: 'id',
          message: `framework ${framework.id} is already defined in ${other.path}`,
          hint: 'give it another id',
        })
      continue
    }
    const yaml = readYaml(text, file, controlSchema)
    problems.push(...yaml.problems)
    if (yaml.problems.length > 0) continue
    const parsed = yaml.value as unknown as ControlFile
    const other = controls.get(parsed.id)
    if (other !== undefined) {
      problems.push({
        file,
        ...yaml.at(['id']),
        path: 'id',
        message: `control ${parsed.id} is already defined in ${other.path}`,
        hint: 'give it another id',
      })
      continue
    }
    const control = compileControl(parsed, yaml, text, file, language, (place, member, message, hint) => {
      problems.push({ file, line: place.line, column: place.column, path: member, message, hint })
    })
    if (control === null) continue
    controls.set(parsed.id, control)
    places.set(parsed.id, yaml.at)
  }
  const profile = profileOf(frameworks, options.profile ?? null, problems)
  const given = options.parameters ?? {}
  const own = [profile.values, given, ...(options.overrides ?? []).map(each => each.parameters)]
  const share: Share = (still, values) => withShared(still, values, own)
  const adrift = new Set<string>()
  for (const { id, name, message, hint } of wrongShared(controls)) {
    const hasOwn = [profile.values, given].some(each => each[id]?.[name] !== undefined)
    if (!hasOwn) adrift.add(id)
    const path = `parameters.${name}.sameAs`
    const place = { file: controls.get(id)!.path, ...places.get(id)!(path.split('.')), path }
    problems.push({ ...place, message: hasOwn ? message : `${message}; ${id} does not run`, hint })
  }
  const running = (all: ReadonlyMap<string, CompiledControl>) => new Map([...all].filter(([id]) => !adrift.has(id)))
  const tuned = applyParameters(controls, share(controls, profile.values), profile.report)
  const configured = applyParameters(tuned, share(tuned, given), (path, message, hint) =>
    problems.push({ file: 'config', line: 0, column: 0, path: `controls.parameters.${path}`, message, hint }),
  )
  const overridden = applyOverrides(configured, options, share, frameworks, problems)
  for (const { framework, path, at } of frameworks.values()) checkReferences(framework, path, at, running(controls), problems)
  const compiled = [...running(overridden).values()].sort((a, b) => compareBytes(a.info.id, b.info.id))
  const sorted = [...frameworks.values()].map(each => each.framework).sort((a, b) => compareBytes(a.id, b.id))
  const digest = digestOf({
    controls: Object.fromEntries(compiled.map(({ info }) => [info.id, info.digest])),
    frameworks: Object.fromEntries(sorted.map(framework => [framework.id, framework.digest])),
    managedPolicies: managedPolicies.digest,
  })
  return { controls: compiled.map(control => control.info), frameworks: sorted, digest, problems, compiled, managedPolicies }
}

/** The parameter profile that the configuration chooses, and how its mistakes are told: with the framework's file. */
function profileOf(
  frameworks: ReadonlyMap<
    string,
    { readonly framework: Framework; readonly path: string; readonly at: ReturnType<typeof readYaml>['at'] }
  >,
  id: string | null,
  problems: CatalogProblem[],
) {
  const chosen = id === null ? undefined : frameworks.get(id)
  if (id !== null && chosen?.framework.profile === undefined) {
    const having = [...frameworks.values()].filter(each => each.framework.profile !== undefined).map(each => each.framework.id)
    const message = chosen === undefined ? `no framework ${id}` : `framework ${id} has no parameter profile`
    const hint = `frameworks with one: ${having.join(', ')}`
    problems.push({ file: 'config', line: 0, column: 0, path: 'controls.frameworkProfile', message, hint })
  }
  const report = (path: string, message: string, hint: string | null) =>
    problems.push({
      file: chosen?.path ?? 'config',
      ...(chosen?.at(['profile']) ?? { line: 0, column: 0 }),
      path: `profile.${path}`,
      message,
      hint,
    })
  return { values: chosen?.framework.profile ?? {}, report }
}

/** Files of a catalog's controls as they were read, by id, with the digest of what they define. */
export function controlTexts(
  catalog: Catalog,
): readonly { readonly id: string; readonly digest: string; readonly text: string }[] {
  return catalog.compiled.map(({ info, text }) => ({ id: info.id, digest: info.digest, text }))
}

/** Values that are given at one place, with those that controls which are still there share. */
type Share = (
  controls: ReadonlyMap<string, CompiledControl>,
  values: { readonly [controlId: string]: ParameterValues },
) => { readonly [controlId: string]: ParameterValues }

/** Overrides of the profile in force change the parameters; those of a source or tag wait until it is known what is judged. */
function applyOverrides(
  controls: ReadonlyMap<string, CompiledControl>,
  { overrides = [], profile = null }: CatalogOptions,
  share: Share,
  frameworks: ReadonlyMap<string, unknown>,
  problems: CatalogProblem[],
): ReadonlyMap<string, CompiledControl> {
  const report = (index: number) => (path: string, message: string, hint: string | null) =>
    problems.push({ file: 'config', line: 0, column: 0, path: `controls.overrides[${index}].${path}`, message, hint })
  const atValues = (index: number) => (path: string, message: string, hint: string | null) =>
    report(index)(`parameters.${path}`, message, hint)
  let found = controls
  for (const [index, override] of overrides.entries()) {
    if (override.profile === null || frameworks.has(override.profile)) continue
    const meant = nearest(override.profile, frameworks.keys())
    report(index)('profile', `no framework ${override.profile}`, meant === null ? null : `did you mean ${meant}?`)
  }
  const rank = ({ source, tag }: ParameterOverride) => (tag !== null ? 2 : source !== null ? 1 : 0)
  for (const wanted of [0, 1, 2]) {
    for (const [index, override] of overrides.entries()) {
      if (rank(override) !== wanted) continue
      // checked whether it is in force or not
      const values = share(found, override.parameters)
      const changed = applyParameters(found, values, atValues(index))
      const broken = [...found.keys()].filter(id => !changed.has(id))
      const isInForce = override.profile === null || override.profile === profile
      const next = new Map(isInForce && wanted === 0 ? changed : [...found].filter(([id]) => !broken.includes(id)))
      if (isInForce && wanted > 0) {
        for (const [id, parameters] of Object.entries(values)) {
          const control = next.get(id)
          const added = { source: override.source, tag: override.tag, parameters }
          if (control !== undefined) next.set(id, { ...control, overrides: [...control.overrides, added] })
        }
      }
      found = next
    }
  }
  return found
}

function applyParameters(
  controls: ReadonlyMap<string, CompiledControl>,
  parameters: { readonly [controlId: string]: ParameterValues },
  report: (path: string, message: string, hint: string | null) => void,
): ReadonlyMap<string, CompiledControl> {
  const configured = new Map(controls)
  for (const [id, values] of Object.entries(parameters)) {
    const control = controls.get(id)
    if (control === undefined) {
      const meant = nearest(id, controls.keys())
      report(id, `no control ${id}`, meant === null ? 'see `evidenced controls list`' : `did you mean ${meant}?`)
      continue
    }
    const wrong = wrongParameters(control.file, values)
    for (const { name, message, hint } of wrong) report(`${id}.${name}`, `${message}; ${id} does not run`, hint)
    if (wrong.length > 0) configured.delete(id)
    else configured.set(id, control.withParameters(values))
  }
  return configured
}

function checkReferences(
  framework: Framework,
  file: string,
  at: ReturnType<typeof readYaml>['at'],
  controls: ReadonlyMap<string, CompiledControl>,
  problems: CatalogProblem[],
): void {
  const seen = new Set<string>()
  framework.requirements.forEach(({ id, controls: referred }, index) => {
    const place = { file, ...at(['requirements', index, 'id']), path: `requirements[${index}]` }
    if (seen.has(id)) problems.push({ ...place, message: `requirement ${id} stands twice`, hint: 'join the two' })
    seen.add(id)
    for (const control of new Set(referred.map(each => each.id))) {
      if (referred.filter(each => each.id === control).length > 1) {
        problems.push({ ...place, message: `${control} is both public and judgement`, hint: 'keep one of them' })
      }
      if (controls.has(control)) continue
      const meant = nearest(control, controls.keys())
      const hint = meant === null ? 'see `evidenced controls list`' : `did you mean ${meant}?`
      problems.push({ ...place, message: `no control ${control}: requirement ${id} is unknown until it is there`, hint })
    }
  })
}

function yamlFiles(folder: string): readonly string[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    throw new ControlsError('CATALOG_UNREADABLE', `the folder of controls ${folder} cannot be read`, {
      hint: 'check the path under controls.folders',
      cause,
    })
  }
  return entries
    .sort((a, b) => compareBytes(a.name, b.name))
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'data' ? [] : yamlFiles(path)
      return /\.ya?ml$/.test(entry.name) ? [path] : []
    })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ControlsError('CATALOG_UNREADABLE', `${path} cannot be read`, { hint: 'check its permissions', cause })
  }
}
