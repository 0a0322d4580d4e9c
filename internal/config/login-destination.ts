import { isMembers, type Members } from './members.ts';
import { addressOf } from './secret-spots.ts';

/** Where requests with the client secret go, and where the person and the tokens are sent. */
const addresses = ['issuer', 'authorize-url', 'token-url', 'device-authorization-url', 'revocation-url', 'userinfo-url', 'base-url'] as const;
const choices = ['mode', 'token-request', 'client-auth', 'redirect-port'] as const;
const maps = ['authorize-parameters', 'token-parameters', 'headers'] as const;

/**
 * All of an `oauth.<name>` entry that decides where its client secret, its codes and its tokens go, as one comparable
 * value: what differs here moves a secret (security rule 19). An absent entry equals one that overrides nothing.
 */
export function loginDestination(entry: unknown, globalProxy: unknown): unknown {
  const members: Members = isMembers(entry) ? entry : {};
  const ownProxy = textOf(members['proxy-url']);
  return [
    addresses.map((name) => addressOf(textOf(members[name]))),
    choices.map((name) => (textOf(members[name]) === 'auto' ? '' : textOf(members[name]))),
    maps.map((name) => sortedPairs(members[name], name === 'headers')),
    addressOf(ownProxy === '' ? textOf(globalProxy) : ownProxy),
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

function sortedPairs(map: unknown, isCaseBlind: boolean): readonly (readonly [string, string])[] {
  if (!isMembers(map)) return [];
  return Object.entries(map)
    .map(([name, value]) => [isCaseBlind ? name.toLowerCase() : name, textOf(value)] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}
