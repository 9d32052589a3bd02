// Runs the program from its TypeScript source. Plain JavaScript, so that an old Node can say what is missing.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `evidenced runs from source under Node 24; this is ${process.version}. On Linux (x64, arm64, glibc) \`npm ci\` brings it along;\n` +
      'elsewhere install Node 24 and configure an external PostgreSQL with database.url, since the embedded one is for Linux only.',
  )
  process.exit(1)
}
await import('./bin.ts')
