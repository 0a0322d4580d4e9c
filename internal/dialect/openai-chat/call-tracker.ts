import { isRecord, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { argumentsOf, signatureText } from './tool-calls.ts';

/** What a delta adds to a call. */
export interface CallEvents {
  readonly open: (call: OpenCall) => void;
  readonly input: (call: OpenCall, text: string) => void;
  readonly sign: (call: OpenCall, value: string) => void;
}

export interface OpenCall {
  /** Counts the calls of the choice from 0. */
  readonly position: number;
  /** The upstream's; undefined where it gave none before the call was opened. */
  id: string | undefined;
  name: string | undefined;
  isCustom: boolean;
  /** Of the choice; set by whoever opens it. */
  part: number;
  isOpen: boolean;
  /** What came before the name. */
  readonly held: string[];
  signature: string | undefined;
}

/**
 * Puts deltas of tool calls to their calls. `index` tells them apart at OpenAI; imitations leave it out, give all calls
 * the same one, count on within one call, or repeat id and name in each delta.
 */
export interface CallTracker {
  readonly push: (delta: unknown, events: CallEvents) => void;
  readonly calls: readonly OpenCall[];
}

export function createCallTracker(): CallTracker {
  const calls: OpenCall[] = [];
  const byIndex = new Map<number, OpenCall>();
  const byId = new Map<string, OpenCall>();

  const resolve = (index: number | undefined, id: string | undefined, name: string | undefined): OpenCall => {
    const last = calls.at(-1);
    const present = index === undefined ? undefined : byIndex.get(index);
    if (present !== undefined && !isAnother(present, id, name)) return present;
    const known = id === undefined ? undefined : byId.get(id);
    if (known !== undefined && (present !== undefined || index === undefined || name === undefined)) return known;
    const isContinuation = id === undefined && (name === undefined || (index === undefined && last?.name === undefined));
    if (isContinuation && present === undefined && last !== undefined) return last;
    const fresh: OpenCall = { position: calls.length, id: undefined, name: undefined, isCustom: false, part: -1, isOpen: false, held: [], signature: undefined };
    calls.push(fresh);
    if (index !== undefined) byIndex.set(index, fresh);
    return fresh;
  };

  return {
    calls,
    push: (delta, events) => {
      if (!isRecord(delta)) return;
      const custom = delta['custom'];
      const called = isRecord(custom) ? custom : (delta['function'] ?? delta);
      const id = nonEmpty(delta['id']);
      const name = nonEmpty(memberOf(called, 'name'));
      const call = resolve(numberOf(delta['index']), id, name);
      if (id !== undefined) byId.set(id, call);
      if (!call.isOpen) {
        call.id ??= id;
        call.name ??= name;
        call.isCustom ||= isRecord(custom);
      }
      advance(call, argumentsOf(memberOf(called, isRecord(custom) ? 'input' : 'arguments')), signatureText(delta), events);
    },
  };
}

/** Another call under the same index: it has a name, and an id or name that is not this one's. */
function isAnother(call: OpenCall, id: string | undefined, name: string | undefined): boolean {
  if (name === undefined || call.name === undefined) return false;
  return id !== undefined && call.id !== undefined ? id !== call.id : name !== call.name;
}

function advance(call: OpenCall, text: string, signature: string | undefined, events: CallEvents): void {
  if (!call.isOpen && call.name === undefined) {
    if (text !== '') call.held.push(text);
    call.signature = signature ?? call.signature;
    return;
  }
  if (!call.isOpen) {
    call.isOpen = true;
    events.open(call);
    for (const held of call.held.splice(0)) events.input(call, held);
  }
  if (text !== '') events.input(call, text);
  const value = signature ?? call.signature;
  if (value !== undefined) events.sign(call, value);
  call.signature = undefined;
}

function nonEmpty(value: unknown): string | undefined {
  const text = textOf(value);
  return text === '' ? undefined : text;
}

/** The deltas of calls in a delta or message, the older form as a call of its own. */
export function callDeltasIn(delta: JsonRecord): readonly unknown[] {
  const list = delta['tool_calls'];
  const legacy = delta['function_call'];
  return [...(Array.isArray(list) ? list : []), ...(isRecord(legacy) ? [{ index: legacyIndex, function: legacy }] : [])];
}

const legacyIndex = -1;
