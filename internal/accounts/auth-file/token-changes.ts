import type { TokenFields } from '../directory/ports.ts';
import { expiryNames, isFactName } from './field-names.ts';
import type { Member, Members } from './members.ts';
import type { MemberChange } from './patch.ts';
import { unitOfTime, writeTime } from './times.ts';

/**
 * What a refresh or login changes in a file: token fields in the spelling and the place where the file has them, so that
 * the Go program reads them too. Tokens that are absent stay; with a new access token the old one's end goes. Facts that
 * would be token or operator fields are left out.
 */
export function tokenChanges(members: Members, { tokens, facts = {} }: TokenFields): readonly MemberChange[] {
  const secrets = [
    ['access_token', tokens.accessToken],
    ['refresh_token', tokens.refreshToken],
    ['id_token', tokens.idToken],
    ['api_key', tokens.apiKey],
  ] as const;
  return [
    ...secrets.flatMap(([name, secret]) => (secret === undefined ? [] : write(placesOf(members, name), JSON.stringify(secret.reveal())))),
    ...expiryChanges(members, { expiresAtMs: tokens.expiresAtMs, issuedAtMs: tokens.issuedAtMs, isNewToken: tokens.accessToken !== undefined }),
    ...(tokens.issuedAtMs === undefined ? [] : issueChanges(members, tokens.issuedAtMs)),
    ...Object.entries(facts).flatMap(([name, value]) => (isFactName(name) ? factChange(members, name, value) : [])),
  ];
}

type Path = Member['path'];

const tokenObjectNames: ReadonlySet<string> = new Set(['access_token', 'refresh_token', 'id_token']);

/** Where a token stands, else where it belongs: beside the others. */
function placesOf(members: Members, name: string): readonly Path[] {
  const present = members.everywhere(name).map(({ path }) => path);
  if (present.length > 0) return present;
  return [tokenObjectNames.has(name) && keepsTokensNested(members) ? ['token', name] : [name]];
}

/** As files of the Go program's `gemini` logins do. */
function keepsTokensNested(members: Members): boolean {
  return members.hasTokenObject && [...tokenObjectNames].every((name) => members.top(name).length === 0);
}

interface Times {
  readonly expiresAtMs: number | undefined;
  readonly issuedAtMs: number | undefined;
  readonly isNewToken: boolean;
}

function expiryChanges(members: Members, { expiresAtMs, issuedAtMs, isNewToken }: Times): readonly MemberChange[] {
  const present = expiryNames.flatMap((name) => members.everywhere(name));
  const spans = members.everywhere('expires_in');
  if (expiresAtMs === undefined) return isNewToken ? [...present, ...spans].map(({ path }) => ({ path, json: undefined })) : [];
  const seconds = issuedAtMs === undefined ? undefined : String(Math.max(0, Math.round((expiresAtMs - issuedAtMs) / 1_000)));
  return [
    // All of them, or readers that probe in another order would find the old one.
    ...present.map(({ path, value }) => ({ path, json: writeTime(expiresAtMs, unitOfTime(value)) })),
    ...(present.length > 0 ? [] : write([keepsTokensNested(members) ? ['token', 'expiry'] : ['expired']], writeTime(expiresAtMs, 'text'))),
    ...spans.map(({ path }) => ({ path, json: seconds })),
  ];
}

function issueChanges(members: Members, issuedAtMs: number): readonly MemberChange[] {
  const present = [...members.everywhere('last_refresh'), ...members.everywhere('timestamp')];
  const hasLastRefresh = members.everywhere('last_refresh').length > 0;
  return [
    ...present.map(({ path, value }) => ({ path, json: writeTime(issuedAtMs, unitOfTime(value)) })),
    ...(hasLastRefresh ? [] : write([['last_refresh']], writeTime(issuedAtMs, 'text'))),
  ];
}

function factChange(members: Members, name: string, value: unknown): readonly MemberChange[] {
  const present = members.top(name).map(({ path }) => path);
  const json = value === null || value === undefined ? undefined : JSON.stringify(value);
  return write(present.length > 0 ? present : [[name]], json);
}

function write(paths: readonly Path[], json: string | undefined): readonly MemberChange[] {
  return paths.map((path) => ({ path, json }));
}
