/** One bundle as the person it is shared with sees it. */
export interface SharedBundleView {
  readonly kind: 'shared-bundle'
  readonly softwareVersion: string
  readonly to: string
  /** RFC 3339 */
  readonly until: string
  /** id and version; null: the bundle is of none */
  readonly framework: string | null
  readonly asOf: string
  readonly complete: boolean
  readonly missing: readonly string[]
  readonly manifestDigest: string | null
  /** of the key that signed it */
  readonly fingerprint: string | null
  /** where the ZIP file is */
  readonly bundleHref: string
  readonly files: readonly {
    readonly path: string
    readonly href: string
    readonly title: string
    readonly sizeBytes: number
    readonly rows: number | null
  }[]
}
