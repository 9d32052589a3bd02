import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import type { ParameterValue } from '../model.ts'
import type { Fields } from './field.ts'
import { schema } from './schema.ts'

export type { ASTNode }

/** Limits of an expression, held when the catalog loads (its length is held by the schema of the file). */
const limits = {
  maxAstNodes: 500,
  maxDepth: 24,
  maxListElements: 200,
  maxMapEntries: 1,
  maxCallArguments: 8,
}

/** A node as the library's checker leaves it: with the type it found. */
export interface CheckedType {
  readonly name: string
  readonly kind: string
}

export function typeOf(node: ASTNode): CheckedType {
  return (node as ASTNode & { readonly checkedType?: CheckedType }).checkedType ?? { name: 'dyn', kind: 'dyn' }
}

/** The members a type declares. */
export function schemaMembers(type: string): readonly string[] {
  return Object.keys(schema[type] ?? {})
}

const timestamp = 'google.protobuf.Timestamp'
const never = () => {
  throw new Error('expressions are checked by the library and evaluated by our own closures')
}

/**
 * The declared language: CEL with the types of the schema. The library parses and checks; it never evaluates, so no handler is ever run.
 * @see https://github.com/google/cel-spec
 */
export function openLanguage(): Environment {
  const language = new Environment({ limits })
  for (const [name, fields] of Object.entries<Fields>({ ...schema, Since: {} })) {
    const types = Object.fromEntries(Object.entries(fields).map(([field, { type }]) => [field, type]))
    language.registerType(name, { ctor: class {}, fields: types })
  }
  language.registerFunction('isAdminEquivalent(PermissionSet): bool', never)
  for (const time of ['Since', timestamp]) {
    for (const number of ['int', 'double']) {
      language.registerFunction(`${time}.olderThanDays(${number}): bool`, never)
      language.registerFunction(`${time}.olderThanHours(${number}): bool`, never)
      if (time === timestamp) language.registerFunction(`${time}.isWithinDays(${number}): bool`, never)
    }
  }
  language.registerFunction('string.matchesAny(list<string>): bool', never)
  language.registerFunction('string.isRegisteredIn(list<string>): bool', never)
  for (const tagged of ['PermissionSet', 'Account']) language.registerFunction(`${tagged}.tag(string): dyn`, never)
  language.registerFunction('Account.owners(string): list<Person>', never)
  language.registerFunction('Person.iamUsers(string): list<IamUser>', never)
  language.registerFunction('PermissionSet.allowsAny(list<string>): bool', never)
  language.registerFunction('CollectorRole.writesBeyond(list<string>): list<string>', never)
  language.registerFunction('User.conflicts(list<string>, string): list<string>', never)
  language.registerFunction('Application.isAssignedToEveryone(double, double): bool', never)
  language.registerFunction('string(Since): string', never)
  language.registerFunction(`string(${timestamp}): string`, never)
  language.registerOperator('double == int', never)
  return language
}

/** The same with the parameters of one control and the resource it judges. */
export function languageOf(
  language: Environment,
  parameters: { readonly [name: string]: ParameterValue },
  resource: string,
  type: string,
): Environment {
  const fields = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, celType(value)]))
  return language
    .clone()
    .registerType('Parameters', { ctor: class {}, fields })
    .registerVariable('parameters', 'Parameters')
    .registerVariable(resource, type)
}

function celType(value: ParameterValue): string {
  if (typeof value === 'number') return 'double'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : 'list<string>'
}
