import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { judgeWorkload, type Workload, type WorkloadRefusal } from '../../../../internal/authserver/workloads/judge-workload.ts';
import { compileTrust } from '../../../../internal/authserver/workloads/trusted-issuer.ts';
import type { Result } from '../../../../internal/fault/result.ts';
import { configOf } from '../../../support/config.ts';
import { audience, githubClaims, kubernetesClaims, ownIssuer } from '../../../support/workload-world.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const now = nowMs / 1_000;
const github = 'https://token.actions.githubusercontent.com';
const cluster = 'https://kubernetes.default.svc.cluster.local';
const entry = { issuer: github, audience, subjects: ['repo:octo/app:ref:refs/heads/*'] };

function judge(claims: object, entries: readonly object[] = [entry], identity: object = {}): Result<Workload, WorkloadRefusal> {
  const trust = compileTrust(configOf({ identity: { ...identity, 'trusted-issuers': entries } }), ownIssuer);
  return judgeWorkload(trust, { iss: github, aud: audience, iat: now, exp: now + 300, ...githubClaims, ...claims }, 'ES256', nowMs);
}
const faultOf = (claims: object, entries?: readonly object[], identity?: object): string => {
  const judged = judge(claims, entries, identity);
  return judged.ok ? 'taken' : judged.error.fault;
};

