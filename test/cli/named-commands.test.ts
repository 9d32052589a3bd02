import { expect } from 'chai'
import { withConfig } from '../../src/cli/named-commands.ts'

describe('commands in what is printed', () => {
  it('name the configuration they are meant for, unless it is the one that is looked for anyway', () => {
    const text =
      'see `evidenced doctor`; then -var external_id="$(evidenced aws external-id --source acme)" and `evidenced collect`.'
    expect(withConfig(text, './config.yaml')).to.equal(text)
    expect(withConfig(text, 'config.yaml')).to.equal(text)
    expect(withConfig(text, '/etc/evidenced.yaml')).to.equal(
      'see `evidenced doctor --config /etc/evidenced.yaml`; then -var external_id="$(evidenced aws external-id --source acme --config /etc/evidenced.yaml)" and `evidenced collect --config /etc/evidenced.yaml`.',
    )
    expect(withConfig('`evidenced plan --config …`', 'x.yaml')).to.equal('`evidenced plan --config …`')
    expect(withConfig('`evidenced doctor`', "it's ours.yaml")).to.equal("`evidenced doctor --config 'it'\\''s ours.yaml'`")
    expect(withConfig('the folder `evidenced` and (evidenced)', 'x.yaml')).to.equal('the folder `evidenced` and (evidenced)')
  })
})
