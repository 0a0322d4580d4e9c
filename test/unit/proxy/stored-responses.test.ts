import { describe, expect, it } from 'vitest';
import type { StoredResponse } from '../../../internal/proxy/ports.ts';
import { transcriptOf } from '../../../internal/proxy/stored-responses.ts';
import { createMemoryResponseStore } from '../../../internal/storage/memory/response-store.ts';

const turn = (id: string, previousId: string | undefined, more: Partial<StoredResponse> = {}): StoredResponse => ({
  id,
  principalId: 'ann',
  previousId,
  response: { id },
  input: [{ role: 'user', content: `ask ${id}` }],
  output: [{ role: 'assistant', content: `answer ${id}` }],
  ...more,
});

describe('the conversation behind a stored response', () => {
  it('has every turn, oldest first', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined), turn('b', 'a'), turn('c', 'b')]) store.save(each);
    expect(transcriptOf(store, 'c', 'ann')?.items.map(({ content }) => content)).toEqual(['ask a', 'answer a', 'ask b', 'answer b', 'ask c', 'answer c']);
  });

  it('is not known when a turn of it was removed: a part of it would pass for the whole', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined), turn('b', 'a')]) store.save(each);
    store.remove('a', 'ann');
    expect(transcriptOf(store, 'b', 'ann')).toBeUndefined();
  });

  it('is not known to others, not even where one of its turns is theirs', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined, { principalId: 'ben' }), turn('b', 'a')]) store.save(each);
    expect(transcriptOf(store, 'b', 'ben')).toBeUndefined();
    expect(transcriptOf(store, 'b', 'ann')).toBeUndefined();
  });

  it('that turns in a circle ends', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', 'b'), turn('b', 'a')]) store.save(each);
    expect(transcriptOf(store, 'b', 'ann')).toBeUndefined();
  });
});
