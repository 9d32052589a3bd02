import type { BundleFile, BundleSubject } from './manifest.ts'

/** README.txt: for an auditor who has only this file, a shell and the fingerprint from another source. Same inputs, same bytes. */
export function readmeBytes(subject: BundleSubject, files: readonly BundleFile[]): Uint8Array {
  return Buffer.from(
    [
      'EVIDENCE BUNDLE',
      '',
      subject.complete
        ? 'COMPLETE: every input of this bundle was read to its end.'
        : 'INCOMPLETE: not every input could be read. What is missing stands in the files as "unknown", never as "pass".',
      ...subject.missing.map(sentence => `  - ${sentence}`),
      '',
      ...aboutLines(subject),
      '',
      'WHAT IS IN IT',
      '',
      ...files.flatMap(fileLines),
      '  SHA256SUMS           SHA-256 of every file above and of this one',
      '  manifest.json        what this bundle is, with the SHA-256, size and row count of every file (an in-toto Statement)',
      '  manifest.dsse.json   the same manifest with its signature (a DSSE envelope)',
      '  manifest.pae         the bytes that were signed; manifest.sig is the signature (Ed25519, or ECDSA P-256 in DER)',
      '  key.pem              the public key it was signed with',
      '  manifest.tsr         only where an authority was asked: its RFC 3161 timestamp over manifest.sig',
      '',
      ...howToVerify,
      '',
    ].join('\n'),
  )
}

const howToVerify = [
  'HOW TO VERIFY IT',
  '',
  'A bundle cannot vouch for itself: whoever could change its files could also put another key beside them. So the one thing to',
  'get by another way (telephone, a signed letter, the page of the server) is the fingerprint of the key, or the key itself.',
  '',
  '1. With this tool, offline, on any machine. It checks every byte of the ZIP file and prints the fingerprint to compare:',
  '',
  '     npx evidenced verify BUNDLE.zip',
  '     npx evidenced verify BUNDLE.zip --key KEY-YOU-TRUST.pem',
  '',
  '2. In a browser: open verify.html and choose the ZIP file. It works with no network. A copy from inside the bundle cannot vouch for it; take',
  '   one from elsewhere (evidenced verify --write-page verify.html) and give it the fingerprint.',
  '',
  '3. With tools of the system, after unpacking, inside this folder. The files are as they were listed:',
  '',
  '     sha256sum --strict -c SHA256SUMS',
  '',
  '   The manifest is signed by the key (OpenSSL 3):',
  '',
  '     openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.pae -sigfile manifest.sig',
  '',
  '   What was signed is this manifest: manifest.pae is manifest.json with one short line in front. This prints "same":',
  '',
  '     tail -c "$(wc -c < manifest.json)" manifest.pae | cmp - manifest.json && echo same',
  '',
  '   The manifest lists SHA256SUMS itself: this prints its SHA-256, which must stand in manifest.json beside "SHA256SUMS":',
  '',
  '     sha256sum SHA256SUMS; grep -A 3 \'"name": "SHA256SUMS"\' manifest.json',
  '',
  '   The fingerprint of the key, to compare with the one you were given:',
  '',
  '     openssl pkey -pubin -in key.pem -outform DER | sha256sum',
  '',
  '   Nothing was put beside them: sha256sum looks only at what is listed. This names the files that are not in SHA256SUMS, which must be',
  '   SHA256SUMS itself, key.pem and manifest.* alone:',
  '',
  '     find . -type f | sed "s,^[.]/,," | while IFS= read -r f; do cut -c67- SHA256SUMS | grep -qxF -e "$f" || echo "$f"; done',
  '',
  '   If the bundle holds a timestamp, it proves when the signature was there at the latest (AUTHORITY.pem is the certificate of the',
  '   authority, got from the authority itself):',
  '',
  '       openssl ts -verify -in manifest.tsr -data manifest.sig -CAfile AUTHORITY.pem',
  '',
  'HOW TO JUDGE IT AGAIN',
  '',
  '     npx evidenced reperform BUNDLE.zip',
  '',
  'judges the snapshots in this bundle with the controls in it (controls/*.yaml, parameters in controls.json) and compares every line of',
  'results.jsonl. It needs no server and no network, and says what it cannot judge again.',
  '',
  'NOTES',
  '',
  'All times are UTC. CSV files are UTF-8 with one header line; import them as text. A cell that began with a character that a',
  'spreadsheet would run as a formula has an apostrophe in front; the last column holds the untouched facts as JSON.',
  '"not read: ..." in a cell says that AWS refused or failed to answer; it never means "none".',
]

function aboutLines(subject: BundleSubject): string[] {
  const lines: [string, string][] = [
    ['As of', subject.asOf.toISOString()],
    ['Scope', JSON.stringify(subject.scope)],
    ['Framework', subject.framework === null ? 'none' : `${subject.framework.id} ${subject.framework.version}`],
    ...subject.snapshots.map(({ source, version, digest }): [string, string] => [
      'Snapshot',
      `${source} version ${version}, ${digest}`,
    ]),
    ['Evaluation', subject.evaluation?.digest ?? 'none'],
    ['Catalog', subject.evaluation?.catalogDigest ?? 'none'],
    ['Ledger position', String(subject.ledgerPosition)],
    ['Software', `evidenced ${subject.softwareVersion}`],
  ]
  return lines.map(([name, value]) => `${name}:`.padEnd(17) + value)
}

function fileLines(file: BundleFile): string[] {
  const rows = file.rows === null ? '' : `; ${file.rows} ${file.rows === 1 ? 'row' : 'rows'}`
  return [`  ${file.path}`, `      ${file.title}${rows}`]
}
