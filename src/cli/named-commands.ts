import { resolve } from 'node:path'

/** Where the configuration is looked for when nobody names one. */
export const defaultConfig = './config.yaml'

/**
 * Commands of ours that stand in a text (`evidenced …` in backticks, or in `$(…)`), with the configuration they are meant for: what is printed for a
 * person can be pasted as it stands.
 */
export function withConfig(text: string, config: string): string {
  if (resolve(config) === resolve(defaultConfig)) return text
  const option = ` --config ${/^[\w./@:+-]+$/.test(config) ? config : `'${config.replaceAll("'", "'\\''")}'`}`
  return text.replaceAll(/(`|\$\()(evidenced [^`)]*)(?=`|\))/g, (whole, _open: string, command: string) =>
    command.includes('--config') ? whole : `${whole}${option}`,
  )
}
