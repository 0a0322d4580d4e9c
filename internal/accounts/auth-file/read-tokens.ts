import { Secret } from '../../secret/secret.ts';
import type { TokenSet } from '../token-set.ts';
import { expiryNames } from './field-names.ts';
import { textOf, type Member, type Members } from './members.ts';
import { readTimeMs } from './times.ts';

/** The token fields of a file, wherever and however it spells them. */
export function readTokens(members: Members): TokenSet {
  const secretAt = (name: string): Secret | undefined => {
    const text = textOf(members.everywhere(name));
    return text === undefined ? undefined : new Secret(text);
  };
  const issuedAtMs = firstTime(members.everywhere('last_refresh')) ?? firstTime(members.everywhere('timestamp'));
  return {
    accessToken: secretAt('access_token'),
    refreshToken: secretAt('refresh_token'),
    idToken: secretAt('id_token'),
    apiKey: secretAt('api_key'),
    expiresAtMs: firstTime(expiryNames.flatMap((name) => members.everywhere(name))) ?? endOfSpan(members),
    issuedAtMs,
  };
}

function firstTime(members: readonly Member[]): number | undefined {
  return members.map(({ value }) => readTimeMs(value)).find((ms) => ms !== undefined);
}

/** `expires_in` counts from `timestamp`, or from the last refresh where there is none. */
function endOfSpan(members: Members): number | undefined {
  const seconds = members.everywhere('expires_in').map(({ value }) => Number(value)).find((value) => Number.isFinite(value) && value > 0);
  const fromMs = firstTime(members.everywhere('timestamp')) ?? firstTime(members.everywhere('last_refresh'));
  return seconds === undefined || fromMs === undefined ? undefined : fromMs + seconds * 1_000;
}
