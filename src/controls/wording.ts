import { compareBytes } from '../digest.ts'
import type { Facts, Gap, GapReason, Json } from '../model.ts'
import { sortTexts } from './byte-order.ts'
import { textOf } from './calls.ts'
import { compile } from './compile.ts'
import { datasets } from './datasets.ts'
import type { Closure, Frame, Scope } from './expression.ts'
import { type ASTNode, typeOf } from './language.ts'
import { Broken, Count, OpenList, Since, Undecided, Unknown } from './values.ts'

/** Writes a message about one subject. It never fails: what could not be read is named where it would have stood. */
export type Message = (frame: Frame) => string

const unread: { readonly [R in Exclude<GapReason, 'parent_not_read' | 'disposed'>]: string } = {
  access_denied: 'was refused',
  throttled: 'was throttled to the end',
  server_error: 'failed on the side of AWS',
  timeout: 'did not answer in time',
  network: 'could not be reached',
  page_token: 'lost its place between pages',
  credentials_expired: 'ran out of credentials',
  encryption_key: 'could not decrypt the identity store',
  unsupported: 'is not offered here',
  invalid_answer: 'gave an answer that cannot be read',
  directory_not_listable: 'cannot list this kind of directory',
  still_exists: 'said gone of something that exists',
  unconfirmed_drop: 'shows far fewer than before',
  unconfirmed_empty: 'shows nothing, and nothing shows that it would',
  external_id_not_demanded: 'was not read with a role that demands no external id',
  withheld: 'is withheld',
  not_sent: 'was not sent by AWS',
  not_collected: 'was not collected',
}

/** Compiles a message: the texts it adds up are put into words one by one. */
export function compileMessage(node: ASTNode, scope: Scope): Message {
  const parts = compileParts(node, scope)
  return frame => {
    let text = ''
    for (const part of parts) text += part(frame)
    return text
  }
}

function compileParts(node: ASTNode, scope: Scope): readonly Message[] {
  if (node.op === '+' && typeOf(node).kind !== 'list') {
    return [...compileParts(node.args[0], scope), ...compileParts(node.args[1], scope)]
  }
  if (node.op === '?:') {
    const condition = compile(node.args[0], scope)
    const yes = compileMessage(node.args[1], scope)
    const no = compileMessage(node.args[2], scope)
    return [
      frame => {
        const value = condition(frame)
        return value === true ? yes(frame) : value === false ? no(frame) : words(value)
      },
    ]
  }
  const value = compile(node, scope)
  return [frame => words(value(frame))]
}

function words(value: unknown): string {
  if (typeof value === 'string') return value
  const text = textOf(value)
  if (typeof text === 'string') return text
  if (text instanceof Unknown) return `(not known: ${[...new Set(text.gaps.map(cause))].join('; ')})`
  return `(no text: ${text instanceof Broken ? text.message : 'it has none'})`
}

/** Shown beside a result: the value as JSON, and in words where it is not sure. */
export function shownFacts(facts: readonly { readonly label: string; readonly value: Closure }[], frame: Frame): Facts {
  const all: { [label: string]: Json } = {}
  for (const { label, value } of facts) {
    const json = shown(value(frame))
    if (label !== '__proto__') all[label] = json
    else Object.defineProperty(all, label, { value: json, enumerable: true, configurable: true, writable: true })
  }
  return all
}

/** Longest list shown beside a result; the whole of it is in the populations. */
const longestShown = 50

function shown(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (value instanceof Undecided || value instanceof Count || value instanceof Since || value instanceof Date) return words(value)
  if (value instanceof OpenList) return [...shownItems(value.items), 'perhaps others']
  return Array.isArray(value) ? shownItems(value) : words(value)
}

/** Sorted by what is shown, so that the same estate gives the same facts. */
function shownItems(items: readonly unknown[]): readonly Json[] {
  const all = items.map(shown)
  if (all.every(each => typeof each === 'string')) sortTexts(all)
  else all.sort((a, b) => compareBytes(String(a), String(b)))
  return all.length > longestShown ? [...all.slice(0, longestShown), `and ${all.length - longestShown} more`] : all
}

/** Why a subject cannot be judged, naming for each gap the IAM action that is missing, or what else stands in the way. */
export function unknownReason(gaps: readonly Gap[]): string {
  const said = [...new Set(gaps.map(gap => `${cause(gap)}${place(gap)}`))]
  const more = said.length > 5 ? `, and ${said.length - 5} more` : ''
  return `cannot be judged: ${said.slice(0, 5).join('; ')}${more}`
}

/** Why a population could not be listed. `known` members were judged nevertheless. */
export function populationReason(dataset: string, gaps: readonly Gap[], known: number): string {
  const said = [...new Set(gaps.map(gap => `${cause(gap)}${place(gap)}`))]
  const more = said.length > 5 ? `, and ${said.length - 5} more` : ''
  return `${dataset} could not be listed completely: ${said.slice(0, 5).join('; ')}${more}. ${known} are known and were judged; nobody knows how many are not`
}

/** What happened, by the action that would have told: `sso:GetInlinePolicyForPermissionSet was refused`. */
function cause(gap: Gap): string {
  // the action of such a gap is the parent's
  if (gap.reason === 'parent_not_read')
    return `${gap.dataset} was not read in full, for lack of ${gap.action ?? 'what it depends on'}`
  if (gap.reason === 'disposed') return `${gap.dataset} was ${gap.message}`
  const isMember = gap.reason === 'withheld' || gap.reason === 'not_sent'
  const said = `${isMember ? (gap.member ?? gap.dataset) : (gap.action ?? gap.dataset)} ${unread[gap.reason]}`
  const configure = gap.reason === 'not_collected' && gap.key === null ? datasets[gap.dataset]?.configure : undefined
  return configure === undefined ? said : `${said} (${configure})`
}

function place(gap: Gap): string {
  const about = gap.key ?? gap.parent
  const account = gap.dataset.startsWith('iam.') && gap.place.accountId !== '' ? ` in account ${gap.place.accountId}` : ''
  return `${about === '' ? '' : ` for ${about}`}${account}`
}
