import { beforeEach, expect, it } from 'vitest';
import { parseExact } from '../../internal/dialect/ir/exact-json.ts';
import { isRecord, listOf } from '../../internal/dialect/ir/json.ts';
import type { ResponseStore, StoredResponse } from '../../internal/proxy/ports.ts';

const stored: StoredResponse = {
  id: 'resp_1',
  principalId: 'ann',
  previousId: undefined,
  response: { id: 'resp_1', object: 'response', status: 'completed' },
  input: [{ type: 'message', role: 'user', content: 'hi – ☕' }],
  output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello.' }] }],
};

/** What every store of responses promises. */
export function responseStoreContract(open: () => ResponseStore): void {
  let store: ResponseStore;
  beforeEach(() => {
    store = open();
  });

  it('a response is found as it was kept', () => {
    store.save(stored);
    store.save({ ...stored, id: 'resp_2', previousId: 'resp_1' });
    expect(store.find('resp_1', 'ann')).toEqual(stored);
    expect(store.find('resp_2', 'ann')?.previousId).toBe('resp_1');
  });

  it('a turn is measured without being read: input and output as JSON, and what it follows', () => {
    store.save(stored);
    store.save({ ...stored, id: 'resp_2', previousId: 'resp_1' });
    const bytes = Buffer.byteLength(JSON.stringify(stored.input)) + Buffer.byteLength(JSON.stringify(stored.output));
    expect(store.measure('resp_1', 'ann')).toEqual({ previousId: undefined, bytes });
    expect(store.measure('resp_2', 'ann')).toEqual({ previousId: 'resp_1', bytes });
    for (const [id, who] of [['resp_1', 'ben'], ['resp_3', 'ann']] as const) expect(store.measure(id, who)).toBeUndefined();
  });

  it('numbers keep every digit', () => {
    const input: unknown = parseExact('[{"n":12345678901234567890.5}]');
    store.save({ ...stored, input: listOf(input).filter(isRecord) });
    expect(JSON.stringify(store.find('resp_1', 'ann')?.input)).toBe('[{"n":12345678901234567890.5}]');
  });

  it('for anybody else it does not exist, and they cannot remove it', () => {
    store.save(stored);
    expect(store.find('resp_1', 'ben')).toBeUndefined();
    expect(store.remove('resp_1', 'ben')).toBe(false);
    expect(store.find('resp_1', 'ann')).toEqual(stored);
  });

  it('the first of an id stays', () => {
    store.save(stored);
    store.save({ ...stored, principalId: 'ben', response: {} });
    expect(store.find('resp_1', 'ann')).toEqual(stored);
    expect(store.find('resp_1', 'ben')).toBeUndefined();
  });

  it('a removed one is gone', () => {
    store.save(stored);
    expect(store.remove('resp_1', 'ann')).toBe(true);
    expect(store.find('resp_1', 'ann')).toBeUndefined();
    expect(store.remove('resp_1', 'ann')).toBe(false);
  });
}
