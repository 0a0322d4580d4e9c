import type { Scope } from '../../clients/grant.ts';
import type { SignInRefusal } from '../people/may-sign-in.ts';

/** What a scope lets its holder do, for somebody who knows no scopes. */
export const scopeWords: Readonly<Record<Scope, string>> = {
  'models:use': 'Use AI models as you, on your limits',
  'models:read': 'See which models there are',
  'keys:read': 'See client keys and their limits, not their text',
  'keys:write': 'Make, change and revoke client keys',
  'clients:read': 'See OAuth clients and logins',
  'clients:write': 'Make, change and end OAuth clients and logins',
  'accounts:read': 'See the upstream accounts',
  'accounts:login': 'Log in to upstream accounts',
  'accounts:write': 'Change and remove upstream accounts',
  'usage:read': 'See what everybody has used',
  'config:read': 'See the configuration, without its secrets',
  'config:write': 'Change the configuration',
  'audit:read': 'See who did what',
  'logs:read': 'Read the logs',
  'secrets:read': 'Read stored secrets',
};

/** Whether the scope reaches beyond one’s own use of models. */
export function isManaging(scope: Scope): boolean {
  return scope !== 'models:use' && scope !== 'models:read';
}

export const refusalWords: Readonly<Record<SignInRefusal, string>> = {
  email_missing: 'Your identity provider did not tell an e-mail address, and only certain addresses may sign in here.',
  email_not_verified: 'Your identity provider has not verified your e-mail address, so it does not count here.',
  email_not_allowed: 'Your e-mail address is not among those that may sign in here.',
  no_group: 'You are in none of the groups that may use this Keyward.',
};

/** `23 seconds ago`; the clock of whoever asked may not be ours. */
export function agoWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 5) return 'just now';
  if (seconds < 90) return `${seconds} seconds ago`;
  return `${Math.round(seconds / 60)} minutes ago`;
}

/** `40 seconds`, `5 minutes`: a wait, rounded up. */
export function waitWords(seconds: number): string {
  if (seconds === 1) return 'a second';
  if (seconds <= 90) return `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
