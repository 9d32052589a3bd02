import { allowanceOf, type Checking, type CrossCheck, drawnFrom, eachOf, notMade, refused } from './checking.ts'
import { type Ask, checksDataset } from './dataset.ts'
import { policyDocuments, readDocument } from './services/iam-policy-documents.ts'

/** Documents of managed policies that were kept from earlier runs, asked of AWS again: a version must never say anything else. */
export async function checkKeptDocuments(checking: Checking): Promise<CrossCheck> {
  const { session, witness } = checking
  const spent = allowanceOf(checking)
  const name = 'kept_documents'
  const rows = witness.rows(policyDocuments.name)
  if (typeof rows === 'string') return notMade(name, rows)
  const before = await session.kept(policyDocuments.name)
  const kept = new Map(
    rows.flatMap(({ key, facts }) => (before.get(key)?.documentReadAt === facts.documentReadAt ? [[key, facts] as const] : [])),
  )
  const all = [...kept.keys()]
  const differences: string[] = []
  const ask: Ask = (operation, input) => session.ask({ operation, input, dataset: checksDataset })
  const trouble = await eachOf(drawnFrom(all, checking), spent, async arn => {
    const { DefaultVersionId, Document, documentReadAt } = kept.get(arn)!
    const said = await readDocument(ask, arn, String(DefaultVersionId))
    spent.calls++
    if ('trouble' in said) return said.trouble
    if (said.Document !== Document)
      differences.push(`${arn} ${DefaultVersionId} says something else than when it was read at ${documentReadAt}`)
    return null
  })
  if (trouble !== null) return refused(name, trouble, policyDocuments.operation)
  const statement = `${spent.compared} of ${all.length} policy documents that earlier runs read were asked for again: a version never changes.`
  return { name, made: true, statement, population: all.length, compared: spent.compared, differences }
}
