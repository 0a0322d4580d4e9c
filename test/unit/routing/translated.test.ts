import { describe, expect, it } from 'vitest';
import type { Dialect, Operation } from '../../../internal/dialect/dialect.ts';
import type { RouteQuery } from '../../../internal/routing/ports.ts';
import { dialectFor } from '../../../internal/routing/serving.ts';
import { entry, failed, query, setUp, success, times, type Routing } from './fixture.ts';

const messages: RouteQuery = { ...query, dialect: 'anthropic-messages', operation: 'messages' };
const generating: readonly (readonly [Dialect, Operation])[] = [['openai-chat', 'chat'], ['openai-responses', 'responses'], ['anthropic-messages', 'messages'], ['gemini', 'gemini-generate']];
const shareOf = (labels: readonly string[], label: string): number => labels.filter((each) => each.startsWith(label)).length;

/** Three vendors of three dialects that serve the model `m`: `compat` openai-chat, `claude` anthropic-messages, `gemini` gemini. */
function mixed(more: { readonly compat?: object; readonly claude?: object; readonly gemini?: object } = {}, settings: object = {}): Routing {
  const keyed = (key: string, given: object = {}) => [{ 'api-key': `${key}-0123456789-abc`, models: [{ name: `m-of-${key}`, alias: 'm' }], ...given }];
  return setUp([entry('compat', more.compat)], { 'claude-api-key': keyed('sk-ant', more.claude), 'gemini-api-key': keyed('AIza', more.gemini), ...settings });
}

describe('accounts that are asked in other dialects', () => {
  it.each(generating)('take turns like all others, for a client of %s', (dialect, operation) => {
    const { take } = mixed();
    const labels = times(9, () => take(success, { ...query, dialect, operation }));
    expect(['compat', 'claude', 'gemini'].map((label) => shareOf(labels, label))).toEqual([3, 3, 3]);
  });

  it.each(generating)('have their weights, for a client of %s', (dialect, operation) => {
    const { take } = mixed({ compat: { weight: 5 }, claude: { weight: 3 }, gemini: { weight: 0 } }, { routing: { strategy: 'weighted-round-robin' } });
    const labels = times(40, () => take(success, { ...query, dialect, operation }));
    expect(['compat', 'claude', 'gemini'].map((label) => shareOf(labels, label))).toEqual([25, 15, 0]);
  });

  it('are filled first, by their place, and passed over while they cool', () => {
    const { take } = mixed({}, { routing: { strategy: 'fill-first' } });
    const [first = ''] = times(1, () => take(success, messages));
    expect(times(3, () => take(success, messages))).toEqual([first, first, first]);
    take(failed(429, 60_000), messages);
    expect(take(success, messages)).not.toBe(first);
  });

  it('are counted by least-busy over all dialects', () => {
    const { begin } = mixed({}, { routing: { strategy: 'least-busy' } });
    const labels = generating.flatMap(([dialect, operation]) => [1, 2, 3].map(() => begin({ ...query, dialect, operation }).account.label));
    expect(['compat', 'claude', 'gemini'].map((label) => shareOf(labels, label))).toEqual([4, 4, 4]);
  });

  it('go by priority, not by whether they need translation', () => {
    const { take } = mixed({ compat: { priority: 5 } });
    expect(times(3, () => take(success, messages))).toEqual(['compat', 'compat', 'compat']);
  });

  it('are reached by prefix, by it alone where that is forced', () => {
    const { take } = mixed({ claude: { prefix: 'team' } }, { 'force-model-prefix': true });
    expect(new Set(times(6, () => take(success, { ...query, model: 'team/m' })))).toEqual(new Set(['claude (sk-a…-abc)']));
    expect(shareOf(times(6, () => take(success, messages)), 'claude')).toBe(0);
  });

  it('make a pool with others under one alias, each with its own upstream name', () => {
    const { begin } = mixed();
    const candidates = [begin(messages), begin(messages), begin(messages)];
    expect(candidates.map(({ upstreamModel }) => upstreamModel).toSorted()).toEqual(['m', 'm-of-AIza', 'm-of-sk-ant']);
    expect(candidates.map(({ account }) => dialectFor(account, messages) ?? 'none').toSorted()).toEqual(['anthropic-messages', 'gemini', 'openai-chat']);
  });

  it('that cool for one dialect\'s clients cool for those of all: the upstream model is the same', () => {
    const { take } = setUp([], { 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789-abc' }] });
    take(failed(429, 60_000), { ...query, model: 'claude-x' });
    expect(take(success, { ...messages, model: 'claude-x' })).toBe('429 model_cooldown');
  });

  it('whose endpoint does not know the model are passed over by whoever would end there', () => {
    const { take } = mixed();
    const labels = times(3, () => take(success, query));
    const claude = labels.findIndex((label) => label.startsWith('claude'));
    for (let i = 0; i <= claude; i++) take(i === claude ? failed(404) : success, query);
    expect(shareOf(times(6, () => take(success, messages)), 'claude')).toBe(0);
  });

  it('are left out where the operation cannot be translated', () => {
    const { take } = mixed();
    expect(times(3, () => take(success, { ...query, operation: 'embeddings' }))).toEqual(['compat', 'compat', 'compat']);
    expect(shareOf(times(3, () => take(success, { ...query, dialect: 'gemini', operation: 'gemini-embed' })), 'gemini')).toBe(3);
  });
});
