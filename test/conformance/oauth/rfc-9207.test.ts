import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOAuthWorld, type OAuthWorld } from '../../support/oauth-world.ts';

let world: OAuthWorld;
beforeAll(async () => {
  world = await startOAuthWorld();
});
afterAll(() => world.stop());

describe('RFC 9207: who an answer is of', () => {
  it('§2 an answer with a code names the issuer', async () => {
    const back = await world.walk();
    expect([back.searchParams.has('code'), back.searchParams.getAll('iss')]).toEqual([true, [world.issuer]]);
  });

  it('§2 an answer with an error names it too: a refusal by the person, and one by the server', async () => {
    expect((await world.walk({}, { decision: 'deny' })).searchParams.getAll('iss')).toEqual([world.issuer]);
    expect((await world.authorize({ code_challenge_method: 'plain' })).location?.searchParams.getAll('iss')).toEqual([world.issuer]);
  });

  it('§2 what it names is the issuer of the metadata, letter by letter; §3 and the metadata says so', async () => {
    const metadata: Record<string, unknown> = JSON.parse(await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server/oauth`)).text());
    expect([metadata['issuer'], metadata['authorization_response_iss_parameter_supported']]).toEqual([(await world.walk()).searchParams.get('iss'), true]);
  });
});
