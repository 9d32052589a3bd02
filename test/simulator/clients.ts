import { IAMClient } from '@aws-sdk/client-iam'
import { IdentitystoreClient } from '@aws-sdk/client-identitystore'
import { OrganizationsClient } from '@aws-sdk/client-organizations'
import { SSOAdminClient } from '@aws-sdk/client-sso-admin'
import { STSClient } from '@aws-sdk/client-sts'
import type { Simulator } from '../../src/simulator/index.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Real AWS SDK clients that talk to a simulator; one attempt each, so that a test sees every answer. */
export function clientsOf(simulator: Simulator, options: { region?: string; credentials?: Keys; maxAttempts?: number } = {}) {
  const config = {
    endpoint: simulator.url,
    region: options.region ?? simulator.env.AWS_REGION!,
    credentials: options.credentials ?? baseKeys(simulator),
    maxAttempts: options.maxAttempts ?? 1,
  }
  return {
    iam: new IAMClient(config),
    identityStore: new IdentitystoreClient(config),
    organizations: new OrganizationsClient(config),
    sso: new SSOAdminClient(config),
    sts: new STSClient(config),
  }
}

export function baseKeys(simulator: Simulator): Keys {
  return { accessKeyId: simulator.env.AWS_ACCESS_KEY_ID!, secretAccessKey: simulator.env.AWS_SECRET_ACCESS_KEY! }
}

/** The error that a call ends in; a call that succeeds is an error here. */
export async function failure(call: Promise<unknown>): Promise<Error & { [member: string]: unknown }> {
  let answer: unknown
  try {
    answer = await call
  } catch (error) {
    return error as Error & { [member: string]: unknown }
  }
  throw new Error(`expected an error, got ${JSON.stringify(answer)}`)
}

/** Everything a paginator gives, as one list. */
export async function all<Page, Row>(
  pages: AsyncIterable<Page>,
  rows: (page: Page) => readonly Row[] | undefined,
): Promise<Row[]> {
  const found: Row[] = []
  for await (const page of pages) found.push(...(rows(page) ?? []))
  return found
}

/** An Authorization header of the right form; the signature itself is nobody's. */
export const signedFor = (simulator: Simulator, service: string) =>
  `AWS4-HMAC-SHA256 Credential=${simulator.env.AWS_ACCESS_KEY_ID}/20260601/${simulator.env.AWS_REGION}/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`

/** One JSON 1.1 request as bytes, for what the SDK hides. */
export async function post(
  simulator: Simulator,
  service: string,
  target: string,
  input: object | string,
  authorization: string | null = signedFor(simulator, service),
): Promise<{ status: number; headers: Headers; text: string; json: Record<string, unknown> }> {
  const response = await fetch(simulator.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
      ...(authorization === null ? {} : { authorization }),
    },
    body: typeof input === 'string' ? input : JSON.stringify(input),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Record<string, unknown> }
}
