import { describe, expect, it } from 'vitest';
import { codecs } from '../../internal/dialect/codecs.ts';
import { dialects, type Dialect } from '../../internal/dialect/dialect.ts';
import type { IrAnswer } from '../../internal/dialect/ir/answer.ts';
import type { JsonRecord } from '../../internal/dialect/ir/json.ts';
import type { IrRequest } from '../../internal/dialect/ir/request.ts';
import { createLosses } from '../../internal/dialect/ir/losses.ts';
import { AppError } from '../../internal/fault/app-error.ts';
import { bytesOf, carryAll, collect, contextFor, decodeRequest, decodeStream, directionsOf, encodeStream, names, partyOf, readScenario, recordDirections, unexplained, type Scenario } from './corpus.ts';
import { essenceOfAnswer, essenceOfStream, type Essence } from './essence.ts';
import { finishesOf } from './finishes.ts';

/*
 * The corpus of the dialects: each file is one scenario. Its forms are written by hand, after what vendors publish. `UPDATE_GOLDEN=1`
 * writes `directions` anew: what each form becomes in each other dialect. The diff is to be read.
 */

if (process.env['UPDATE_GOLDEN'] === '1') for (const name of names) recordDirections(name);

const pairs = dialects.flatMap((from) => dialects.filter((to) => to !== from).map((to) => [from, to] as const));

describe('the corpus', () => {
  it('has sixty scenarios or more, each with its sources, and no form missing without a reason', () => {
    expect(names.length).toBeGreaterThanOrEqual(60);
    for (const name of names) {
      const scenario = readScenario(name);
      expect(scenario.source.length, name).toBeGreaterThan(0);
      for (const source of scenario.source) expect(source, name).toMatch(/^(?:https:\/\/|recorded: )/);
      expect(unexplained(scenario), name).toEqual([]);
    }
  });
});

describe.each(names)('%s', (name) => {
  const scenario = readScenario(name);

  it('every direction carries, drops and refuses what the file says', () => {
    expect(directionsOf(scenario)).toEqual(scenario.directions);
  });

  it('an answer loses no text, reasoning, call, link or count on its way, and nothing is made up', () => {
    for (const [from, to] of pairs) {
      const [answer, carried] = [scenario.answer[from], carryAll(scenario, from, to).answer];
      if (answer === undefined || carried === undefined) continue;
      expect(arrived(essenceOfAnswer(to, carried), to), `${from} → ${to}`).toMatchObject(expectedEssence(arrived(essenceOfAnswer(from, answer), to), to));
    }
  });

  it('nor does a stream', () => {
    for (const [from, to] of pairs) {
      const [events, carried] = [scenario.stream[from], carryAll(scenario, from, to).stream];
      if (events === undefined || carried === undefined) continue;
      expect(arrived(essenceOfStream(to, carried), to), `${from} → ${to}`).toMatchObject(expectedEssence(arrived(essenceOfStream(from, events), to), to));
    }
  });

  it('what a dialect says is the same after it was read and said again', () => {
    for (const dialect of dialects) {
      const request = scenario.request[dialect];
      if (request !== undefined) {
        const [before, again] = overAgain(scenario, dialect, request);
        expect(again, dialect).toEqual(before);
      }
      for (const answer of answersOf(scenario, dialect)) {
        const context = contextFor(scenario, dialect, dialect);
        expect(essential(codecs[dialect].decodeAnswer(codecs[dialect].encodeAnswer(answer, context), partyOf(dialect, scenario))), dialect).toEqual(essential(answer));
        const streamed = encodeStream(scenario, dialect, dialect, decodeStream(scenario, dialect, bytesOf(scenario.stream[dialect] ?? [])));
        const events = decodeStream(scenario, dialect, Buffer.from(streamed));
        expect(essential(collect(events)), dialect).toEqual(essential(collect(decodeStream(scenario, dialect, bytesOf(scenario.stream[dialect] ?? [])))));
      }
    }
  });

  it('a stream is read the same, however its bytes are cut', () => {
    for (const dialect of dialects) {
      const bytes = bytesOf(scenario.stream[dialect] ?? []);
      for (const size of [1, 7]) expect(decodeStream(scenario, dialect, bytes, size), dialect).toEqual(decodeStream(scenario, dialect, bytes));
    }
  });

  it('the stream says what the whole answer says', () => {
    for (const dialect of dialects) {
      const body = scenario.answer[dialect];
      if (body === undefined || scenario.stream[dialect] === undefined) continue;
      const whole = codecs[dialect].decodeAnswer(body, partyOf(dialect, scenario));
      const streamed = collect(decodeStream(scenario, dialect, bytesOf(scenario.stream[dialect])));
      expect(streamed, dialect).toEqual(whole);
    }
  });
});

/**
 * A request as it was read, and read anew after it was said again; from the second time on where the scenario says why. What only its
 * own vendor can do is refused when it is read.
 */
function overAgain(scenario: Scenario, dialect: Dialect, body: JsonRecord): readonly IrRequest[] {
  const first = readable(() => decodeRequest(scenario, dialect, body));
  if (first === undefined) return [];
  const again = (read: IrRequest): IrRequest => decodeRequest(scenario, dialect, codecs[dialect].encodeRequest(read, partyOf(dialect, scenario), createLosses(dialect, codecs[dialect].nameOf, read.places)));
  const read = scenario.saidOtherwise?.[dialect] === undefined ? first : again(first);
  // Of several items one may be made.
  return [read, again(read)].map((each) => ({ ...each, places: undefined }));
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unsupported_parameter') return undefined;
    throw thrown;
  }
}

function answersOf(scenario: Scenario, dialect: Dialect): readonly IrAnswer[] {
  const body = scenario.answer[dialect];
  return body === undefined ? [] : [codecs[dialect].decodeAnswer(body, partyOf(dialect, scenario))];
}

/**
 * What is signed is tagged on its way to a client, and an id that is not of the dialect's form is made anew. The tier that served is the
 * vendor's bookkeeping, which not all state; not all tell a refusal from text, one filter from another, or no arguments from an empty object.
 */
function essential(answer: IrAnswer | undefined): unknown {
  const { id: _, serviceTier: _tier, ...rest } = answer ?? { choices: [] };
  return JSON.parse(JSON.stringify(rest, (name, value) => (name === 'signature' || name === 'rawFinish' ? undefined : value === 'refusal' ? 'text' : name === 'input' && value === '' ? '{}' : value)));
}

/** Chat Completions has one text for all that is said; a blank line keeps apart what other dialects have in parts. */
function arrived(essence: Essence, to: Dialect): Essence {
  return to === 'openai-chat' ? { ...essence, text: essence.text.replaceAll('\n\n', '') } : essence;
}

/** As it must arrive. Not every vendor tells a refusal from other text, and a call that was cut has no place where arguments are an object. */
function expectedEssence(essence: Essence, to: Dialect): object {
  const { calls, finish, usage, hasRefused: _, hasFailed, ...always } = essence;
  if (hasFailed) return { ...always, finish: expect.toBeOneOf([undefined, 'failed']), hasFailed };
  const finishes = [...finishesOf(essence, to)];
  const isCut = calls.some(({ input }) => typeof input === 'string') && !to.startsWith('openai-');
  return { ...always, ...(isCut ? {} : { calls }), usage, finish: finish === undefined ? undefined : expect.toBeOneOf(finishes), hasFailed: finishes.includes('failed') ? expect.any(Boolean) : false };
}
