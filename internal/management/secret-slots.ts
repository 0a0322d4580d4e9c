import { valueAt } from '../config/members.ts';
import type { ConfigPath } from '../config/ports.ts';
import { isReference } from '../config/secret-reference.ts';
import { addressOf, maskUserinfo, userinfoOf } from '../config/secret-spots.ts';
import { isMask, maskSecret } from '../secret/secret.ts';
import { isObject } from './values.ts';

/** A place in a list item that holds a secret, and where that secret is sent. */
export interface SecretSlot {
  /** Within the item; empty for an item that is the secret itself. */
  readonly path: ConfigPath;
  readonly value: string;
  /** `whole` is the value itself; `userinfo` a URL whose user and password are secret. */
  readonly kind: 'whole' | 'userinfo';
  /** Equal texts mean the same destination. */
  readonly destination: string;
  /** A slot's destination counts slots of earlier phases by their values, so those are restored first. */
  readonly phase: 0 | 1 | 2;
}

export const slotPhases = [0, 1, 2] as const;

/** All secrets of a list item: a client key, or an entry of an upstream list. Other items hold none. */
export function findSecretSlots(item: unknown): readonly SecretSlot[] {
  if (typeof item === 'string') return [{ path: [], value: item.trim(), kind: 'whole', destination: 'this daemon', phase: 0 }];
  if (!isObject(item)) return [];
  const slots: SecretSlot[] = [];
  const add = (phase: SecretSlot['phase'], path: ConfigPath, kind: SecretSlot['kind'], destination: (value: string) => unknown): void => {
    const written = valueAt(item, path);
    const value = typeof written === 'string' ? written.trim() : '';
    if (value === '') return;
    if (kind === 'whole' || hasUserinfo(value) || isReference(value)) slots.push({ path, value, kind, phase, destination: JSON.stringify(destination(value)) });
  };
  const keyDestination = (proxyUrl: unknown) => (): unknown => ['key', address(item['base-url']), address(proxyUrl), headersOf(item)];
  add(2, ['api-key'], 'whole', keyDestination(item['proxy-url']));
  for (const index of listIndexes(item['api-keys'])) add(2, ['api-keys', index], 'whole', keyDestination(item['proxy-url']));
  for (const index of listIndexes(item['api-key-entries'])) {
    const ownProxy = valueAt(item, ['api-key-entries', index, 'proxy-url']);
    add(2, ['api-key-entries', index, 'api-key'], 'whole', keyDestination(isBlank(ownProxy) ? item['proxy-url'] : ownProxy));
    add(0, ['api-key-entries', index, 'proxy-url'], 'userinfo', (value) => ['proxy', address(value)]);
  }
  for (const name of headerNames(item)) {
    const isHost = name.toLowerCase() === 'host';
    add(isHost ? 0 : 1, ['headers', name], 'whole', () => ['header', name.toLowerCase(), address(item['base-url']), address(item['proxy-url']), isHost ? '' : hostHeader(item)]);
  }
  add(0, ['proxy-url'], 'userinfo', (value) => ['proxy', address(value)]);
  add(0, ['base-url'], 'userinfo', (value) => ['endpoint', address(value)]);
  return slots;
}

/** What is shown in the slot's place; references are shown as they are. */
export function maskSlot(slot: SecretSlot): string {
  if (isReference(slot.value)) return slot.value;
  return slot.kind === 'whole' ? maskSecret(slot.value) : maskUserinfo(slot.value);
}

/** A value that stands for a secret that is not told. */
export function isMasked(slot: SecretSlot): boolean {
  return isMask(slot.kind === 'whole' ? slot.value : userinfoOf(slot.value));
}

function hasUserinfo(url: string): boolean {
  return userinfoOf(url) !== '';
}

function address(url: unknown): string {
  return typeof url === 'string' ? addressOf(url) : '';
}

function isBlank(value: unknown): boolean {
  return typeof value !== 'string' || value.trim() === '';
}

function listIndexes(value: unknown): readonly number[] {
  return Array.isArray(value) ? [...value.keys()] : [];
}

function headerNames(item: unknown): readonly string[] {
  const headers = valueAt(item, ['headers']);
  return isObject(headers) ? Object.keys(headers) : [];
}

/** Security rule 19 counts headers among what decides where a key goes. */
function headersOf(item: unknown): unknown {
  return headerNames(item)
    .map((name) => [name.toLowerCase(), valueAt(item, ['headers', name])])
    .sort(([left], [right]) => (String(left) < String(right) ? -1 : 1));
}

function hostHeader(item: unknown): unknown {
  const name = headerNames(item).find((candidate) => candidate.toLowerCase() === 'host');
  return name === undefined ? '' : valueAt(item, ['headers', name]);
}
