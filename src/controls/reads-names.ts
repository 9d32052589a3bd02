import type { ParameterValue } from '../model.ts'
import type { Catalog } from './catalog.ts'
import { schemaTypes } from './compile.ts'
import type { CompiledControl } from './control.ts'
import type { ASTNode } from './language.ts'

/** Members that say how somebody is named, or are made of that. */
const naming: { readonly [type: string]: readonly string[] } = {
  User: [
    ...['UserId', 'UserName', 'DisplayName', 'NickName', 'Emails', 'ExternalIds', 'Addresses', 'PhoneNumbers', 'Photos'],
    ...['Birthdate', 'CreatedBy', 'UpdatedBy', 'name', 'people', 'primaryEmail', 'emailDomain', 'sameEmail', 'sameUserName'],
  ],
  Principal: ['name'],
  AccountAssignment: ['principalName', 'PrincipalId'],
  ApplicationAssignment: ['principalName', 'PrincipalId'],
  Assignment: ['principalName', 'PrincipalId'],
  IamUser: ['UserName', 'Arn', 'name'],
  IamPrincipal: ['Arn', 'name'],
  AccessKey: ['UserName', 'name'],
}

/**
 * The controls whose judgement pseudonyms in place of people can change, and why: those that rest on imported files, which name people
 * too, and those whose conditions read how somebody is named. A name that is only looked for in a list of parameters that names nobody is
 * found there neither before nor after.
 * @param isPseudonym whether a text holds a pseudonym
 */
export function restingOnNames(catalog: Catalog, isPseudonym: (text: string) => boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const control of catalog.compiled) {
    const imports = control.info.datasets.filter(name => name.startsWith('import.'))
    if (imports.length > 0) found.set(control.info.id, `it rests on imported files (${imports.join(', ')})`)
    else {
      const names = new Set<string>()
      for (const { node } of control.expressions) readNames(node, control, isPseudonym, names)
      if (names.size > 0) found.set(control.info.id, `it judges by how people are named (${[...names].sort().join(', ')})`)
    }
  }
  return found
}

function readNames(node: unknown, control: CompiledControl, isPseudonym: (text: string) => boolean, names: Set<string>): void {
  if (Array.isArray(node)) {
    for (const each of node) readNames(each, control, isPseudonym, names)
    return
  }
  if (typeof node !== 'object' || node === null || !('op' in node)) return
  const { op, args } = node as ASTNode
  if (op === 'in') {
    const values = valuesOf(args[1], control)
    if (values?.every(value => typeof value !== 'string' || !isPseudonym(value))) return
  }
  if (op === 'rcall') {
    const patterns = (args[2] as unknown as readonly unknown[]).map(each => valuesOf(each, control))
    if (patterns.length > 0 && patterns.every(each => each?.length === 0)) return
  }
  if (op === '.') {
    const [receiver, name] = args as readonly [ASTNode, string]
    for (const type of schemaTypes(receiver)) if (naming[type]?.includes(name)) names.add(name)
  }
  readNames(args, control, isPseudonym, names)
}

/** What a parameter holds, whichever override is in force; null for what is no parameter. */
function valuesOf(node: unknown, { info, overrides }: CompiledControl): readonly ParameterValue[] | null {
  if (typeof node !== 'object' || node === null || (node as ASTNode).op !== '.') return null
  const [receiver, name] = (node as ASTNode).args as readonly [ASTNode, string]
  if (receiver.op !== 'id' || (receiver.args as unknown) !== 'parameters') return null
  return [info.parameters, ...overrides.map(({ parameters }) => parameters)].flatMap(parameters => parameters[name] ?? [])
}
