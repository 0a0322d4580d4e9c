import { describe, expect, it } from 'vitest';
import { findListedModel, renderModelList } from '../../../internal/proxy/model-lists.ts';
import { catalogueDate } from '../../../internal/routing/catalogue.ts';
import { tableOf } from '../../support/config.ts';

const createdSeconds = Date.parse(catalogueDate) / 1_000;
const compat = (name: string, more: object = {}) => ({ name, 'base-url': `https://${name}.example/v1`, ...more });
const two = tableOf({ 'openai-compatibility': [compat('router', { models: [{ name: 'z' }, { name: 'vendor/a' }], 'api-key-entries': [{ 'api-key': 'sk-test-0123456789-1' }] })] });
const empty = tableOf({});
const anyone = {};

describe('the list of models', () => {
  it('in OpenAI’s form has exactly four members a model', () => {
    expect(renderModelList(two, 'openai', anyone)).toEqual({
      object: 'list',
      data: [
        { id: 'vendor/a', object: 'model', created: createdSeconds, owned_by: 'router' },
        { id: 'z', object: 'model', created: createdSeconds, owned_by: 'router' },
      ],
    });
  });

  it('in Anthropic’s form is one page', () => {
    expect(renderModelList(two, 'anthropic', anyone)).toMatchObject({ data: [{ type: 'model', id: 'vendor/a', display_name: 'vendor/a', created_at: `${catalogueDate}T00:00:00Z` }, { id: 'z' }], has_more: false, first_id: 'vendor/a', last_id: 'z' });
  });

  it('in Gemini’s form says how each is called', () => {
    const list = renderModelList(tableOf({ 'gemini-api-key': [{ 'api-key': 'AIza-0123456789-abc', models: [{ name: 'gemini-3.6-flash' }, { name: 'gemini-embedding-001' }] }] }), 'gemini', anyone);
    expect(list).toMatchObject({
      models: [
        { name: 'models/gemini-3.6-flash', displayName: 'gemini-3.6-flash', supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'] },
        { name: 'models/gemini-embedding-001', supportedGenerationMethods: ['embedContent', 'batchEmbedContents', 'countTokens'] },
      ],
    });
  });

  it('in Gemini’s form offers what is translated for models of other dialects, and no embedding of theirs', () => {
    const table = tableOf({ 'openai-compatibility': [compat('other', { models: [{ name: 'a-chat' }, { name: 'b-embedding' }] })] });
    expect(renderModelList(table, 'gemini', anyone)).toMatchObject({ models: [{ supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'] }, { supportedGenerationMethods: [] }] });
  });

  it.each(['openai', 'anthropic', 'gemini'] as const)('in the form %s has what the caller may use and nothing else', (form) => {
    const listed = JSON.stringify(renderModelList(two, form, { holders: [{ id: 'key_a', grant: { models: ['vendor/*'] } }] }));
    expect([listed.includes('vendor/a'), listed.includes('"z"')]).toEqual([true, false]);
    expect(renderModelList(two, form, { holders: [{ id: 'key_a', grant: { models: [] } }] })).toEqual(renderModelList(empty, form, anyone));
  });

  it('without accounts is empty in every form', () => {
    expect(renderModelList(empty, 'openai', anyone)).toEqual({ object: 'list', data: [] });
    expect(renderModelList(empty, 'anthropic', anyone)).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
    expect(renderModelList(empty, 'gemini', anyone)).toEqual({ models: [] });
  });
});

describe('one model', () => {
  it.each(['openai', 'anthropic', 'gemini'] as const)('looks in the form %s as it does in the list', (form) => {
    const listed = Object.values(renderModelList(two, form, anyone)).find((value) => Array.isArray(value));
    expect(listed).toContainEqual(findListedModel(two, 'vendor/a', form));
  });

  it('that routes without being listed is shown; one that routes nowhere is not', () => {
    const open = tableOf({ 'openai-compatibility': [compat('local')] });
    expect(findListedModel(open, 'llama3:8b', 'openai')).toMatchObject({ id: 'llama3:8b', owned_by: 'local' });
    expect(findListedModel(two, 'llama3:8b', 'openai')).toBeUndefined();
    expect(findListedModel(two, '', 'openai')).toBeUndefined();
  });

  it('of a disabled account is not shown', () => {
    expect(findListedModel(tableOf({ 'openai-compatibility': [compat('off', { disabled: true })] }), 'm', 'openai')).toBeUndefined();
  });
});
