import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AnswerContext, Party } from '../../internal/dialect/codec.ts';
import { codecs } from '../../internal/dialect/codecs.ts';
import { dialects, type Dialect } from '../../internal/dialect/dialect.ts';
import type { IrAnswer } from '../../internal/dialect/ir/answer.ts';
import { createCollector } from '../../internal/dialect/ir/collect.ts';
import { createEventReader } from '../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../internal/dialect/ir/events.ts';
import { parseExact } from '../../internal/dialect/ir/exact-json.ts';
import { isRecord, parseJson, type JsonRecord } from '../../internal/dialect/ir/json.ts';
import { createLosses } from '../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../internal/dialect/ir/request.ts';
import { AppError } from '../../internal/fault/app-error.ts';
import { formatJson } from './format.ts';

/** A server-sent event; `data` is text that is no JSON, or the parsed JSON. `raw` stands for bytes that are no whole event. */
export type WireEvent = { readonly event?: string; readonly data: unknown } | { readonly raw: string };

/** What one dialect's form becomes in another's, where that is not the form in the file. */
export interface Direction {
  /** The member by which the request is refused. */
  readonly refused?: { readonly param: string };
  /** Left out of the request and listed in `x-keyward-dropped`, in the client's words. */
  readonly dropped?: readonly string[];
  /** Text names the direction that has the same. */
  readonly request?: JsonRecord | string;
  readonly answer?: JsonRecord | string;
  readonly stream?: readonly WireEvent[] | string;
}

const kinds = ['request', 'answer', 'stream'] as const;
export type Kind = (typeof kinds)[number];

/** One scenario: the same thing as each vendor's own clients and servers say it. */
export interface Scenario {
  readonly about: string;
  /** Vendors' pages that show the forms, or what was recorded. */
  readonly source: readonly string[];
  /** Who is at the other end, where it matters. */
  readonly parties?: Partial<Record<Dialect, Partial<Party>>>;
  readonly request: Partial<Record<Dialect, JsonRecord>>;
  readonly answer: Partial<Record<Dialect, JsonRecord>>;
  readonly stream: Partial<Record<Dialect, readonly WireEvent[]>>;
  /** Why a dialect has no form, or why none has. */
  readonly notSaid?: Partial<Record<Kind, string | Partial<Record<Dialect, string>>>>;
  /** Why a request is not said again as it was, where its dialect's codec says it in other words. Same-dialect traffic never meets the codec. */
  readonly saidOtherwise?: Partial<Record<Dialect, string>>;
  /** `from → to`: requests on their way from a client, answers and streams on their way from an upstream. */
  readonly directions: Readonly<Record<string, Direction>>;
}

export const folder = resolve(import.meta.dirname, 'dialect');
export const names = readdirSync(folder).filter((file) => file.endsWith('.json')).toSorted((a, b) => a.localeCompare(b));

export function readScenario(name: string): Scenario {
  return readJson(readFileSync(join(folder, name), 'utf8'));
}

/** Only `directions` is ever written; what was written by hand stays. */
export function recordDirections(name: string): void {
  const scenario = readScenario(name);
  writeFileSync(join(folder, name), `${formatJson({ ...scenario, directions: directionsOf(scenario) })}\n`);
}

/** Which forms a file has neither shown nor excused, and which it has both ways. */
export function unexplained({ notSaid, ...scenario }: Scenario): readonly string[] {
  const hasReason = (kind: Kind, dialect: Dialect): boolean => {
    const reasons = notSaid?.[kind];
    return (typeof reasons === 'string' ? reasons : (reasons?.[dialect] ?? '')) !== '';
  };
  return kinds.flatMap((kind) => dialects.filter((dialect) => (scenario[kind][dialect] === undefined) !== hasReason(kind, dialect)).map((dialect) => `${kind} of ${dialect}`));
}

const vendors: Readonly<Record<Dialect, Pick<Party, 'vendor' | 'provider' | 'model'>>> = {
  'openai-chat': { vendor: 'openai', provider: 'openai', model: 'gpt-5.4' },
  'openai-responses': { vendor: 'openai', provider: 'openai', model: 'gpt-5.4' },
  'anthropic-messages': { vendor: 'anthropic', provider: 'anthropic', model: 'claude-sonnet-4-6' },
  gemini: { vendor: 'google', provider: 'gemini', model: 'gemini-2.5-pro' },
};

export function partyOf(dialect: Dialect, { parties }: Pick<Scenario, 'parties'>): Party {
  return { dialect, account: `account-${dialect}`, ...vendors[dialect], ...parties?.[dialect] };
}

export function decodeRequest({ request }: Scenario, dialect: Dialect, body: JsonRecord): IrRequest {
  // Gemini says it by the verb.
  const isStream = Object.values(request).some((each) => each['stream'] === true);
  return codecs[dialect].decodeRequest(body, isStream);
}

type CarriedRequest = { readonly refused?: { readonly param: string }; readonly dropped?: readonly string[]; readonly request?: JsonRecord };

/** What a client of `from` asks, as an upstream of `to` gets it. */
export function carryRequest(scenario: Scenario, from: Dialect, to: Dialect, body: JsonRecord): CarriedRequest {
  try {
    const decoded = decodeRequest(scenario, from, body);
    const losses = createLosses(to, codecs[from].nameOf, decoded.places);
    const request = overTheWire(codecs[to].encodeRequest(decoded, partyOf(to, scenario), losses));
    return losses.dropped().length === 0 ? { request } : { dropped: losses.dropped(), request };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unsupported_parameter') return { refused: { param: String(thrown.fields['param']) } };
    throw thrown;
  }
}

