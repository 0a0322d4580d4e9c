import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AnswerContext, Party } from '../../internal/dialect/codec.ts';
import { codecs } from '../../internal/dialect/codecs.ts';
import { dialects, type Dialect } from '../../internal/dialect/dialect.ts';
import type { IrAnswer } from '../../internal/dialect/ir/answer.ts';
import { createCollector } from '../../internal/dialect/ir/collect.ts';
import { createEventReader } from '../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../internal/dialect/ir/events.ts';
import type { JsonRecord } from '../../internal/dialect/ir/json.ts';
import { createLosses } from '../../internal/dialect/ir/losses.ts';
import { replayAnswer } from '../../internal/dialect/ir/replay.ts';
import { AppError } from '../../internal/fault/app-error.ts';

/** What differs, in one direction, from the forms that the file has for the dialect it goes to. */
export interface Direction {
  /** Left out of the request and listed, in the client's words. */
  readonly dropped?: readonly string[];
  /** The member by which the request is refused. */
  readonly refused?: string;
  readonly request?: JsonRecord;
  readonly answer?: JsonRecord;
  readonly stream?: readonly string[];
}

/** One scenario: the same thing in the words of each dialect. A dialect that cannot say it has none. */
export interface Scenario {
  readonly about: string;
  /** Where the form comes from that was written by hand: a vendor's page, or a recording. */
  readonly source: string;
  /** The dialects whose forms were written by hand; the others are what Keyward makes of them. */
  readonly by: { readonly request: Dialect; readonly answer: Dialect; readonly isStreamWritten?: true };
  /** Who is at the other end, where it matters. */
  readonly parties?: Partial<Record<Dialect, Partial<Party>>>;
  readonly request: Partial<Record<Dialect, JsonRecord>>;
  readonly answer: Partial<Record<Dialect, JsonRecord>>;
  readonly stream: Partial<Record<Dialect, readonly string[]>>;
  /** `client → upstream` for requests, `upstream → client` for answers and streams. */
  readonly directions: Readonly<Record<string, Direction>>;
}

export const folder = resolve(import.meta.dirname, 'dialect');
export const names = readdirSync(folder).filter((file) => file.endsWith('.json')).toSorted((a, b) => a.localeCompare(b));

export function readScenario(name: string): Scenario {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}

export function writeScenario(name: string, scenario: Scenario): void {
  writeFileSync(join(folder, name), `${JSON.stringify(scenario, null, 2)}\n`);
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

export const keyOf = (from: Dialect, to: Dialect): string => `${from} → ${to}`;

export type CarriedRequest = { readonly refused: string } | { readonly dropped: readonly string[]; readonly request: JsonRecord };

/** A client's request as the other dialect's upstream gets it. */
export function carryRequest(scenario: Scenario, from: Dialect, to: Dialect, body: JsonRecord): CarriedRequest {
  const losses = createLosses(to, codecs[from].nameOf);
  try {
    const request = codecs[to].encodeRequest(codecs[from].decodeRequest(body, body['stream'] === true), partyOf(to, scenario), losses);
    return { dropped: losses.dropped(), request };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unsupported_parameter') return { refused: String(thrown.fields['param']) };
    throw thrown;
  }
}

function contextFor(scenario: Scenario, from: Dialect, to: Dialect): AnswerContext {
  let ids = 0;
  const body = scenario.request[to] ?? { model: 'm', messages: [], contents: [], input: [] };
  // As if every client of Chat Completions asked for usage: without it there is nothing to compare.
  return { request: { ...codecs[to].decodeRequest(body, false), includeUsage: true }, model: 'asked-model', nowSeconds: 1_790_000_000, newId: (prefix) => `${prefix}${++ids}`, source: partyOf(from, scenario) };
}

/** An upstream's answer as the other dialect's client gets it. */
export function carryAnswer(scenario: Scenario, from: Dialect, to: Dialect, body: JsonRecord): JsonRecord {
  try {
    return codecs[to].encodeAnswer(codecs[from].decodeAnswer(body, partyOf(from, scenario)), contextFor(scenario, from, to));
  } catch (thrown) {
    // A response that failed is no answer; the client is told of the error.
    if (thrown instanceof AppError) return { failed: thrown.code };
    throw thrown;
  }
}

/** A stream's events as its decoder reads them; `size` cuts the bytes into chunks. */
export function decodeStream(scenario: Scenario, dialect: Dialect, events: readonly string[], size: number): readonly IrEvent[] {
  const reader = createEventReader();
  const decoder = codecs[dialect].createStreamDecoder(partyOf(dialect, scenario));
  const bytes = Buffer.from(events.join(''));
  const found: IrEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) for (const event of reader.push(bytes.subarray(at, at + size))) found.push(...decoder.push(event));
  return [...found, ...decoder.end()];
}

