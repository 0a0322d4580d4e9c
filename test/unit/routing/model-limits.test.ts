import { describe, expect, it } from 'vitest';
import type { Holder } from '../../../internal/clients/grant.ts';
import { mayUse, refuseDisallowedModel } from '../../../internal/routing/model-limits.ts';
import { tableOf } from '../../support/config.ts';
import { entry, query, setUp } from './fixture.ts';

const holding = (models: readonly string[] | undefined): readonly Holder[] => [{ id: 'key_a', grant: { models } }];

describe('what a caller may use', () => {
  it.each<[readonly string[] | undefined, string, boolean]>([
    [undefined, 'anything', true],
    [[], 'anything', false],
    [['*'], 'team/anything', true],
    [['gpt-4o'], 'gpt-4o', true],
    [['gpt-4o'], 'gpt-4o-mini', false],
    [['gpt-4o'], 'GPT-4o', false],
    [['gpt-*'], 'gpt-4o', true],
    [['gpt-*'], 'team/gpt-4o', false],
    [['team/*'], 'team/gpt-4o', true],
    [['team/*'], 'gpt-4o', false],
    [['*-mini', 'claude-*'], 'claude-x', true],
    [['a*b*c'], 'a-b-b-c', true],
    [['a*b*c'], 'a-c-b', false],
    [['ab*ba'], 'aba', false],
    [['gpt.4o'], 'gpt-4o', false],
    [[''], 'gpt-4o', false],
  ])('with %j, %s: %s', (models, model, expected) => {
    expect(mayUse({ holders: holding(models) }, model)).toBe(expected);
  });

  it('is refused with 403, and the name is shown harmless', () => {
    expect(refuseDisallowedModel('gpt-4o')).toMatchObject({ status: 403, code: 'model_not_allowed', fields: { param: 'model' }, message: 'This key may not use the model "gpt-4o"; `GET /v1/models` lists what it may.' });
    expect(refuseDisallowedModel('x\u001b[2J\n').message).toMatch(/^[ -~]+$/);
  });

  it('bounds what near names tell', () => {
    const table = tableOf({ 'openai-compatibility': [entry('a', { models: [{ name: 'llama-3-70b' }, { name: 'llama-3-8b' }] })] });
    expect(table.nearNames('llama-3-7b')).toHaveLength(2);
    expect(table.nearNames('llama-3-7b', holding(['*-8b', '*-7b']))).toEqual(['llama-3-8b']);
    const { refusal } = setUp([entry('a', { models: [{ name: 'llama-3-70b' }, { name: 'llama-3-8b' }] })]);
    expect(refusal({ ...query, model: 'llama-3-7b', holders: holding(['*-8b', '*-7b']) }).message).toBe('No account serves the model "llama-3-7b". Did you mean "llama-3-8b"?');
  });
});
