import { expect, it } from 'vitest';
import { tryKernelLock } from '../../../internal/files/kernel-lock.ts';
import { createTokenWorld } from '../../support/token-world.ts';

it('what ends a login waits for a refresh under way, and is given the token that it brought', async () => {
  const world = createTokenWorld();
  try {
    const keeper = world.addKeeper();
    const known = await keeper.acquire(world.login.key);
    if (!known.ok) throw new Error(known.error.detail);
    world.setMood('answers', 200);
    const renewing = keeper.renew(world.login.key, known.value);
    const asked = world.addKeeper();
    while (world.sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const held = await asked.hold(world.login.key, (newest) => Promise.resolve(newest.refreshToken?.reveal()));
    expect([held, world.sent]).toEqual([{ ok: true, value: 'rt-1' }, ['rt-0']]);
    expect(await renewing).toMatchObject({ ok: true, value: { value: 'at-1' } });
  } finally {
    await world.close();
  }
});

it('nothing is ended while another process refreshes for too long, nor of a login that nobody knows', async () => {
  const world = createTokenWorld();
  await world.ledgers.prepare();
  const other = tryKernelLock(world.ledgers.lockPath(world.login.key));
  const keeper = world.addKeeper({ lockPatienceMs: 50 });
  const ended: string[] = [];
  const end = (): Promise<void> => Promise.resolve(void ended.push('ended'));
  expect(await keeper.hold(world.login.key, end)).toEqual({ ok: false, error: 'busy' });
  expect(await keeper.hold('nobody', end)).toEqual({ ok: false, error: 'unknown' });
  expect(ended).toEqual([]);
  other?.release();
  await world.close();
});
