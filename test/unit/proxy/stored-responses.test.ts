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
    expect(transcriptOf(store, 'c', 'ann', 1_000)?.map(({ content }) => content)).toEqual(['ask a', 'answer a', 'ask b', 'answer b', 'ask c', 'answer c']);
  });

  it('is not known when a turn of it was removed: a part of it would pass for the whole', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined), turn('b', 'a')]) store.save(each);
    store.remove('a', 'ann');
    expect(transcriptOf(store, 'b', 'ann', 1_000)).toBeUndefined();
  });

  it('is not known to others, not even where one of its turns is theirs', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined, { principalId: 'ben' }), turn('b', 'a')]) store.save(each);
    expect(transcriptOf(store, 'b', 'ben', 1_000)).toBeUndefined();
    expect(transcriptOf(store, 'b', 'ann', 1_000)).toBeUndefined();
  });

  it('that is larger than a request may be is refused before any of it is read', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', undefined), turn('b', 'a')]) store.save(each);
    const bytes = Buffer.byteLength(JSON.stringify(transcriptOf(store, 'b', 'ann', 1_000))) + 6;
    const unread = { ...store, find: () => expect.unreachable() };
    expect(() => transcriptOf(unread, 'b', 'ann', bytes - 20)).toThrow(expect.objectContaining({ code: 'body_too_large' }));
    expect(transcriptOf(store, 'b', 'ann', bytes)).toHaveLength(4);
  });

  it('that turns in a circle ends', () => {
    const store = createMemoryResponseStore();
    for (const each of [turn('a', 'b'), turn('b', 'a')]) store.save(each);
    expect(transcriptOf(store, 'b', 'ann', 1_000)).toBeUndefined();
  });
});
