import type { Facts } from '../model.ts'
import { type CrossCheck, isTrouble, listed, notMade, refused } from './checking.ts'
import { rootsOf } from './dataset.ts'
import type { KeyLog } from './key-log.ts'
import { datasetNamed } from './services.ts'
import type { Session } from './session.ts'
import type { Witness } from './witness.ts'

/** The lists that everything hangs from: the member of the answer that holds each, and what names an element; null: it is its own name. */
const heads: readonly { readonly dataset: string; readonly list: string; readonly id: string | null }[] = [
  { dataset: 'identitystore.users', list: 'Users', id: 'UserId' },
  { dataset: 'identitystore.groups', list: 'Groups', id: 'GroupId' },
  { dataset: 'organizations.accounts', list: 'Accounts', id: 'Id' },
  { dataset: 'sso.instances', list: 'Instances', id: 'InstanceArn' },
  { dataset: 'sso.permission_set_arns', list: 'PermissionSets', id: null },
]

/** The calls that reading the heads again takes. */
export function callsOfHeads(witness: Witness): number {
  return heads.reduce((total, { dataset }) => {
    const keys = witness.keys(dataset)
    return typeof keys === 'string' ? total : total + Math.max(1, Math.ceil(keys.count / Number(datasetNamed(dataset).pageSize)))
  }, 0)
}

/** One check for each of the heads, which are read once more at the end: what appeared or vanished meanwhile. */
export function headsAgain(session: Session, witness: Witness): readonly (() => Promise<CrossCheck>)[] {
  return heads.map(({ dataset: called, list, id }) => async () => {
    const name = `heads_again ${called}`
    const first = witness.keys(called)
    if (typeof first === 'string') return notMade(name, first)
    const { words } = first
    const dataset = datasetNamed(called)
    // names are compared, and no extensions
    const subject = { ...session.subject, hasExtensions: false }
    const [parent = ''] = rootsOf(dataset, subject) ?? []
    const input = { ...dataset.input(parent, subject), MaxResults: dataset.pageSize }
    const nameOf = (element: unknown) => String(id === null ? element : (element as Facts)[id])
    // as numbers, for a hundred thousand users are read again
    const said = await listed(session, dataset.operation, input, list, element => {
      const number = words.numberOf(nameOf(element))
      return number < 0 ? nameOf(element) : number
    })
    if (isTrouble(said)) return refused(name, said, dataset.operation)
    const { population, vanished, appeared } = comparedAgain(first, said)
    const differences = [
      ...vanished.map(key => `${key} vanished while the source was read`),
      ...appeared.map(key => `${key} appeared while the source was read`),
    ]
    const statement = `Read again at the end: ${differences.length} changes inside the window.`
    return { name, made: true, statement, population, compared: population, differences }
  })
}

/** @param again numbers of words, and texts that were none */
function comparedAgain(first: KeyLog, again: readonly (number | string)[]) {
  const { words } = first
  const isThere = new Uint8Array(words.count)
  const isAgain = new Uint8Array(words.count)
  let population = 0
  for (let key = 0; key < first.count; key++) {
    const word = first.wordAt(key, 0)
    if (isThere[word] === 0) population++
    isThere[word] = 1
  }
  const appeared = new Set<string>()
  for (const said of again) {
    if (typeof said === 'string') appeared.add(said)
    else {
      isAgain[said] = 1
      if (isThere[said] === 0) appeared.add(words.textOf(said))
    }
  }
  const vanished: string[] = []
  for (let word = 0; word < words.count; word++) if (isThere[word] === 1 && isAgain[word] === 0) vanished.push(words.textOf(word))
  return { population, vanished, appeared: [...appeared] }
}
