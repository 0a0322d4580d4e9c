import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GoogleGenAI } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from 'genai2';
import OpenAI from 'openai';
import OpenAI6 from 'openai6';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { pixel } from '../support/simulated-vendors.ts';
import { agentsDriver } from './clients/agents.ts';
import { anthropicDriver } from './clients/anthropic.ts';
import { googleDriver } from './clients/google.ts';
import { openaiChatDriver } from './clients/openai-chat.ts';
import { openaiResponsesDriver } from './clients/openai-responses.ts';
import { responsesSocketDriver } from './clients/responses-ws.ts';
import { vercelDrivers } from './clients/vercel.ts';
import type { Driver, Place } from './driver.ts';
import { emptyCells, whyEmpty, type Column } from './empty-cells.ts';
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

const columns: readonly Column[] = ['plain', 'stream', 'tools', 'image', 'structured', 'reasoning', 'usage', 'refusal', 'cut', 'abort'];
const results = new Map<string, string>();

/** `tried`: the mark of a cell that is not empty, by its key. */
function renderTable(tried: (key: string) => string): string {
  const rows = driverNames.flatMap((name) => upstreams.map(({ dialect }) => [name, dialect, ...columns.map((column) => whyEmpty(name, dialect, column)?.mark ?? tried(`${name}|${dialect}|${column}`))]));
  const all = [['client', 'upstream', ...columns], ...rows];
  const widths = all[0]?.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length))) ?? [];
  return all.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** What the upstream was sent last for this cell, found by the prompt's own words. */
function sentFor(tag: string): readonly { readonly url: string; readonly body: string }[] {
  return world.seen.map(({ url, body }) => ({ url, body: body.toString() })).filter(({ body }) => body.includes(tag));
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

let cellCount = 0;

describe.each(driverNames)('%s', (name) => {
  describe.each(upstreams)('on an upstream that speaks $dialect', ({ dialect, model, path }) => {
    const cell = (column: Column, title: string, run: (client: Driver, tag: string) => Promise<void>): void => {
      if (whyEmpty(name, dialect, column) !== undefined) return;
      it.concurrent(title, async () => {
        const tag = `cell-${++cellCount}`;
        await run(driver(name), tag);
        const sent = sentFor(tag);
        expect(sent.length).toBeGreaterThan(0);
        for (const { url } of sent) expect(url).toMatch(path);
        results.set(`${name}|${dialect}|${column}`, '✔');
      });
    };

    cell('plain', 'answers', async (client, tag) => {
      expect((await client.plain(model, `plain ${tag}`)).text).toBe(said.plain);
    });
    cell('stream', 'streams', async (client, tag) => {
      const outcome = await client.stream(model, `stream ${tag}`);
      expect(outcome.text).toBe(said.plain);
      expect(outcome.pieces).toBeGreaterThan(2);
    });
    cell('tools', 'calls two tools at once, and hears what each said', async (client, tag) => {
      const run = await client.tools(model, `weather ${tag}`);
      expect(run).toEqual({ calls: [{ name: 'get_weather', city: 'Paris' }, { name: 'get_weather', city: 'Rome' }], text: said.tools });
      const second = sentFor(tag).at(-1)?.body ?? '';
      expect(second).toContain('sunny in Paris');
      expect(second).toContain('sunny in Rome');
    });
    cell('image', 'sees an image, byte for byte', async (client, tag) => {
      expect((await client.image(model, `look ${tag}`, pixel)).text).toBe(said.look);
      expect(sentFor(tag)[0]?.body).toContain(pixel);
    });
    cell('structured', 'gives an object of the wanted form, and the upstream knows the schema', async (client, tag) => {
      expect(await client.structured?.(model, `structure ${tag}`)).toEqual({ city: 'Paris' });
      expect(sentFor(tag)[0]?.body).toMatch(/"properties":\{"city":\{"type":"string"/);
    });
    cell('reasoning', 'shows the reasoning, plain and streamed', async (client, tag) => {
      for (const outcome of [await client.plain(model, `reason ${tag}`), await client.stream(model, `reason ${tag}`)]) expect([outcome.reasoning, outcome.text]).toEqual([said.thought, said.answer]);
    });
    cell('usage', 'counts the tokens, plain and streamed', async (client, tag) => {
      for (const outcome of [await client.plain(model, `count ${tag}`), await client.stream(model, `count ${tag}`)]) expect(outcome.usage).toEqual(tokens);
    });
    cell('refusal', 'is told that the vendor’s filter ended it', async (client, tag) => {
      // One client raises instead; it names the response's state.
      const finish = await client.plain(model, `refuse ${tag}`).then((outcome) => outcome.finish, String);
      expect(finish).toMatch(/filter|refusal|safety|response\.incomplete/i);
    });
    cell('cut', 'raises on a stream that is cut', async (client, tag) => {
      await expect(client.stream(model, `cut ${tag}`)).rejects.toThrow();
    });
    cell('abort', 'leaves, and the upstream is left', async (client, tag) => {
      const before = world.abortCount();
      await client.abort(model, `slow ${tag}`);
      await until('the upstream to be left', () => world.abortCount() > before);
    });
  });
});
