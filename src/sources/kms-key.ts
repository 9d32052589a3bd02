import { createHash, createPublicKey } from 'node:crypto'
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { SharedHttpHandler } from './http-handler.ts'
import { SourcesError } from './sources-error.ts'

const requestTimeoutMs = 20_000

/** A key in AWS KMS: its private part never leaves it. */
export interface KmsKey {
  /** SPKI in PEM */
  readonly publicKeyPem: string
  /** ECDSA over the SHA-256 of the bytes, in DER; KMS is sent the digest alone. @throws {SourcesError} like `openKmsKey` */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/**
 * Opens an asymmetric key of AWS KMS for signing, with credentials of the SDK's own chain (they need kms:GetPublicKey and kms:Sign).
 * It holds no connection between calls, which are few.
 * @param options.keyArn ARN of the key: its Region is where it is asked
 * @throws {SourcesError} NO_CREDENTIALS, ACCESS_DENIED, UNREACHABLE, UNEXPECTED_ANSWER (no such key, or one that does not sign with ECDSA P-256)
 */
export async function openKmsKey(options: { readonly keyArn: string; readonly environment: NodeJS.ProcessEnv }): Promise<KmsKey> {
  const { keyArn } = options
  const { PublicKey: der, SigningAlgorithms: algorithms = [] } = await ask(options, 'kms:GetPublicKey', client =>
    client.send(new GetPublicKeyCommand({ KeyId: keyArn })),
  )
  if (der === undefined || !algorithms.includes('ECDSA_SHA_256')) {
    throw new SourcesError('UNEXPECTED_ANSWER', `the key ${keyArn} does not sign with ECDSA_SHA_256`, {
      hint: 'make one with key spec ECC_NIST_P256 and key usage SIGN_VERIFY',
    })
  }
  const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    async sign(bytes) {
      const digest = createHash('sha256').update(bytes).digest()
      const input = { KeyId: keyArn, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' } as const
      const { Signature: signature } = await ask(options, 'kms:Sign', client => client.send(new SignCommand(input)))
      if (signature !== undefined) return signature
      throw new SourcesError('UNEXPECTED_ANSWER', `kms:Sign of ${keyArn} was answered without a signature`)
    },
  }
}

async function ask<T>(
  { keyArn, environment }: Parameters<typeof openKmsKey>[0],
  action: string,
  call: (client: KMSClient) => Promise<T>,
): Promise<T> {
  const requestHandler = new SharedHttpHandler(environment, requestTimeoutMs)
  const client = new KMSClient({ region: keyArn.split(':')[3] ?? '', requestHandler, maxAttempts: 4 })
  try {
    return await call(client)
  } catch (cause) {
    throw refusal(action, keyArn, cause)
  } finally {
    client.destroy()
    await requestHandler.close()
  }
}

function refusal(action: string, keyArn: string, cause: unknown): SourcesError {
  const { name, message } = cause as Error
  const what = `${action} of ${keyArn} failed: ${name}: ${message}`
  if (/AccessDenied/.test(name)) return new SourcesError('ACCESS_DENIED', what, { cause, hint: `grant ${action} on the key` })
  if (/Credentials|Token/.test(name))
    return new SourcesError('NO_CREDENTIALS', what, { cause, hint: "give the program credentials by one way of the SDK's chain" })
  if (/NotFound|Disabled|InvalidKeyUsage|InvalidState|Validation/.test(name))
    return new SourcesError('UNEXPECTED_ANSWER', what, { cause, hint: 'check the ARN and the state of the key' })
  return new SourcesError('UNREACHABLE', what, { cause, hint: 'check the network and the endpoint of AWS KMS' })
}
