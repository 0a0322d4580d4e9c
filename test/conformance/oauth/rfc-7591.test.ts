import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOAuthWorld, type OAuthWorld } from '../../support/oauth-world.ts';

let world: OAuthWorld;
beforeAll(async () => {
  world = await startOAuthWorld();
});
afterAll(() => world.stop());

describe('RFC 7591: clients that register themselves', () => {
  it('§3 is not offered: the metadata names no address for it, and none answers', async () => {
    const metadata = await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server/oauth`)).text();
    expect(metadata).not.toContain('registration_endpoint');
    for (const path of ['/oauth/reg', '/oauth/register', '/register']) {
      expect((await fetch(`${world.publicUrl}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"redirect_uris":["https://evil.test/"]}' })).status, path).toBe(404);
    }
  });
});
