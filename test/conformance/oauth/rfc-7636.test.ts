import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, expectRefusal, redirectUri, startOAuthWorld, verifier, type OAuthWorld } from '../../support/oauth-world.ts';

let world: OAuthWorld;
beforeAll(async () => {
  world = await startOAuthWorld();
});
afterAll(() => world.stop());

const errorOf = async (parameters: Readonly<Record<string, string | undefined>>): Promise<string | null | undefined> => (await world.authorize(parameters)).location?.searchParams.get('error');

describe('RFC 7636: proof of possession of a code', () => {
  it('§4.2 S256 is taken', async () => expect((await world.redeem(await world.code())).status).toBe(200));

  it('§4.3 a challenge without its method would be plain, and is refused like that', async () => {
    expect(await errorOf({ code_challenge_method: undefined })).toBe('invalid_request');
  });

  it('§4.4.1 every client must send a challenge, also one that has a secret: invalid_request', async () => {
    expect(await errorOf({ code_challenge: undefined, code_challenge_method: undefined })).toBe('invalid_request');
    const redirect_uri = 'https://app.example.com/back';
    const web = await world.makeClient({ grants: ['authorization_code'], redirect_uris: [redirect_uri] });
    expect(await errorOf({ client_id: web.id, redirect_uri, code_challenge: undefined, code_challenge_method: undefined })).toBe('invalid_request');
  });

  it('§4.4.1 another transformation than S256 is invalid_request: plain, or one nobody has heard of', async () => {
    for (const code_challenge_method of ['plain', 's256', 'S512']) expect(await errorOf({ code_challenge_method }), code_challenge_method).toBe('invalid_request');
  });

  it('§4.2 a challenge that is too short, too long or in other letters is invalid_request', async () => {
    for (const code_challenge of ['short', 'a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(42)}+`]) expect(await errorOf({ code_challenge }), code_challenge).toBe('invalid_request');
  });

  it('§4.5, §4.6 the verifier comes with the code, and fits its challenge: else invalid_grant', async () => {
    const code = await world.code();
    expectRefusal(await world.token({ grant_type: 'authorization_code', client_id: 'keyward-cli', redirect_uri: redirectUri, code }), 400, 'invalid_grant');
    for (const code_verifier of ['a'.repeat(43), challengeOf(verifier), `${verifier}A`]) expectRefusal(await world.redeem(code, { code_verifier }), 400, 'invalid_grant');
    expect((await world.redeem(code)).status).toBe(200);
  });

  it('§4.1 a verifier that is too short, too long or in other letters is refused', async () => {
    const code = await world.code();
    for (const code_verifier of ['short', 'a'.repeat(129), `${'a'.repeat(42)}+`]) expectRefusal(await world.redeem(code, { code_verifier }), 400, 'invalid_request');
  });

  it('§4.4 the challenge belongs to its code: one code’s verifier does not fit another’s', async () => {
    const other = 'b'.repeat(50);
    const [one, two] = [await world.code(), await world.code({ code_challenge: challengeOf(other) })];
    expectRefusal(await world.redeem(one, { code_verifier: other }), 400, 'invalid_grant');
    expectRefusal(await world.redeem(two), 400, 'invalid_grant');
    expect((await world.redeem(two, { code_verifier: other })).status).toBe(200);
  });

  it('§4.4 the challenge cannot be read out of the code', async () => {
    expect(await world.code()).not.toContain(challengeOf(verifier));
  });
});