describe('the claims of a workload', () => {
  it('of GitHub Actions give an id that is the same for each of its tokens, and the rights of the entry', () => {
    const judged = judge({}, [{ ...entry, scopes: ['models:use'], models: ['gpt-*'], claims: { repository_id: 74, ref_protected: true }, organization: 'octo' }]);
    const digest = createHash('sha256').update(`${github}\n${githubClaims.sub}`).digest('hex');
    expect(judged).toEqual({
      ok: true,
      value: { id: `workload_${digest.slice(0, 20)}`, label: githubClaims.sub, issuer: github, scopes: ['models:use'], models: ['gpt-*'], organization: 'octo', expiresAtMs: nowMs + 300_000 },
    });
    const later = judge({ jti: 'another', iat: now - 10 }, [{ ...entry, scopes: ['models:use'] }]);
    expect(later.ok && later.value.id).toBe(`workload_${digest.slice(0, 20)}`);
  });

  it('of Kubernetes are taken, a list for audience and without jti', () => {
    expect(faultOf({ iss: cluster, ...kubernetesClaims, jti: undefined }, [{ issuer: cluster, audience, subjects: ['system:serviceaccount:ci:*'] }])).toBe('taken');
  });

  it.each([
    ['no issuer', { iss: undefined }, 'issuer_not_trusted'],
    ['an issuer that is no text', { iss: [github] }, 'issuer_not_trusted'],
    ['an issuer with a slash more', { iss: `${github}/` }, 'issuer_not_trusted'],
    ['an issuer in capitals', { iss: github.toUpperCase() }, 'issuer_not_trusted'],
    ['no audience', { aud: undefined }, 'wrong_audience'],
    ['an audience that begins alike', { aud: `${audience}.evil.test` }, 'wrong_audience'],
    ['the beginning of the audience', { aud: audience.slice(0, -1) }, 'wrong_audience'],
    ['an audience with a slash more', { aud: `${audience}/` }, 'wrong_audience'],
    ['an audience in capitals', { aud: audience.toUpperCase() }, 'wrong_audience'],
    ['a list without it', { aud: ['https://a.example', `${audience}x`] }, 'wrong_audience'],
    ['a list with it and what is no text', { aud: [audience, 1] }, 'wrong_audience'],
    ['an empty list', { aud: [] }, 'wrong_audience'],
    ['an object', { aud: { [audience]: true } }, 'wrong_audience'],
    ['no subject', { sub: undefined }, 'invalid_subject'],
    ['an empty subject', { sub: '' }, 'invalid_subject'],
    ['a list of subjects', { sub: [githubClaims.sub] }, 'invalid_subject'],
    ['a subject beyond measure', { sub: `repo:octo/app:ref:refs/heads/${'x'.repeat(1_024)}` }, 'invalid_subject'],
    ['a subject with a line break', { sub: 'repo:octo/app:ref:refs/heads/a\nb' }, 'invalid_subject'],
    ['a subject that turns text around', { sub: 'repo:octo/app:ref:refs/heads/\u202ea' }, 'invalid_subject'],
    ['half a character', { sub: 'repo:octo/app:ref:refs/heads/\ud800' }, 'invalid_subject'],
    ['another branch level', { sub: 'repo:octo/app:ref:refs/heads/feature/x' }, 'subject_not_allowed'],
    ['a pull request', { sub: 'repo:octo/app:pull_request' }, 'subject_not_allowed'],
    ['another repository', { sub: 'repo:octo/app-fork:ref:refs/heads/main' }, 'subject_not_allowed'],
    ['a look-alike of the owner', { sub: 'repo:\u043ecto/app:ref:refs/heads/main' }, 'subject_not_allowed'],
    ['a look-alike of a separator', { sub: 'repo:octo/app:ref:refs/heads/a\uff0fb' }, 'subject_not_allowed'],
    ['no end', { exp: undefined }, 'invalid_time'],
    ['no beginning', { iat: undefined }, 'invalid_time'],
    ['an end as text', { exp: String(now + 300) }, 'invalid_time'],
    ['an end beyond all time', { exp: 1e300 }, 'invalid_time'],
    ['a negative beginning', { iat: -1 }, 'invalid_time'],
    ['an odd nbf', { nbf: 'now' }, 'invalid_time'],
    ['its end is now', { exp: now }, 'expired'],
    ['its end was long ago', { exp: now - 3_600, iat: now - 7_200 }, 'expired'],
    ['it is of the future', { iat: now + 31 }, 'made_in_future'],
    ['it is not yet valid', { nbf: now + 31 }, 'not_yet_valid'],
    ['it was made too long ago', { iat: now - 3_600 }, 'too_old'],
    ['an id that is no text', { jti: 7 }, 'invalid_jti'],
    ['it is bound to a key', { cnf: { jkt: 'x' } }, 'bound_token'],
    ['our own token', { iss: ownIssuer }, 'own_token'],
  ])('are refused: %s', (_what, claims, fault) => {
    expect(faultOf(claims)).toBe(fault);
  });

  it.each([
    ['a list that holds the audience', { aud: ['https://a.example', audience] }],
    ['a clock ahead of ours by half a minute', { iat: now + 30, nbf: now + 30 }],
    ['fractions of a second', { exp: now + 0.5, iat: now - 0.5 }],
    ['made an hour ago, less a second', { iat: now - 3_599 }],
  ])('are taken: %s', (_what, claims) => {
    expect(faultOf(claims)).toBe('taken');
  });

  it('count until the token ends or is too old, whichever comes first', () => {
    const judged = judge({ exp: now + 86_400, iat: now - 60 }, [{ ...entry, 'max-age': '10m' }]);
    expect(judged.ok && judged.value.expiresAtMs).toBe(nowMs + 540_000);
  });

  it('must meet each condition, and none by what every object has', () => {
    expect(faultOf({}, [{ ...entry, claims: { repository_id: 75 } }])).toBe('claim_not_allowed');
    expect(faultOf({}, [{ ...entry, claims: { environment: 'production' } }])).toBe('claim_not_allowed');
    expect(faultOf({}, [{ ...entry, claims: { toString: 'f*' } }])).toBe('claim_not_allowed');
    const judged = judge({ repository_id: 'a secret' }, [{ ...entry, claims: { repository_id: 75 } }]);
    expect(!judged.ok && judged.error.reason).toBe('the token does not meet the condition on its claim repository_id');
  });

  it('are judged by the first entry that fits; else the one they came furthest with says why', () => {
    const other = { ...entry, subjects: ['repo:octo/app:ref:refs/heads/main'], claims: { repository_id: 74 }, models: ['small'] };
    const judged = judge({}, [{ ...entry, audience: 'x' }, other, { ...entry, models: ['large'] }]);
    expect(judged.ok && judged.value.models).toEqual(['small']);
    expect(faultOf({ repository_id: '75' }, [{ ...entry, audience: 'x' }, other, { ...entry, subjects: ['y'] }])).toBe('claim_not_allowed');
  });

  it('are refused by an entry that does not take the algorithm, though another of the issuer does', () => {
    expect(faultOf({}, [{ ...entry, algorithms: ['RS256'] }, { ...entry, subjects: ['other'], algorithms: ['ES256'] }])).toBe('subject_not_allowed');
    expect(faultOf({}, [{ ...entry, algorithms: ['RS256'] }])).toBe('issuer_not_trusted');
  });
});

describe('ID tokens of people who sign in', () => {
  const oidc = { issuer: github, 'client-id': 'keyward' };
  it.each([
    ['made for our client', { aud: [audience, 'keyward'] }],
    ['asked for by our client', { azp: 'keyward' }],
    ['from a browser', { nonce: 'n' }],
    ['beside an access token', { at_hash: 'h' }],
    ['beside a code', { c_hash: 'h' }],
  ])('are no workload’s: %s', (_what, claims) => {
    expect(faultOf(claims, [entry], { oidc })).toBe('sign_in_token');
  });

  it('are told from what the same provider gives machines', () => {
    expect(faultOf({ azp: 'machine' }, [entry], { oidc })).toBe('taken');
  });
});

describe('the reason of a refusal', () => {
  it('can stand in error_description, and holds nothing of the token', () => {
    for (const claims of [{ iss: 'http://"x"' }, { aud: 'sécret' }, { sub: '"\\' }, { exp: 0 }, { iat: now * 2 }, { nbf: now * 2 }, { cnf: 1 }, { jti: 1 }, { iss: ownIssuer }, {}]) {
      const judged = judge(claims, [{ ...entry, claims: { 'a "claim" \\ ü': 'x' } }]);
      expect(!judged.ok && judged.error.reason).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });
});
