import { isRecord, listOf, memberOf, parseJson, textOf } from '../dialect/ir/json.ts';
import { endOfValue, scanObject } from '../dialect/json-scan.ts';
import type { Principal } from '../clients/principal.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import { refuseJson } from './json-body.ts';

/** Where gateways behind an account look for models to take in place of the one that was asked for. */
const fallbacks = ['models', 'fallbacks', 'fallback_models'] as const;
/** What works beside the model, with one of its own: image generation of Responses, Anthropic's advisor, plugins of gateways. */
const helpers = ['tools', 'plugins'] as const;
const topMembers: ReadonlySet<string> = new Set([...fallbacks, ...helpers]);
/** Tools stand in namespaces at most; each level is read once more. */
const maxLevels = 4;
const helperMembers: ReadonlySet<string> = new Set(['model', 'models', 'type', 'parameters', 'tools']);

/**
 * A limit of models holds for those too that the body names beside its model. Nothing is read for callers without one. Errors:
 * `model_not_allowed`; `duplicate_member` where what counts depends on who reads it.
 */
export function refuseDisallowedFallbacks(principal: Principal, body: Buffer | undefined): void {
  if (body === undefined || principal.holders?.some(({ grant }) => grant.models !== undefined) !== true) return;
  const check = (name: unknown): void => {
    if (typeof name === 'string' && !mayUse(principal, name)) throw refuseDisallowedModel(name);
  };
  const checkList = (list: unknown): void => {
    for (const each of listOf(list)) check(isRecord(each) ? memberOf(each, 'model') : each);
  };
  const checkHelper = (bytes: Buffer, level = 1): void => {
    if (level > maxLevels) return;
    const text = membersOf(body, bytes, helperMembers);
    check(readText(text.get('model')));
    checkList(readText(text.get('models')));
    for (const tool of itemsOf(text.get('tools'))) checkHelper(tool, level + 1);
    const parameters = text.get('parameters');
    // A function's are a schema, in the client's own words.
    if (parameters !== undefined && isObject(parameters) && textOf(readText(text.get('type'))) !== 'function') checkHelper(parameters, level + 1);
  };

  const members = membersOf(body, body, topMembers);
  for (const name of fallbacks) checkList(readText(members.get(name)));
  for (const name of helpers) for (const item of itemsOf(members.get(name))) checkHelper(item);
}

/** `bytes`: a part of `body`. */
function membersOf(body: Buffer, bytes: Buffer, wanted: ReadonlySet<string>): ReadonlyMap<string, Buffer> {
  const scan = scanObject(bytes, wanted);
  if (!scan.ok) throw refuseJson(body, { ...scan.fault, offset: scan.fault.offset + bytes.byteOffset - body.byteOffset });
  return new Map([...scan.members].map(([name, { start, end }]) => [name, bytes.subarray(start, end)]));
}

/** The objects of a list that was checked to be JSON; none where it is no list. */
function itemsOf(list: Buffer | undefined): readonly Buffer[] {
  if (list?.[0] !== 0x5b) return [];
  const items: Buffer[] = [];
  for (let at = 1; at < list.length; at++) {
    if (!isJsonStart(list[at])) continue;
    const end = endOfValue(list, at);
    if (end < 0) return items;
    const item = list.subarray(at, end);
    if (isObject(item)) items.push(item);
    at = end - 1;
  }
  return items;
}

/** Neither blank, comma nor the end of the list. */
function isJsonStart(byte: number | undefined): boolean {
  return byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x2c && byte !== 0x5d;
}

function isObject(bytes: Buffer): boolean {
  return bytes[0] === 0x7b;
}

function readText(bytes: Buffer | undefined): unknown {
  return bytes === undefined ? undefined : parseJson(bytes.toString('utf8'));
}
