import { parseRecord, recordOf, textOf, type JsonRecord } from './json-record.ts';

/*
 * What vendors answer where RFC 6749 §5 and RFC 8628 §3.2 are precise. Each departure is brought to the form that the
 * client library insists on; whatever else the answer holds is read from the original.
 */

/** An answer as the library may see it. */
export interface ConformAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Brings a token endpoint's answer to RFC 6749 §5: 201 to 200; 200 with `error` to 400 (GitHub); `{"error":{"code":…}}` to
 * `{"error":…}` (OpenAI); members that are null or of the wrong type are left out; `token_type` is `bearer`, as the token is
 * sent in that way whatever it was called. `id_token` only passes when `checksIdToken`.
 */
export function conformTokenAnswer(status: number, body: string, checksIdToken: boolean): ConformAnswer {
  const answer = parseRecord(body);
  if (answer === undefined) return { status, body };
  const accessToken = status < 300 ? textOf(answer, 'access_token') : undefined;
  if (accessToken === undefined) return conformError(status, body, answer);
  const idToken = checksIdToken ? textOf(answer, 'id_token') : undefined;
  return {
    status: 200,
    body: JSON.stringify({
      access_token: accessToken,
      token_type: 'bearer',
      expires_in: secondsOf(answer['expires_in']),
      refresh_token: textOf(answer, 'refresh_token'),
      scope: textOf(answer, 'scope'),
      id_token: idToken,
    }),
  };
}

/** Brings a device authorization answer to RFC 8628 §3.2: numbers as numbers, `verification_url` under its final name, 201 to 200. */
export function conformDeviceAnswer(status: number, body: string): ConformAnswer {
  const answer = parseRecord(body);
  if (answer === undefined) return { status, body };
  if (status >= 300 || textOf(answer, 'device_code') === undefined) return conformError(status, body, answer);
  const interval = secondsOf(answer['interval']);
  return {
    status: 200,
    body: JSON.stringify({
      device_code: answer['device_code'],
      user_code: answer['user_code'],
      verification_uri: textOf(answer, 'verification_uri') ?? textOf(answer, 'verification_url'),
      verification_uri_complete: textOf(answer, 'verification_uri_complete'),
      // RFC 8628 wants a lifetime; without one, ten minutes as for every login here.
      expires_in: secondsOf(answer['expires_in']) ?? 600,
      interval: interval === 0 ? undefined : interval,
    }),
  };
}

function conformError(status: number, body: string, answer: JsonRecord): ConformAnswer {
  const error = oauthErrorOf(answer);
  if (error === undefined) return { status, body };
  return { status: status < 300 ? 400 : status, body: JSON.stringify({ error: error.code, error_description: error.description }) };
}

/** The OAuth error of an answer in any of the forms met; undefined where there is none. Foreign text, neither escaped nor free of secrets. */
export function oauthErrorOf(answer: JsonRecord): { readonly code: string; readonly description: string | undefined } | undefined {
  const flat = textOf(answer, 'error');
  const nested = recordOf(answer, 'error');
  const code = flat ?? textOf(nested, 'code') ?? textOf(nested, 'type');
  if (code === undefined) return undefined;
  return { code, description: flat === undefined ? textOf(nested, 'message') : textOf(answer, 'error_description') };
}

/** A count of seconds as number or text; undefined for anything else. */
export function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
