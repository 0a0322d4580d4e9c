import { expect, it } from 'vitest';
import { countStates } from '../../../internal/daemon/account-states.ts';

it('an account whose login needs a person counts as that while its last token serves, unless it is switched off', () => {
  const states = [
    { accountId: 'a', state: 'ready' },
    { accountId: 'b', state: 'cooling' },
    { accountId: 'c', state: 'disabled' },
    { accountId: 'd', state: 'ready' },
  ] as const;
  expect(countStates(states, (accountId) => accountId !== 'd')).toEqual({ ready: 1, cooling: 0, needs_login: 2, disabled: 1 });
});
