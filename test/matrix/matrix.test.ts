import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { GoogleGenAI } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from 'genai2';
import OpenAI from 'openai';
import OpenAI6 from 'openai6';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dialect } from '../../internal/dialect/dialect.ts';
import { until } from '../support/until.ts';
import { pixel } from '../support/simulated-vendors.ts';
import { agentsDriver } from './clients/agents.ts';
import { anthropicDriver } from './clients/anthropic.ts';
import { googleDriver } from './clients/google.ts';
import { openaiChatDriver } from './clients/openai-chat.ts';
import { openaiResponsesDriver } from './clients/openai-responses.ts';
import { responsesSocketDriver } from './clients/responses-ws.ts';
import { vercelDrivers } from './clients/vercel.ts';
import type { Driver, Place, ToolRun } from './driver.ts';
import { emptyCells, whyEmpty, type Column } from './empty-cells.ts';
import { readSentResults } from './sent-results.ts';
import { vendorTrouble } from './stand-in-upstream.ts';
import { clientKey, said, startWorld, tokens, upstreams, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.stop();
  process.stdout.write(`${renderTable((key) => results.get(key) ?? '✘')}\n`);
});

const driverNames = [
  'openai 7 chat',
  'openai 6 chat',
  'openai 7 responses',
  'openai 6 responses',
  'openai 7 ResponsesWS',
  '@anthropic-ai/sdk',
  '@google/genai 3',
  '@google/genai 2',
  'ai + openai (responses)',
  'ai + openai (chat)',
  'ai + anthropic',
  'ai + google',
  'ai + openai-compatible',
  '@openai/agents',
] as const;

function driversAt(place: Place): readonly Driver[] {
  return [
    openaiChatDriver('openai 7 chat', (options) => new OpenAI(options), place),
    openaiChatDriver('openai 6 chat', (options) => asSeven(new OpenAI6(options)), place),
    openaiResponsesDriver('openai 7 responses', (options) => new OpenAI(options), place),
    openaiResponsesDriver('openai 6 responses', (options) => asSeven(new OpenAI6(options)), place),
    responsesSocketDriver(place),
    anthropicDriver(place),
    googleDriver('@google/genai 3', (options) => new GoogleGenAI(options), place),
    googleDriver('@google/genai 2', (options) => asThree(new GoogleGenAI2(options)), place),
    ...vercelDrivers(place),
    agentsDriver(place),
  ];
}

/** What the drivers use of a client is the same in both majors, though the types of all the rest are not. */
function asSeven(client: object): OpenAI {
  if (!isClient(client)) throw new TypeError('no client');
  return client;
}

function isClient(client: object): client is OpenAI {
  return 'chat' in client && 'responses' in client;
}

function asThree(client: object): GoogleGenAI {
  if (!isGoogle(client)) throw new TypeError('no client');
  return client;
}

function isGoogle(client: object): client is GoogleGenAI {
  return 'models' in client;
}

function driver(name: string): Driver {
  const found = driversAt({ url: world.daemon.url, key: clientKey }).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}

const columns: readonly Column[] = ['plain', 'stream', 'tools', 'streamed tools', 'image', 'structured', 'reasoning', 'usage', 'refusal', 'error', 'cut', 'abort'];
const results = new Map<string, string>();

/** `tried`: the mark of a cell that is not empty, by its key. */
function renderTable(tried: (key: string) => string): string {
  const rows = driverNames.flatMap((name) => upstreams.map(({ dialect }) => [name, dialect, ...columns.map((column) => whyEmpty(name, column)?.mark ?? tried(`${name}|${dialect}|${column}`))]));
  const all = [['client', 'upstream', ...columns], ...rows];
  const widths = all[0]?.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length))) ?? [];
  return all.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** What the upstream was sent for a cell, found by the prompt's own words. */
function sentFor(tag: string, requests = world.seen): readonly { readonly url: string; readonly body: string }[] {
  return requests.map(({ url, body }) => ({ url, body: body.toString() })).filter(({ body }) => body.includes(`${tag}.`));
}

function expectTools(run: ToolRun): void {
  expect(run).toEqual({
    calls: [
      { id: 'call_paris', name: 'get_weather', city: 'Paris' },
      { id: 'call_rome', name: 'get_weather', city: 'Rome' },
    ],
    finish: expect.stringMatching(/^(?:tool_calls|tool_use|tool-calls|STOP|completed)$/),
    text: said.tools,
  });
}

function expectResults(dialect: Dialect, sent: ReturnType<typeof sentFor>): void {
  expect(sent).toHaveLength(2);
  expect(readSentResults(dialect, sent[1]?.body ?? '')).toEqual([
    { id: 'call_paris', city: 'Paris', result: expect.stringContaining('sunny in Paris') },
    { id: 'call_rome', city: 'Rome', result: expect.stringContaining('sunny in Rome') },
  ]);
}