export function encodeStream(scenario: Scenario, from: Dialect, to: Dialect, events: readonly IrEvent[]): readonly string[] {
  const encoder = codecs[to].createStreamEncoder(contextFor(scenario, from, to));
  return splitEvents(events.map((event) => encoder.push(event)).join(''));
}

function splitEvents(text: string): readonly string[] {
  return text.match(/[\s\S]*?\r?\n\r?\n/g) ?? [];
}

export function collect(events: readonly IrEvent[]): IrAnswer | undefined {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  const result = collector.result();
  return result?.ok === true ? result.answer : undefined;
}

/** Fills in what was not written by hand. What was stays as it is. */
export function complete(scenario: Scenario): Scenario {
  const { by } = scenario;
  const request: Partial<Record<Dialect, JsonRecord>> = { [by.request]: scenario.request[by.request] };
  const asked = scenario.request[by.request];
  for (const dialect of dialects) {
    const carried = dialect === by.request || asked === undefined ? undefined : carryRequest(scenario, by.request, dialect, asked);
    if (carried !== undefined && 'request' in carried) request[dialect] = carried.request;
  }
  const base = { ...scenario, request };
  const answer: Partial<Record<Dialect, JsonRecord>> = { [by.answer]: scenario.answer[by.answer] };
  const stream: Partial<Record<Dialect, readonly string[]>> = {};
  const source = scenario.answer[by.answer];
  const written = by.isStreamWritten === true ? scenario.stream[by.answer] : undefined;
  const own = written ?? (source === undefined ? [] : encodeStream(base, by.answer, by.answer, replayAnswer(codecs[by.answer].decodeAnswer(source, partyOf(by.answer, scenario)))));
  stream[by.answer] = own;
  for (const dialect of dialects) {
    if (dialect === by.answer) continue;
    if (source !== undefined) answer[dialect] = carryAnswer(base, by.answer, dialect, source);
    stream[dialect] = encodeStream(base, by.answer, dialect, decodeStream(scenario, by.answer, own, 1 << 20));
  }
  const filled = { ...base, answer, stream };
  return { ...filled, directions: directionsOf(filled) };
}

/** All that differs from the forms in the file, direction by direction. */
export function directionsOf(scenario: Omit<Scenario, 'directions'>): Readonly<Record<string, Direction>> {
  const whole = { ...scenario, directions: {} };
  const found: Record<string, Direction> = {};
  for (const from of dialects) for (const to of dialects) {
    if (from === to) continue;
    const direction = { ...requestDirection(whole, from, to), ...answerDirection(whole, from, to) };
    if (Object.keys(direction).length > 0) found[keyOf(from, to)] = direction;
  }
  return found;
}

function requestDirection(scenario: Scenario, from: Dialect, to: Dialect): Direction {
  const body = scenario.request[from];
  if (body === undefined) return {};
  const carried = carryRequest(scenario, from, to, body);
  if ('refused' in carried) return { refused: carried.refused };
  const { model: _, ...expected }: JsonRecord = scenario.request[to] ?? {};
  const isSame = JSON.stringify(sorted(carried.request)) === JSON.stringify(sorted(expected));
  return { ...(carried.dropped.length === 0 ? {} : { dropped: carried.dropped }), ...(isSame ? {} : { request: carried.request }) };
}

function answerDirection(scenario: Scenario, from: Dialect, to: Dialect): Direction {
  const [body, events] = [scenario.answer[from], scenario.stream[from]];
  const answer = body === undefined ? undefined : carryAnswer(scenario, from, to, body);
  const stream = events === undefined ? undefined : encodeStream(scenario, from, to, decodeStream(scenario, from, events, 1 << 20));
  return {
    ...(answer === undefined || JSON.stringify(sorted(answer)) === JSON.stringify(sorted(scenario.answer[to] ?? {})) ? {} : { answer }),
    ...(stream === undefined || JSON.stringify(stream) === JSON.stringify(scenario.stream[to] ?? []) ? {} : { stream }),
  };
}

/** Members in one order, so that only what is said counts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b)).map(([name, member]) => [name, sorted(member)]));
}
