import { expect, it } from 'vitest';
import { Secret } from '../../../internal/secret/secret.ts';
import { authFile } from '../../support/auth-files.ts';
import { createGrantsWorld } from '../../support/grants-world.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';

it('a login is ended by the client that its file names, and never with another’s secret', async () => {
  const vendor = await startScriptedUpstream((_seen, res) => answerJson(res, 200, {}));
  const world = createGrantsWorld({ corp: { 'client-id': 'ours', 'client-secret': 'config-canary', 'token-url': `${vendor.url}/token`, 'revocation-url': `${vendor.url}/revoke`, 'base-url': vendor.url } });
  try {
    const token = new Secret('rt-1');
    const file = { ...authFile('corp', { facts: { client_id: 'theirs' } }), tokens: { ...authFile('corp').tokens, refreshToken: token } };
    expect(await world.revoke('corp', token, undefined, file)).toMatchObject({ offered: true, ok: true });
    const [seen] = vendor.seen;
    expect(String(seen?.body)).toContain('client_id=theirs');
    expect(JSON.stringify([seen?.headers, String(seen?.body)])).not.toContain('config-canary');
    expect(String(seen?.body)).not.toContain('ours');
    // A proxy of the file's own is the only way out for its tokens.
    expect(await world.revoke('corp', token, undefined, { ...file, operator: { ...file.operator, proxyUrl: 'http://127.0.0.1:9' } })).toMatchObject({ ok: false });
    expect(vendor.seen).toHaveLength(1);
  } finally {
    await world.close();
    await vendor.close();
  }
});