/** What a client says of a failure, wherever its own error has the vendor's words. */
async function failureOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'no failure',
    (error: unknown) => inspect(error, { depth: 6 }),
  );
}

describe('docs/matrix.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/matrix.md'), 'utf8');

  it('shows this table', () => {
    expect(page).toContain(renderTable(() => '✔'));
  });

  it('has the reason of every empty cell', () => {
    for (const { mark, reason } of emptyCells) expect(page).toContain(`- **${mark}**: ${reason}.`);
  });
});

const ordinaryEnd: unknown = expect.stringMatching(/^(?:stop|end_turn|STOP|completed)$/);
let cellCount = 0;

describe.concurrent.each(driverNames)('%s', (name) => {
  describe.each(upstreams)('on an upstream that speaks $dialect', ({ dialect, model, path, members }) => {
    const cell = (column: Column, title: string, run: (client: Driver, tag: string) => Promise<void>): void => {
      if (whyEmpty(name, column) !== undefined) return;
      it.concurrent(title, async () => {
        const tag = `cell-${++cellCount}`;
        // The full stop keeps one number from being the beginning of another.
        await run(driver(name), tag);
        const sent = sentFor(tag);
        expect(sent.length).toBeGreaterThan(0);
        for (const { url, body } of sent) {
          expect(url).toMatch(path);
          expect(Object.keys(JSON.parse(body))).toEqual(expect.arrayContaining([...members]));
        }
        results.set(`${name}|${dialect}|${column}`, '✔');
      });
    };

    cell('plain', 'answers', async (client, tag) => {
      expect(await client.plain(model, `plain ${tag}.`)).toMatchObject({ text: said.plain, finish: ordinaryEnd });
    });
    cell('stream', 'streams', async (client, tag) => {
      const outcome = await client.stream(model, `stream ${tag}.`);
      expect(outcome).toMatchObject({ text: said.plain, finish: ordinaryEnd });
      expect(outcome.pieces).toBeGreaterThan(2);
    });
    cell('tools', 'calls two tools at once, and hears what each said', async (client, tag) => {
      expectTools(await client.tools(model, `weather ${tag}.`));
      expectResults(dialect, sentFor(tag));
    });
    cell('streamed tools', 'puts two streamed calls together, and answers both', async (client, tag) => {
      expectTools(await client.streamedTools(model, `weather ${tag}.`));
      expectResults(dialect, sentFor(tag));
    });
    cell('image', 'sees an image, byte for byte', async (client, tag) => {
      expect((await client.image(model, `look ${tag}.`, pixel)).text).toBe(said.look);
      expect(sentFor(tag)[0]?.body).toContain(pixel);
    });
    cell('structured', 'gives an object of the wanted form, and the upstream knows the schema', async (client, tag) => {
      expect(await client.structured(model, `structure ${tag}.`)).toEqual({ city: 'Paris' });
      expect(sentFor(tag)[0]?.body).toMatch(/"properties":\{"city":\{"type":"string"/);
    });
    cell('reasoning', 'shows the reasoning, plain and streamed', async (client, tag) => {
      for (const outcome of [await client.plain(model, `reason ${tag}.`), await client.stream(model, `reason ${tag}.`)]) expect([outcome.reasoning, outcome.text]).toEqual([said.thought, said.answer]);
    });
    cell('usage', 'counts the tokens, plain and streamed', async (client, tag) => {
      for (const outcome of [await client.plain(model, `count ${tag}.`), await client.stream(model, `count ${tag}.`)]) expect(outcome.usage).toEqual(tokens);
    });
    cell('refusal', 'is told that the vendor’s filter ended it', async (client, tag) => {
      // One client raises instead; it names the response's state.
      for (const answer of [client.plain(model, `refuse ${tag}.`), client.stream(model, `refuse ${tag}.`)]) expect(await answer.then((outcome) => outcome.finish, String)).toMatch(/filter|refusal|safety|response\.incomplete/i);
    });
    cell('error', 'raises the vendor’s own words when it gives up amid a stream', async (client, tag) => {
      expect(await failureOf(client.stream(model, `break ${tag}.`))).toContain(vendorTrouble);
      expect(sentFor(tag)).toHaveLength(1);
    });
    cell('cut', 'raises on a stream that is cut', async (client, tag) => {
      await expect(client.stream(model, `cut ${tag}.`)).rejects.toThrow();
      expect(sentFor(tag)).toHaveLength(1);
    });
    cell('abort', 'leaves, and the upstream is left', async (client, tag) => {
      await client.abort(model, `slow ${tag}.`);
      await until('the upstream to be left', () => sentFor(tag, world.left).length > 0);
    });
  });
});
