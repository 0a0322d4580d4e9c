import { describe, expect, it } from 'vitest';
import { createTurnMemories, type RememberedTurn } from '../../../internal/websocket/turn-memory.ts';

const turn = (bytes: number): RememberedTurn => ({ items: [Buffer.alloc(bytes)], afterId: undefined });

describe('what sockets remember', () => {
  it('is found by its id on its own socket alone', () => {
    const memories = createTurnMemories(() => 1_000);
    const [one, other] = [memories.open(() => 1_000), memories.open(() => 1_000)];
    const kept = turn(10);
    one.remember('resp_1', kept);
    expect(one.find('resp_1')).toBe(kept);
    expect(other.find('resp_1')).toBeUndefined();
    expect(one.find('resp_2')).toBeUndefined();
  });

  it('is bounded for each socket by bytes: the oldest goes first', () => {
    const memory = createTurnMemories(() => 1_000_000).open(() => 1_000);
    for (const id of ['a', 'b', 'c']) memory.remember(id, turn(400));
    expect([memory.find('a'), memory.find('b'), memory.find('c')].map((found) => found !== undefined)).toEqual([false, true, true]);
    memory.remember('too large', turn(1_000));
    expect([memory.find('too large'), memory.find('b'), memory.find('c')].map((found) => found !== undefined)).toEqual([false, true, true]);
    memory.remember('fits', turn(900));
    expect([memory.find('fits'), memory.find('b'), memory.find('c')].map((found) => found !== undefined)).toEqual([true, false, false]);
  });

  it('is bounded for each socket by number', () => {
    const memory = createTurnMemories(() => 1_000_000).open(() => 1_000_000);
    for (let index = 0; index < 100; index++) memory.remember(`r${index}`, turn(1));
    expect(Array.from({ length: 100 }, (_, index) => memory.find(`r${index}`) !== undefined).indexOf(true)).toBe(36);
  });

  it('is bounded for all sockets together: what was longest not used goes, wherever it is', () => {
    const memories = createTurnMemories(() => 1_000);
    const [one, other] = [memories.open(() => 1_000), memories.open(() => 1_000)];
    one.remember('a', turn(300));
    other.remember('b', turn(300));
    one.remember('c', turn(300));
    expect(one.find('a')).toBeDefined();
    other.remember('d', turn(300));
    expect([one.find('a'), other.find('b'), one.find('c'), other.find('d')].map((found) => found !== undefined)).toEqual([true, false, true, true]);
    expect(memories.bytes()).toBeLessThanOrEqual(1_000);
  });

  it('follows a limit that is lowered, and is empty when its sockets have closed', () => {
    let limit = 10_000;
    const memories = createTurnMemories(() => limit);
    const [one, other] = [memories.open(() => 10_000), memories.open(() => 10_000)];
    for (const id of ['a', 'b', 'c']) one.remember(id, turn(1_000));
    other.remember('d', turn(1_000));
    limit = 1_500;
    other.remember('e', turn(400));
    expect(memories.bytes()).toBeLessThanOrEqual(1_500);
    one.forgetAll();
    other.forgetAll();
    expect(memories.bytes()).toBe(0);
    expect(other.find('e')).toBeUndefined();
  });

  it('of one id is the last that was told', () => {
    const memories = createTurnMemories(() => 1_000);
    const memory = memories.open(() => 1_000);
    memory.remember('a', turn(300));
    const newer = turn(200);
    memory.remember('a', newer);
    expect(memory.find('a')).toBe(newer);
    expect(memories.bytes()).toBe(201);
  });
});
