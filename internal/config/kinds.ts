import * as v from 'valibot';
import { Secret } from '../secret/secret.ts';
import { isMembers, type Members } from './members.ts';

/** What the settings table says of a setting beside its type; docs, JSON Schema and masking read it. */
export interface SettingNotes {
  readonly doc: string;
  /** `s`, `MB`, `days` …; durations take `30s`, `15m`, `1h`, `7d` or a number of seconds. */
  readonly unit?: string;
  /** `live` (the default) takes effect by hot reload; `restart` is reported as needing one. */
  readonly reload?: 'live' | 'restart';
  /** `whole` values are masked; `userinfo` values are URLs whose user and password are masked. */
  readonly secret?: 'whole' | 'userinfo';
  /** Understood and kept for files of the Go program, without effect in this version; the text says why. */
  readonly unused?: string;
}

type Notes = Omit<SettingNotes, 'doc'>;
/** Metadata for `v.metadata` where no kind below fits. */
export const notes = (doc: string, more: Notes = {}): { readonly notes: SettingNotes } => ({ notes: { doc, ...more } });

export const flag = (fallback: boolean, doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.boolean(), v.metadata(notes(doc, more))), fallback);

export const text = (fallback: string, doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.string(), v.trim(), v.metadata(notes(doc, more))), fallback);

export const requiredText = (doc: string, more: Notes = {}) =>
  v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty'), v.metadata(notes(doc, more)));

/** A secret: in the file plain, `env:NAME` or `file:PATH`; in the decoded config a `Secret`. */
export const secretText = (doc: string, more: Notes = {}) =>
  v.pipe(v.string(), v.trim(), v.transform((value) => new Secret(value)), v.metadata(notes(doc, { secret: 'whole', ...more })));

export const maybeSecret = (doc: string, more: Notes = {}) => v.optional(secretText(doc, more));

export const integer = (fallback: number, range: { readonly min: number; readonly max: number }, doc: string, more: Notes = {}) =>
  v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(range.min, `must be at least ${range.min}`),
      v.maxValue(range.max, `must be at most ${range.max}`),
      v.metadata(notes(doc, more)),
    ),
    fallback,
  );

export const maybeInteger = (doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.number(), v.integer('must be a whole number'), v.metadata(notes(doc, more))));

/** An amount of money. */
export const price = (doc: string, more: Notes = {}) =>
  v.pipe(v.number(), v.minValue(0, 'must not be negative'), v.metadata(notes(doc, more)));

export const oneOf = <const T extends readonly [string, ...string[]]>(choices: T, fallback: T[number], doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.picklist(choices, `must be one of ${choices.join(', ')}`), v.metadata(notes(doc, more))), fallback);

export const texts = (doc: string, more: Notes = {}) => v.optional(v.pipe(v.array(v.pipe(v.string(), v.trim())), v.metadata(notes(doc, more))), []);

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

const anyDuration = (doc: string, more: Notes) =>
  v.pipe(
    v.union([v.pipe(v.string(), v.trim(), v.regex(durationPattern, 'must be a duration such as 30s, 15m, 1h or 7d')), v.pipe(v.number(), v.minValue(0))]),
    v.transform(durationMs),
    v.metadata(notes(doc, { unit: 'duration', ...more })),
  );

/** A span of time; decodes to milliseconds. A bare number counts seconds. */
export const duration = (fallback: string, doc: string, more: Notes = {}) => v.optional(anyDuration(doc, more), fallback);

export const maybeDuration = (doc: string, more: Notes = {}) => v.optional(anyDuration(doc, more));

export function durationMs(value: string | number): number {
  if (typeof value === 'number') return value * 1_000;
  const match = durationPattern.exec(value);
  return Number(match?.[1] ?? 0) * (durationUnits[match?.[2] ?? 's'] ?? 0);
}

/** A section of the file; wrap it in `v.optional(…, {})` so that an absent section takes its members' defaults. */
export const section = <const T extends v.ObjectEntries>(entries: T, doc: string, more: Notes = {}) =>
  v.pipe(v.object(entries), v.metadata(notes(doc, more)));

/** A list of sections. */
export const list = <const T extends v.GenericSchema>(item: T, doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.array(item), v.metadata(notes(doc, more))), []);

/** A map from a free name to a value. */
export const mapOf = <const T extends v.GenericSchema>(item: T, doc: string, more: Notes = {}) =>
  v.optional(v.pipe(v.record(v.string(), item), v.metadata(notes(doc, more))), {});

/** A map from a JSON path to any value that JSON has, null among them. */
export const jsonByPath = (doc: string, more: Notes = {}) => v.pipe(v.custom<Members>(isMembers), v.metadata(notes(doc, more)));
