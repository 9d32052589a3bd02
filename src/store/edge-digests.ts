import { canonicalJson, sha256 } from '../digest.ts'
import { DigestText } from './digest-text.ts'
import { type Edge, edgeFacts, type PrincipalType } from './edge.ts'
import type { EdgePart } from './edge-parts.ts'
import type { LeafSet } from './leaf-set.ts'

/**
 * Digests of the edges of one part after the other: SHA-256 of their canonical facts, put together from the bytes of their fields where they have
 * the usual form. Each is a row of its dataset too, whose leaf is added to a set.
 */
export class EdgeDigests {
  readonly #facts = new DigestText()
  readonly #leaf = new DigestText()
  /** what follows the key in a leaf, up to the digest */
  #parent: Buffer = Buffer.alloc(0)
  #edges: EdgePart | null = null
  #dataset = ''
  #parentText = ''
  #isPair = false
  #leaves: LeafSet | null = null

  /** @param leaves where the leaves of its rows are added; null for none */
  begin(edges: EdgePart, kind: Edge['kind'], dataset: string, parent: string, leaves: LeafSet | null): void {
    this.#edges = edges
    this.#dataset = dataset
    this.#parentText = parent
    this.#leaves = leaves
    this.#isPair = dataset === 'sso.account_assignments'
    const text = JSON.stringify(parent)
    if (kind === 'membership') this.#facts.begin(`{"GroupId":${text},"IdentityStoreId":"`)
    else if (this.#isPair) {
      const bar = parent.indexOf('|')
      const [account, set] = [JSON.stringify(parent.slice(0, bar)), JSON.stringify(parent.slice(bar + 1))]
      this.#facts.begin(`{"AccountId":${account},"PermissionSetArn":${set},"PrincipalId":"`)
    }
    if (leaves === null) return
    this.#leaf.begin(`[${text.slice(0, -1)}|`)
    this.#parent = Buffer.from(`",${text},"`)
  }

  /** @param at where its fields begin @returns in hexadecimal */
  membership(at: number): string {
    const { fields } = this.#edges!
    const [user, id, store, rest] = [at, at + 1, at + 2, at + 3]
    const isUsual = fields.isEmpty(rest) && !fields.isEmpty(id) && !fields.isEmpty(store)
    if (!isUsual || !(fields.isPlain(user) && fields.isPlain(id) && fields.isPlain(store))) {
      const optional = (i: number) => fields.text(i) || null
      return this.#slow(`|${fields.text(user)}`, {
        ...{ kind: 'membership', userKey: fields.text(user) },
        ...{ membershipId: optional(id), storeKey: optional(store), rest: optional(rest) },
      })
    }
    const facts = this.#facts
    facts.rewind()
    facts.field(fields, store)
    facts.bytes(memberId)
    facts.field(fields, user)
    facts.bytes(membershipId)
    facts.field(fields, id)
    facts.bytes(end)
    const digest = facts.digest('hex')
    this.#addLeaf(null, user, digest)
    return digest
  }

  /** @param at where its fields begin @returns in hexadecimal */
  assignment(at: number, principalType: PrincipalType): string {
    const { fields } = this.#edges!
    const [principal, rest] = [at + 1, at + 2]
    if (!this.#isPair || !fields.isEmpty(rest) || !fields.isPlain(principal)) {
      const principalKey = fields.text(principal)
      return this.#slow(`|${principalType === 1 ? 'USER' : 'GROUP'}|${principalKey}`, {
        ...{ kind: 'assignment', principalType, principalKey, rest: fields.text(rest) || null },
      })
    }
    const facts = this.#facts
    facts.rewind()
    facts.field(fields, principal)
    facts.bytes(principalType === 1 ? typeUser : typeGroup)
    const digest = facts.digest('hex')
    this.#addLeaf(principalType === 1 ? keyUser : keyGroup, principal, digest)
    return digest
  }

  #addLeaf(before: Buffer | null, key: number, digest: string): void {
    if (this.#leaves === null) return
    const leaf = this.#leaf
    leaf.rewind()
    if (before !== null) leaf.bytes(before)
    leaf.field(this.#edges!.fields, key)
    leaf.bytes(this.#parent)
    leaf.text(digest)
    leaf.bytes(close)
    this.#leaves.addLeaf(leaf.digest('binary'))
  }

  #slow(keyInParent: string, edge: Edge): string {
    const digest = sha256(canonicalJson(edgeFacts(this.#dataset, this.#parentText, edge)))
    this.#leaves?.add(JSON.stringify(`${this.#parentText}${keyInParent}`), JSON.stringify(this.#parentText), digest)
    return digest
  }
}

const memberId = Buffer.from('","MemberId":{"UserId":"')
const membershipId = Buffer.from('"},"MembershipId":"')
const end = Buffer.from('"}')
const typeUser = Buffer.from('","PrincipalType":"USER"}')
const typeGroup = Buffer.from('","PrincipalType":"GROUP"}')
const keyUser = Buffer.from('USER|')
const keyGroup = Buffer.from('GROUP|')
const close = Buffer.from('"]')