const emptyRequest = { model: 'm', max_tokens: 1, messages: [], contents: [], input: [] };

/** These tell reasoning to those that asked for it. */
const isReasoningHeld = (dialect: Dialect): boolean => dialect === 'anthropic-messages' || dialect === 'gemini';

export function contextFor(scenario: Scenario, from: Dialect, to: Dialect): AnswerContext {
  let ids = 0;
  return {
    // Clients of Chat Completions count as having asked for usage: without it there is nothing to compare.
    // Where the scenario says no request, it is one that wants to see reasoning.
    request: { ...decodeRequest(scenario, to, scenario.request[to] ?? emptyRequest), includeUsage: true, ...(isReasoningHeld(to) && scenario.request[to] === undefined ? { reasoning: { show: 'auto' } } : {}) },
    model: 'asked-model',
    nowSeconds: 1_790_000_000,
    newId: (prefix) => `${prefix}${++ids}`,
    source: partyOf(from, scenario),
  };
}

/** What an upstream of `from` answers, as a client of `to` gets it. */
export function carryAnswer(scenario: Scenario, from: Dialect, to: Dialect, body: JsonRecord): JsonRecord {
  return overTheWire(codecs[to].encodeAnswer(codecs[from].decodeAnswer(body, partyOf(from, scenario)), contextFor(scenario, from, to)));
}

export function carryStream(scenario: Scenario, from: Dialect, to: Dialect, events: readonly WireEvent[]): readonly WireEvent[] {
  return readEvents(encodeStream(scenario, from, to, decodeStream(scenario, from, bytesOf(events))));
}

/** A stream as a vendor sends it. */
export function bytesOf(events: readonly WireEvent[]): Buffer {
  const texts = events.map((each) => {
    if ('raw' in each) return each.raw;
    const data = typeof each.data === 'string' ? each.data : JSON.stringify(each.data);
    return `${each.event === undefined ? '' : `event: ${each.event}\n`}data: ${data}\n\n`;
  });
  return Buffer.from(texts.join(''));
}

function readEvents(text: string): readonly WireEvent[] {
  return createEventReader().push(Buffer.from(text)).map(({ event, data }) => ({ ...(event === '' ? {} : { event }), data: parseJson(data) ?? data }));
}

/** What a stream's decoder reads, its bytes cut into chunks of `size`. */
export function decodeStream(scenario: Scenario, dialect: Dialect, bytes: Buffer, size = bytes.length): readonly IrEvent[] {
  const reader = createEventReader();
  const decoder = codecs[dialect].createStreamDecoder(partyOf(dialect, scenario));
  const found: IrEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) for (const event of reader.push(bytes.subarray(at, at + size))) found.push(...decoder.push(event));
  return [...found, ...decoder.end()];
}

export function encodeStream(scenario: Scenario, from: Dialect, to: Dialect, events: readonly IrEvent[]): string {
  const encoder = codecs[to].createStreamEncoder(contextFor(scenario, from, to));
  return events.map((event) => encoder.push(event)).join('');
}

/** The answer that a stream was; undefined for one that failed. */
export function collect(events: readonly IrEvent[]): IrAnswer | undefined {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  const result = collector.result();
  return result?.ok === true ? result.answer : undefined;
}

interface Carried extends CarriedRequest {
  readonly answer?: JsonRecord;
  readonly stream?: readonly WireEvent[];
}

/** All that one direction makes of the file's forms. */
export function carryAll(scenario: Scenario, from: Dialect, to: Dialect): Carried {
  const [request, answer, stream] = [scenario.request[from], scenario.answer[from], scenario.stream[from]];
  return {
    ...(request === undefined ? {} : carryRequest(scenario, from, to, request)),
    ...(answer === undefined ? {} : { answer: carryAnswer(scenario, from, to, answer) }),
    ...(stream === undefined ? {} : { stream: carryStream(scenario, from, to, stream) }),
  };
}

/** All that differs from the forms in the file. What two directions have alike is written once. */
export function directionsOf(scenario: Scenario): Readonly<Record<string, Direction>> {
  const found: Record<string, Direction> = {};
  const once = createOnce();
  for (const to of dialects) for (const from of dialects) {
    if (from === to) continue;
    const key = `${from} → ${to}`;
    const { request, answer, stream, ...rest } = carryAll(scenario, from, to);
    const { model: _, ...own }: JsonRecord = scenario.request[to] ?? {};
    const direction: Direction = {
      ...rest,
      ...(request === undefined || isSame(request, own) ? {} : { request: once('request', key, request) }),
      ...(answer === undefined || isSame(answer, scenario.answer[to]) ? {} : { answer: once('answer', key, answer) }),
      ...(stream === undefined || isSame(stream, scenario.stream[to]) ? {} : { stream: once('stream', key, stream) }),
    };
    if (Object.keys(direction).length > 0) found[key] = direction;
  }
  return found;
}

/** The form itself at its first place, the name of that place at later ones. */
function createOnce(): <T extends object>(kind: Kind, key: string, form: T) => T | string {
  const known = new Map<string, string>();
  return (kind, key, form) => {
    const text = `${kind} ${JSON.stringify(sortMembers(form))}`;
    const same = known.get(text);
    if (same === undefined) known.set(text, key);
    return same ?? form;
  };
}

/** As `JSON.parse`, of which nothing is known either, but with every number exact. */
function readJson(text: string): ReturnType<typeof JSON.parse> {
  return parseExact(text);
}

function overTheWire(body: JsonRecord): JsonRecord {
  return readJson(JSON.stringify(body));
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sortMembers(a)) === JSON.stringify(sortMembers(b));
}

/** Members in one order, so that only what is said counts. */
function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sortMembers(member)]));
}
