import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { maskYamlText } from '../../../internal/config/mask-text.ts';
import { maskedConfig } from '../../../internal/config/masked.ts';
import { formatProblem } from '../../../internal/config/problem.ts';
import { parsePayloadPath } from '../../../internal/config/payload/path.ts';
import { err } from '../../../internal/fault/result.ts';

function decode(text: string): ReturnType<typeof decodeConfig> {
  return decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
}

function load(text: string): LoadedConfig {
  const decoded = decode(text);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
  return decoded.value;
}

function problemsOf(text: string): readonly string[] {
  const decoded = decode(text);
  return (decoded.ok ? decoded.value.warnings : decoded.error).map((problem) => `${problem.severity} ${formatProblem('c.yaml', problem)}`);
}

const overriding = (params: string): string => `payload: { override: [{ models: [{ name: m }], params: ${params} }] }`;
const conditioned = (condition: string): string => `payload: { filter: [{ models: [{ name: m, ${condition} }], params: [a] }] }`;

/** The rules of the Go program's own example file, opened. */
const goExample = String.raw`payload:
  default:
    - models:
        - name: "gemini-2.5-pro"
          protocol: "gemini"
          from-protocol: "responses"
          headers:
            X-Client-Tier: "tenant-*-region-*"
          match:
            - "metadata.client": "codex"
          not-match:
            - "metadata.mode": "dev"
          exist:
            - "tools.#(type==\"web_search\").type"
          not-exist:
            - "metadata.disable_payload"
      params:
        "generationConfig.thinkingConfig.thinkingBudget": 32768
  default-raw:
    - models:
        - name: "gemini-2.5-pro"
          protocol: "gemini"
      params:
        "generationConfig.responseJsonSchema": "{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"string\"}}}"
  override:
    - models:
        - name: "gpt-5.4-fast"
          protocol: "codex"
        - name: "gpt-5.5-fast"
          protocol: "codex"
      params:
        service_tier: priority
    - models:
        - name: "gpt-*"
          protocol: "codex"
      params:
        "reasoning.effort": "high"
  override-raw:
    - models:
        - name: "grok-4.5"
      params:
        "tools.-1": {"type": "web_search"}
  filter:
    - models:
        - name: "gemini-2.5-pro"
          protocol: "gemini"
      params:
        - "generationConfig.thinkingConfig.thinkingBudget"
        - "generationConfig.responseJsonSchema"
`;

