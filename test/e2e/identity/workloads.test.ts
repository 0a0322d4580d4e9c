import type { ServerResponse } from 'node:http';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { genericGrantRequest, None, type Configuration } from 'openid-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personId } from '../../../internal/clients/issued/person.ts';
import { ask, memberOf } from '../../support/ask.ts';
import { makeFolder, startDaemon } from '../../support/daemon.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { responseEvents } from '../../support/responses-events.ts';
import { answerEvents, answerJson, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { until } from '../../support/until.ts';
import { startWorkloadIssuer, type WorkloadIssuer } from '../../support/workload-issuer.ts';
import { githubClaims, kubernetesClaims } from '../../support/workload-world.ts';

/* Issuers in processes of their own, in the shape of GitHub Actions and Kubernetes, and the built daemon. */

const audience = 'https://keyward.example.com';
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const jwtType = 'urn:ietf:params:oauth:token-type:jwt';

let github: WorkloadIssuer;
let kubernetes: WorkloadIssuer;
let upstream: ScriptedUpstream;
let folder: string;
let daemon: IdentityDaemon;
let workload: Configuration;

beforeAll(async () => {
  [github, kubernetes] = await Promise.all([startWorkloadIssuer(), startWorkloadIssuer()]);
  upstream = await startScriptedUpstream(() => undefined);
}, 60_000);
afterAll(async () => {
  await upstream.close();
  await Promise.all([github.stop(), kubernetes.stop()]);
});

const entries = (): string =>
  [
    '  trusted-issuers:',
    `    - { issuer: "${github.issuer}", audience: "${audience}", subjects: ["repo:octo/app:ref:refs/heads/main"], claims: { repository_id: 74 }, scopes: [models:use, models:read], models: ["m"], organization: octo }`,
    `    - { issuer: "${kubernetes.issuer}", audience: "${audience}", jwks-url: "${kubernetes.issuer}/jwks", subjects: ["system:serviceaccount:ci:*"] }`,
  ].join('\n');
const models = (): string => `openai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }, { name: dear }] }\n`;

const start = async (): Promise<void> => {
  daemon = await startIdentityDaemon({ folder, identity: entries(), config: models() });
  workload = await daemon.client('keyward-workload', undefined, None());
};
beforeEach(async () => {
  folder = makeFolder();
  upstream.setScript((_, res) => answerJson(res, 200, { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }));
  await start();
});
afterEach(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true, force: true });
});

const job = (change: object = {}): Promise<string> => github.token({ ...githubClaims, aud: audience, jti: undefined, ...change, ...('jti' in change ? {} : { jti: crypto.randomUUID() }) });
const pod = (change: object = {}): Promise<string> => kubernetes.token({ ...kubernetesClaims, ...change });
const exchange = (subject: string, more: Readonly<Record<string, string>> = {}) => genericGrantRequest(workload, exchangeGrant, { subject_token: subject, subject_token_type: jwtType, ...more });
const told = async (key: string, path = '/v1/models'): Promise<string> => {
  const { status, code } = await ask(daemon.url, path, { key });
  return `${status} ${code}`.trim();
};
const use = async (key: string, model = 'm'): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/chat/completions', { key, json: { model, messages: [{ role: 'user', content: 'hi' }] } });
  return `${status} ${code}`.trim();
};
const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
/** As `personId` has it for people: by issuer and subject. */
const workloadId = (issuer: WorkloadIssuer, subject: string): string => personId(issuer.issuer, subject).replace('person_', 'workload_');
const stream = (key: string): Promise<RawAnswer> =>
  send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }) });

function edit(change: (text: string) => string): void {
  writeFileSync(`${daemon.configPath}.new`, change(readFileSync(daemon.configPath, 'utf8')), { mode: 0o600 });
  renameSync(`${daemon.configPath}.new`, daemon.configPath);
}

