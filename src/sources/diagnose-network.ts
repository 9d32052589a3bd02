import type { Facts, Json } from '../model.ts'
import type { Check } from './check.ts'
import { statementFor } from './policy.ts'
import { describeIdentityStore } from './services/identity-store-network.ts'
import type { Session } from './session.ts'

const check = 'identitystore:DescribeIdentityStore'

/**
 * Whether the identity store answers to certain networks only: then AWS refuses what every policy allows, and names no policy.
 * @param isRefused a read of the store was denied, so that the network may be why
 */
export async function networkCheck(session: Session, isRefused: boolean): Promise<Check> {
  const { identityStoreId: IdentityStoreId } = session.subject
  const said = await session.ask({ operation: describeIdentityStore, input: { IdentityStoreId }, tries: 2 })
  if ('trouble' in said) {
    const { kind, code } = said.trouble
    const cause = `which networks the identity store answers to is not known: ${code}`
    if (kind === 'unsupported') return { check, result: 'skipped', cause, remedy: null }
    const statement = JSON.stringify(statementFor(check, session.source.partition))
    const elsewhere = isRefused
      ? '. A store that demands another network refuses this question too: ask it from where it lets you in'
      : ''
    return { check, result: 'warning', cause, remedy: `Statement to paste: ${statement}${elsewhere}` }
  }
  const demands = demandsOf(said.answer.NetworkConfiguration)
  if (demands.length === 0) return { check, result: 'ok', cause: 'the store answers to every network', remedy: null }
  const cause = `the store answers only to ${demands.join(', ')}`
  if (!isRefused) return { check, result: 'ok', cause: `${cause}: this process is let through`, remedy: null }
  const remedy =
    'where policies allow the reads that are refused above, this is why: let the address or the VPC endpoint of this process through in the network configuration of the identity store'
  return { check, result: 'failed', cause, remedy }
}

/** What the store demands of whoever calls its API, in words. */
function demandsOf(configuration: Json | undefined): readonly string[] {
  if (typeof configuration !== 'object' || configuration === null || Array.isArray(configuration)) return []
  const { VpceAccessRequired, ApiRestrictSourceVpcs, ApiAllowSourceIps } = configuration as Facts
  const named = (list: Json | undefined) => (Array.isArray(list) && list.length > 0 ? list.map(String).join(' ') : null)
  const [networks, addresses] = [named(ApiRestrictSourceVpcs), named(ApiAllowSourceIps)]
  return [
    ...(VpceAccessRequired === true ? ['VPC endpoints'] : []),
    ...(networks === null ? [] : [`the VPCs ${networks}`]),
    ...(addresses === null ? [] : [`the addresses ${addresses}`]),
  ]
}