describe('payload rules in a config', () => {
  it('of the Go program load without a word', () => {
    const { config, warnings, ignoredKeys } = load(goExample);
    expect([warnings, ignoredKeys]).toEqual([[], []]);
    expect(config.payload.default).toMatchObject([{ models: [{ match: [{ 'metadata.client': 'codex' }] }], params: { 'generationConfig.thinkingConfig.thinkingBudget': 32_768 } }]);
    expect(config.payload['override-raw']).toMatchObject([{ params: { 'tools.-1': { type: 'web_search' } } }]);
  });

  it('as docs/payload.md shows them load without a word', () => {
    const page = readFileSync(join(resolve(import.meta.dirname, '../../..'), 'docs/payload.md'), 'utf8');
    const { config, warnings, ignoredKeys } = load(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
    expect([warnings, ignoredKeys]).toEqual([[], []]);
    expect(config.payload.filter).toHaveLength(1);
  });

  it('keep nulls, numbers and nested values as they are written', () => {
    const { config } = load(overriding('{ a: null, b: [null, 1.5, {c: yes}], d: "007" }'));
    expect(config.payload.override[0]?.params).toEqual({ a: null, b: [null, 1.5, { c: 'yes' }], d: '007' });
  });

  it.each(['model', 'stream', 'Model', 'STREAM', 'model.name', ':model', String.raw`\model`, String.raw`m\odel`, 'stream.x'])('that write %s are refused, with the reason', (path) => {
    const [problem] = problemsOf(overriding(`{ '${path}': x }`));
    expect(problem).toMatch(/^error c\.yaml:1:\d+ payload\.override\.0\.params\.\S+: must not change `[A-Za-z]+`, which /);
  });

  it.each(['model', 'stream'])('that remove %s are refused', (path) => {
    expect(problemsOf(`payload: { filter: [{ models: [{ name: m }], params: [a, ${path}] }] }`)).toEqual([expect.stringMatching(new RegExp(`payload\\.filter\\.0\\.params\\.1: must not change \`${path}\``))]);
  });

  it('may not point to what another caller made upstream, but may drop such a reference', () => {
    expect(problemsOf(overriding('{ previous_response_id: r, conversation: c }'))).toEqual([expect.stringContaining('must not set `previous_response_id`'), expect.stringContaining('must not set `conversation`')]);
    expect(problemsOf('payload: { filter: [{ models: [{ name: m }], params: [previous_response_id] }] }')).toEqual([]);
  });

  it('name rule and path of raw JSON that is none', () => {
    expect(problemsOf("payload:\n  default-raw:\n    - models: [{name: a}]\n      params: {x: '{}'}\n    - models: [{name: a}]\n      params:\n        text.format: '{\"type\":'\n        y: high\n        z:\n")).toEqual([
      expect.stringMatching(/^error c\.yaml:7:22 payload\.default-raw\.1\.params\.text\.format: must be JSON text/),
      expect.stringMatching(/^error c\.yaml:8:12 payload\.default-raw\.1\.params\.y: must be JSON text/),
      expect.stringMatching(/^error c\.yaml:9:\d+ payload\.default-raw\.1\.params\.z: must be JSON text/),
    ]);
  });

  it.each(['.nan', '.inf', '[1, {a: -.inf}]'])('with the value %s are refused: JSON has no form for it', (value) => {
    expect(problemsOf(overriding(`{ a: ${value} }`))).toEqual([expect.stringContaining('payload.override.0.params.a: has a value that JSON cannot carry')]);
  });

  it('that lead to a prototype are refused, at any depth', () => {
    expect(problemsOf(overriding('{ __proto__: {a: 1}, a.__proto__.b: 1, ":__proto__": 1 }'))).toEqual(Array.from({ length: 3 }, () => expect.stringContaining('its path names `__proto__`')));
  });

  it('with a protocol that means nothing are refused; one of the Go program that is not served is a warning', () => {
    expect(problemsOf(conditioned('protocol: chatgpt'))).toEqual([expect.stringMatching(/^error .*payload\.filter\.0\.models\.0\.protocol: must be one of openai, codex, claude, gemini, antigravity/)]);
    expect(problemsOf(conditioned('from-protocol: antigravity'))).toEqual([expect.stringContaining('from-protocol: is a protocol that no client speaks')]);
    expect(problemsOf(conditioned('protocol: Interactions'))).toEqual([expect.stringMatching(/^warning .*is not served here/)]);
    expect(problemsOf(conditioned('protocol: OpenAI-Response, from-protocol: Claude'))).toEqual([]);
  });

  it('without models or params are reported as without effect', () => {
    expect(problemsOf('payload: { override: [{ params: {a: 1} }], default: [{ models: [{ name: m }] }], filter: [{ models: [{ name: m }] }] }')).toEqual([
      expect.stringMatching(/^warning .*payload\.override\.0: has no `models`/),
      expect.stringMatching(/^warning .*payload\.default\.0: has no `params`/),
      expect.stringMatching(/^warning .*payload\.filter\.0: has no `params`/),
    ]);
  });

  it('of the wrong form are refused at their place', () => {
    expect(problemsOf('payload: { override: [{ models: [{ protocol: openai }], params: [a] }], filter: [{ models: [{ name: m }], params: {a: 1} }] }')).toEqual([
      expect.stringContaining('payload.override.0.models.0.name: is missing'),
      expect.stringContaining('payload.override.0.params: must be a section with names and values'),
      expect.stringContaining('payload.filter.0.params: must be a list'),
    ]);
  });

  it('check the paths of conditions too', () => {
    expect(problemsOf(conditioned('exist: ["a.*"], not-exist: ["a|b"], match: [{"a.#": 1}], not-match: [{"a..b": 1}]'))).toEqual([
      expect.stringContaining('exist.0: its path `a.*` holds `*`'),
      expect.stringContaining('not-exist.0: its path `a|b` holds `|`'),
      expect.stringContaining('match.0.a.#: its path holds `#` by itself'),
      expect.stringContaining('not-match.0.a..b: its path has an empty part'),
    ]);
  });

  it('are shown with their numbers; texts that look like secrets are masked', () => {
    const text = 'payload:\n  override:\n    - models: [{name: m}]\n      params: {max_tokens: 128000, thinking: {budget_tokens: 5}, mcp: {authorization: "canary-0123456789"}}\n';
    expect(maskYamlText(text)).toBe(text.replace('canary-0123456789', 'cana…6789'));
    const shown = JSON.stringify(maskedConfig(load(text)));
    expect(shown).toContain('"max_tokens":128000,"thinking":{"budget_tokens":5}');
    expect(shown).not.toContain('canary-0123456789');
  });
});

describe('a path', () => {
  const member = (name: string, index?: number | 'end'): object => ({ kind: 'member', name, index });

  it.each([
    ['a', [member('a')]],
    ['a.b-c', [member('a'), member('b-c')]],
    ['tools.0.x', [member('tools'), member('0', 0), member('x')]],
    ['tools.-1', [member('tools'), member('-1', 'end')]],
    ['users.:7', [member('users'), member('7')]],
    [String.raw`fav\.movie.x\\y`, [member('fav.movie'), member(String.raw`x\y`)]],
    [String.raw`a\*\#\@`, [member('a*#@')]],
    ['a.#(b==1)', [member('a'), { kind: 'query', takesAll: false, query: [[{ path: [member('b')], operator: '==', value: '1' }]] }]],
    ['a.#(b.c="x.(y)" && d!="\\"z" || e)#.f', [member('a'), { kind: 'query', takesAll: true, query: [[{ path: [member('b'), member('c')], operator: '==', value: 'x.(y)' }, { path: [member('d')], operator: '!=', value: '"z' }], [{ path: [member('e')], operator: undefined, value: '' }]] }, member('f')]],
    ['a.#(%"x*")', [member('a'), { kind: 'query', takesAll: false, query: [[{ path: [], operator: '%', value: 'x*' }]] }]],
  ])('%s is understood', (text, steps) => {
    expect(parsePayloadPath(text)).toEqual({ ok: true, value: steps });
  });

  it.each([
    '', '.a', 'a.', 'a..b', 'a\\', 'a*', 'a?', 'a|b', '@reverse', 'a.@this', '{a,b}', '[a]', 'tools[0]', 'a.#', 'a.#.b', 'a.#(', 'a.#(b==1', 'a.#(b==1)x', 'a.#()', 'a.#(b==)', 'a.#(b=="x)', "a.#(b=='x')", 'a.#(b==~true)',
    'a.#(b.#(c==1))', 'a.#(b!1)', 'a.#(b==1 &&)', 'a.1000', 'a.99999999999', '__proto__', 'a.:__proto__', 'x'.repeat(513), Array.from({ length: 33 }, () => 'a').join('.'),
  ])('%s is refused', (text) => {
    expect(parsePayloadPath(text)).toMatchObject({ ok: false, error: expect.any(String) });
  });
});
