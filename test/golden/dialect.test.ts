import { describe, expect, it } from 'vitest';
import { codecs } from '../../internal/dialect/codecs.ts';
import { dialects } from '../../internal/dialect/dialect.ts';
import { createLosses } from '../../internal/dialect/ir/losses.ts';
import { collect, complete, decodeStream, directionsOf, names, partyOf, readScenario, writeScenario, type Scenario } from './corpus.ts';

/*
 * The corpus of the dialects: each file is one scenario. `UPDATE_GOLDEN=1` writes anew what was not written by hand; the diff
 * is to be read.
 */

const isUpdating = process.env['UPDATE_GOLDEN'] === '1';
if (isUpdating) for (const name of names) writeScenario(name, complete(readScenario(name)));

describe('the corpus', () => {
  it('has sixty scenarios or more, each with its source', () => {
    expect(names.length).toBeGreaterThanOrEqual(60);
    for (const name of names) expect(readScenario(name).source, name).toMatch(/^(?:https:\/\/|recorded: |shape: )/);
  });
});

describe.each(names)('%s', (name) => {
  const scenario: Scenario = readScenario(name);

  it('every direction carries, drops and refuses what the file says', () => {
    expect(directionsOf(scenario)).toEqual(scenario.directions);
  });

  it('what a dialect says of the request it says again after it was read, bar what it lists', () => {
    for (const dialect of dialects) {
      const body = scenario.request[dialect];
      if (body === undefined) continue;
      const read = codecs[dialect].decodeRequest(body, body['stream'] === true);
      const losses = createLosses(dialect, codecs[dialect].nameOf);
      const again = codecs[dialect].decodeRequest(codecs[dialect].encodeRequest(read, partyOf(dialect, scenario), losses), body['stream'] === true);
      const settled = codecs[dialect].encodeRequest(again, partyOf(dialect, scenario), losses);
      expect(settled, dialect).toEqual(codecs[dialect].encodeRequest(read, partyOf(dialect, scenario), losses));
    }
  });

  it('a stream is read the same, however its bytes are cut', () => {
    for (const dialect of dialects) {
      const events = scenario.stream[dialect];
      if (events !== undefined) expect(decodeStream(scenario, dialect, events, 1), dialect).toEqual(decodeStream(scenario, dialect, events, 1 << 20));
    }
  });

  it('the stream says what the whole answer says', () => {
    for (const dialect of dialects) {
      const [body, events] = [scenario.answer[dialect], scenario.stream[dialect]];
      if (body === undefined || events === undefined || 'failed' in body || body['status'] === 'failed') continue;
      const whole = codecs[dialect].decodeAnswer(body, partyOf(dialect, scenario));
      const endsWell = decodeStream(scenario, dialect, events, 1 << 20).at(-1)?.type === 'end';
      if (!endsWell) continue;
      const streamed = collect(decodeStream(scenario, dialect, events, 64));
      const essence = (answer: typeof whole | undefined): unknown => answer?.choices.map(({ parts, finish }) => [finish, parts.flatMap((part) => ('text' in part ? (part.kind === 'thinking' && part.text === '' ? [] : [[part.kind, part.text]]) : part.kind === 'tool_call' ? [[part.kind, part.id, part.name, JSON.parse(part.isCustom === true ? 'null' : part.input || '{}')]] : []))]);
      expect([essence(streamed), streamed?.usage], dialect).toEqual([essence(whole), whole.usage]);
    }
  });
});
