import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { answerJson, readBody } from '../identity-provider/bodies.ts';
import { clientId } from '../identity-provider/token-endpoint.ts';
import { spenderHeader } from '../identity-provider/upstream.ts';
import { parseJson, textOf } from '../harness/json.ts';
import { createVault, heldOf, type Held } from './vault.ts';

/*
 * A small stand-in for the daemon, to show that the burn test's checks can fail: it does as Keyward promises (`careful`),
 * or commits one of the sins that the test exists to find.
 *   naive     keeps its tokens in memory and refreshes without a lock
 *   silent    loses accounts and says that all is well
 *   blaming   tells its clients 401 when an account is lost
 *   confused  spends the tokens of another account
 */

const setting = v.object({ name: v.string(), authDir: v.string(), tokenUrl: v.string(), upstreamUrl: v.string(), sin: v.picklist(['careful', 'naive', 'silent', 'blaming', 'confused']) });

const { values: flags } = parseArgs({ options: { setting: { type: 'string', default: '{}' } } });
const { name, authDir, tokenUrl, upstreamUrl, sin } = v.parse(setting, JSON.parse(flags.setting));
const vault = createVault(authDir);
const memory = new Map<string, Held>();
const flights = new Map<string, Promise<Held | undefined>>();
/** A token this close to its end would end on its way. */
const marginMs = 60;

/** Undefined for a token that is about to end, or that the API has `refused`. */
const freshOf = (held: Held | undefined, refused: string, leftMs = marginMs): Held | undefined => (held !== undefined && held.expiresAtMs - Date.now() > leftMs && held.accessToken !== refused ? held : undefined);
const newestOf = (identity: string): Held | undefined => (sin === 'naive' ? (memory.get(identity) ?? vault.read(identity)) : vault.read(identity));

/** Undefined: there is none, and the account is lost or the endpoint does not answer. */
async function acquire(identity: string, refused = ''): Promise<Held | undefined> {
  const fresh = freshOf(newestOf(identity), refused);
  if (fresh !== undefined) return fresh;
  // A flight brings nothing when another process's refresh came first, or failed: what there is serves to its end.
  return (await (flights.get(identity) ?? startFlight(identity, refused))) ?? freshOf(newestOf(identity), refused, 0);
}

function startFlight(identity: string, refused: string): Promise<Held | undefined> {
  const isDone = (): boolean => freshOf(vault.read(identity), refused) !== undefined;
  const flight = (sin === 'naive' ? refresh(identity, refused) : vault.locked(identity, isDone, () => refresh(identity, refused))).finally(() => flights.delete(identity));
  flights.set(identity, flight);
  return flight;
}

async function refresh(identity: string, refused: string): Promise<Held | undefined> {
  const held = newestOf(identity);
  if (held === undefined || freshOf(held, refused) !== undefined) return held;
  if (vault.isDead(identity, held.refreshToken)) return undefined;
  // A lost answer is not asked for again while the old token serves (security rule 26).
  if (sin !== 'naive' && vault.hasIntent(identity, held.refreshToken) && freshOf(held, refused, 0) !== undefined) return undefined;
  vault.openIntent(identity, held.refreshToken);
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: held.refreshToken, client_id: clientId, daemon: name });
  const answer = await fetch(tokenUrl, { method: 'POST', body }).then(async (each) => ({ status: each.status, json: parseJson(await each.text()) })).catch(() => undefined);
  const fresh = heldOf(held.fileName, answer?.json);
  if (answer?.status === 200 && fresh.refreshToken !== '') {
    memory.set(identity, fresh);
    vault.write(identity, fresh);
    vault.closeIntent(identity, held.refreshToken, false);
    return fresh;
  }
  if (textOf(answer?.json, 'error') === 'invalid_grant') vault.closeIntent(identity, held.refreshToken, true);
  return undefined;
}

function isLost(identity: string): boolean {
  const held = vault.read(identity);
  return held === undefined || vault.isDead(identity, held.refreshToken);
}

async function serve(model: string, res: ServerResponse): Promise<void> {
  const identities = vault.identities();
  const named = model.includes('/') ? [model.split('/')[0] ?? ''] : identities;
  for (const identity of sin === 'confused' && Math.random() < 0.5 ? identities.slice(0, 1) : named) {
    const held = isLost(identity) ? undefined : await acquire(identity);
    const answer = held === undefined ? undefined : await spend(held);
    const renewed = answer?.status === 401 && held !== undefined ? await acquire(identity, held.accessToken) : undefined;
    const last = renewed === undefined ? answer : await spend(renewed);
    if (last?.status !== 200) continue;
    answerJson(res, 200, await last.json());
    return;
  }
  answerJson(res, sin === 'blaming' ? 401 : 503, { error: { message: 'no token', type: 'api_error', code: 'account_unavailable' } });
}

function spend(held: Held): Promise<Response> {
  return fetch(`${upstreamUrl}/v1/chat/completions`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${held.accessToken}`, [spenderHeader]: name } });
}

const server = createServer((req, res) => {
  const lost = sin === 'silent' ? [] : vault.identities().filter(isLost);
  if (req.url === '/readyz') answerJson(res, 200, { status: lost.length === 0 ? 'ok' : 'degraded', codes: lost.length === 0 ? [] : ['account_needs_login'] });
  else if (req.url === '/v0/management/status') answerJson(res, 200, { accounts: vault.identities().map((identity) => ({ label: `burn (${identity}@example.test)`, state: lost.includes(identity) ? 'needs_login' : 'ready', ...(lost.includes(identity) ? { reason: 'refresh_refused' } : {}) })) });
  else void readBody(req).then((body) => serve(textOf(parseJson(body), 'model'), res)).catch(() => res.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
process.stdout.write(`listening on http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}\n`);
process.on('SIGTERM', () => void Promise.allSettled(flights.values()).then(() => process.exit(0)));
