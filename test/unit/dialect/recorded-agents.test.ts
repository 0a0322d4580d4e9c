import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codecs } from '../../../internal/dialect/codecs.ts';
import { dialects, type Dialect } from '../../../internal/dialect/dialect.ts';
import { isRecord, parseJson, textOf, type JsonRecord } from '../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../internal/dialect/ir/losses.ts';
import { agents } from '../../agents/agents.ts';
import { brokenRules } from '../../agents/vendor-rules.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/agents');

/** All that a recorded request loses on its way to another dialect, by the agent that sends it, in the agent's own words. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  Codex: ['client_metadata', 'parallel_tool_calls', 'prompt_cache_key', 'reasoning.context', 'text.verbosity', 'tools.web_search'],
  'Claude Code': ['cache_control', 'context_management', 'max_tokens', 'messages', 'metadata.user_id', 'tools.defer_loading'],
  'Gemini CLI': ['generationConfig.topK', 'generationConfig.topP'],
  opencode: [],
  'Qwen Code': [],
  'Continue CLI': [],
};

interface Recorded {
  readonly name: string;
  readonly agent: string;
  readonly dialect: Dialect;
  readonly body: JsonRecord;
}

function readRecordings(): readonly Recorded[] {
  return readdirSync(folder).map((name) => {
    const content = parseJson(readFileSync(join(folder, name), 'utf8'));
    const { agent, body } = isRecord(content) ? content : {};
    const dialect = agents.find((each) => each.name === agent)?.dialect;
    if (dialect === undefined || !isRecord(body)) throw new TypeError(`${name} is no recording`);
    return { name, agent: textOf(agent) ?? '', dialect, body };
  });
}

const models = { 'openai-chat': 'chat-model', 'openai-responses': 'gpt-5.5', 'anthropic-messages': 'claude-opus-5-5', gemini: 'gemini-3.1-pro-preview' } as const satisfies Record<Dialect, string>;

/** Whole requests: over a WebSocket most messages hold only what is new. */
const whole = readRecordings().filter(({ name }) => name.includes('-http-'));
const directions = whole.flatMap((recorded) => dialects.filter((dialect) => dialect !== recorded.dialect).map((target) => ({ ...recorded, target })));

describe('what real agents send', () => {
  test('is recorded of every agent, in the version that is run', () => {
    expect(new Set(whole.map(({ agent }) => agent))).toEqual(new Set(agents.map(({ name }) => name)));
  });

  test.each(directions)('$name reaches $target, with its tools, its prompt and its calls', ({ agent, dialect, body, target }) => {
    const request = codecs[dialect].decodeRequest(body, true);
    const losses = createLosses(target, codecs[dialect].nameOf, request.places);
    const sent = codecs[target].encodeRequest(request, { dialect: target, account: 'sim', vendor: 'sim', provider: 'sim', model: models[target] }, losses);
    const said = JSON.stringify(sent);
    expect(said).toContain('Create the file hello.txt');
    for (const tool of request.tools) if (tool.kind !== 'builtin') expect(said).toContain(JSON.stringify(tool.name));
    for (const [id] of JSON.stringify(body).matchAll(/call_\d_\d/g)) expect(said).toContain(id);
    expect(brokenRules[target](sent)).toEqual([]);
    expect(losses.dropped().filter((name) => harmless[agent]?.includes(name) !== true)).toEqual([]);
  });
});