describe('a token of a trusted issuer', () => {
  it('counts as it is, again and again, and in exchange, with what its entry gives', async () => {
    const [own, other] = [await job(), await pod()];
    for (const token of [own, own, other]) expect([await told(token), await use(token)]).toEqual(['200', '200']);
    // The entry’s limit of models holds either way; who may use models manages nothing.
    expect([await use(own, 'dear'), await use(other, 'dear')]).toEqual(['403 model_not_allowed', '200']);
    expect(await told(own, '/v0/management/client-keys')).toBe('403 scope_not_allowed');

    const traded = await exchange(own);
    expect(traded).toMatchObject({ token_type: 'bearer', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', scope: 'models:use models:read' });
    expect(traded.expires_in).toBeLessThanOrEqual(300);
    expect(traded.refresh_token).toBeUndefined();
    expect(claimsOf(traded.access_token)).toMatchObject({ iss: daemon.issuer, aud: daemon.publicUrl, sub: workloadId(github, githubClaims.sub), client_id: 'keyward-workload', org: 'octo' });
    expect([await told(traded.access_token), await use(traded.access_token), await use(traded.access_token, 'dear')]).toEqual(['200', '200', '403 model_not_allowed']);
    const narrow = await exchange(await pod({ sub: 'system:serviceaccount:ci:reader' }), { scope: 'models:read keys:write' });
    expect(narrow.scope).toBe('models:read');
    expect([await told(narrow.access_token), await use(narrow.access_token)]).toEqual(['200', '403 scope_not_allowed']);
  });

  it('counts in headers only, and for nobody whom the entry does not name', async () => {
    const token = await job();
    const { access_token: traded } = await exchange(await job());
    for (const text of [token, traded]) {
      for (const headers of [{ authorization: `Bearer ${text}` }, { 'x-api-key': text }, { 'x-goog-api-key': text }]) expect((await fetch(`${daemon.url}/v1/models`, { headers })).status).toBe(200);
      for (const query of [`key=${text}`, `auth_token=${text}`]) expect((await fetch(`${daemon.url}/v1/models?${query}`)).status).toBe(401);
    }
    for (const [what, change] of Object.entries({ subject: { sub: 'repo:octo/app:pull_request' }, audience: { aud: 'https://elsewhere.example.com' }, claim: { repository_id: '75' }, end: { exp: Math.floor(Date.now() / 1_000) - 1 } })) {
      const refused = await job(change);
      expect([what, (await told(refused)).slice(0, 3)]).toEqual([what, '401']);
      await expect(exchange(refused), what).rejects.toMatchObject({ error: 'invalid_request' });
    }
    await expect(exchange(traded)).rejects.toMatchObject({ error: 'invalid_request' });
    await expect(exchange(await job(), { actor_token: await job(), actor_token_type: jwtType })).rejects.toMatchObject({ error: 'invalid_request' });
  });

  it('is exchanged once, also by ten at the same time, and also over a restart of the daemon', async () => {
    const once = await job();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => exchange(once)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const [first] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const stays = first?.access_token ?? '';
    await daemon.stop();
    daemon = await startIdentityDaemon({ folder, port: daemon.port, identity: entries(), config: models() });
    workload = await daemon.client('keyward-workload', undefined, None());
    await until('the keys of the issuer are there', async () => (await told(once)) === '200');
    const again = await exchange(once).catch((thrown: unknown) => thrown);
    expect(again).toMatchObject({ error: 'invalid_request', error_description: 'subject_token was exchanged before; each is taken once' });
    // The token that it was traded for goes on.
    expect(await told(stays)).toBe('200');
  });

  it('is named in audit and usage, the same for each of its tokens', async () => {
    const id = workloadId(github, githubClaims.sub);
    const traded = await exchange(await job());
    expect([await use(await job()), await use(traded.access_token)]).toEqual(['200', '200']);
    const { body } = await daemon.manage('GET', '/audit?action=token.issued');
    expect(body['events']).toEqual([expect.objectContaining({ actor: id, actor_label: expect.stringContaining(githubClaims.sub), target: 'keyward-workload', outcome: 'ok' })]);
    const usage = await daemon.manage('GET', `/usage/export?client=${id}`);
    expect(memberOf(usage.body['usage'], 'total_requests')).toBe(2);
    await exchange(await job({ sub: 'repo:octo/app:pull_request' })).catch(() => undefined);
    expect((await daemon.manage('GET', '/audit?action=token.refused')).body['events']).toEqual([expect.objectContaining({ actor: 'keyward-workload', code: 'invalid_request' })]);
  });
});

describe('an issuer that is trusted no more', () => {
  it('takes its tokens along, as they are and traded, at once: streams and sockets too; others go on', async () => {
    const [direct, kept] = [await job(), await pod()];
    const { access_token: traded } = await exchange(await job());
    const open: ServerResponse[] = [];
    upstream.setScript((_, res) => {
      open.push(res);
      answerEvents(res, chatEvents.slice(0, 1), false);
    });
    const seen = upstream.seen.length;
    const streams = [stream(direct), stream(traded)];
    const stays = stream(kept);
    await until('the upstream was asked', () => upstream.seen.length === seen + 3);
    upstream.setScript((_, res) => answerEvents(res, responseEvents({ id: 'resp_1', text: 'one two' }).slice(0, 6), false));
    const sockets = await Promise.all([direct, traded].map((token) => openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${token}` } })));
    for (const socket of sockets) socket.send({ type: 'response.create', model: 'm', store: false, input: 'hello' });
    await until('the turns have begun', () => upstream.seen.length === seen + 5);
    const left = upstream.left.length;

    const startedMs = performance.now();
    edit((text) => text.split('\n').filter((line) => !line.includes(github.issuer)).join('\n'));
    for (const answer of streams) expect((await answer).body.toString()).toMatch(/key_revoked|token_revoked/);
    for (const socket of sockets) expect(await socket.closed(3_000)).toMatchObject({ code: 1008 });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await until('the upstream is left', () => upstream.left.length === left + 4);
    expect([(await told(direct)).slice(0, 3), await told(traded), await told(kept)]).toEqual(['401', '401 token_revoked', '200']);
    await expect(exchange(await job())).rejects.toMatchObject({ error: 'invalid_request' });
    expect(upstream.left.length).toBe(left + 4);
    for (const res of open) res.destroy();
    await stays;
  });

  it('or with other models: what it gives now holds for tokens that are out', async () => {
    const direct = await job();
    const { access_token: traded } = await exchange(await job());
    edit((text) => text.replace('models: ["m"]', 'models: ["dear"]'));
    await until('the config is read again', async () => (await use(direct, 'm')) === '403 model_not_allowed');
    expect([await use(traded, 'm'), await use(traded, 'dear'), await use(direct, 'dear')]).toEqual(['403 model_not_allowed', '200', '200']);
  });
});

describe('without identity.enabled', () => {
  it('tokens of trusted issuers count as they are, and nothing is issued', async () => {
    const alone = await startDaemon({ config: `identity:\n${entries()}\nremote-management: { secret-key: "management-secret-of-the-test" }\n${models()}` });
    const token = await job();
    await until('the keys of the issuer are there', async () => (await ask(alone.url, '/v1/models', { key: token })).status === 200);
    expect((await ask(alone.url, '/v1/models')).code).toBe('missing_api_key');
    expect((await ask(alone.url, '/oauth/token', { method: 'POST', body: 'grant_type=x' })).status).toBe(404);
    expect((await ask(alone.url, '/v1/chat/completions', { key: token, json: { model: 'dear', messages: [{ role: 'user', content: 'hi' }] } })).code).toBe('model_not_allowed');
    await alone.stop();
  });
});
