import { systemClock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { parseRecord, textOf } from '../../upstreamauth/json-record.ts';
import { secondsOf } from '../../upstreamauth/sloppy-answers.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { decodeBearer, encodeBearer, isAlive, isFresh, type Bearer } from './bearer.ts';
import { callRenewing, underLock, type LoginUse } from './login-use.ts';

/**
 * The bearer token of a login: the cached one, or a new one where that nears its end. Over all processes one asks the
 * server, the others get what it was given. Without the server the old one is given as long as it lasts. Errors: as
 * `callRenewing` and `underLock`.
 */
export async function obtainBearer(use: LoginUse): Promise<Result<string, StoreRefusal>> {
  const cached = await readBearer(use);
  if (cached !== undefined && isFresh(cached, systemClock.nowMs())) return ok(cached.token);
  const made = await underLock(use, async (renewing) => {
    // Whoever held the lock before may have got one.
    const present = await readBearer(use);
    if (present !== undefined && isFresh(present, systemClock.nowMs())) return ok(present.token);
    const answer = await callRenewing(renewing, { method: 'POST', path: '/bearer-token' });
    const bearer = answer.ok ? readAnswer(answer.value) : answer;
    if (!bearer.ok) return bearer;
    // A cache that cannot be written costs a request the next time, no more.
    await use.vault.write(use.context.name, 'bearer', encodeBearer(bearer.value));
    return ok(bearer.value.token);
  });
  if (made.ok || made.error.code === 'not_logged_in') return made;
  return cached !== undefined && isAlive(cached, systemClock.nowMs()) ? ok(cached.token) : made;
}

async function readBearer({ vault, context }: LoginUse): Promise<Bearer | undefined> {
  const text = await vault.read(context.name, 'bearer');
  return text.ok && text.value !== undefined ? decodeBearer(text.value) : undefined;
}

/** RFC 6749 §5.1 */
function readAnswer(body: string): Result<Bearer, StoreRefusal> {
  const record = parseRecord(body);
  const token = textOf(record, 'access_token');
  if (token === undefined || /\s/.test(token) || textOf(record, 'token_type')?.toLowerCase() !== 'bearer') return err({ code: 'unexpected_answer', message: 'The server gave no bearer token at /oauth/bearer-token; update the server, so that it is of the same version as this command.' });
  const nowMs = systemClock.nowMs();
  return ok({ token, issuedAtMs: nowMs, expiresAtMs: nowMs + (secondsOf(record?.['expires_in']) ?? 60) * 1_000 });
}
