import type { Scenario } from './world.ts';

const minuteMs = 60_000;
const changeable = { longestFaultMs: 45 * minuteMs, longestCalmMs: 60 * minuteMs };

const many: Omit<Scenario, 'name'> = {
  seed: 20_261_124,
  hours: 12,
  models: 4,
  accountsPerModel: 6,
  steadyPerModel: 1,
  requestsPerSecond: 4,
  strategy: 'round-robin',
  hasAffinity: false,
  sessionsPerModel: 40,
  sessionMinutes: 90,
  weather: changeable,
};

/** 24 accounts of four models, five of six with a fault nearly half of the time; of two kinds, every other one translated. */
export const manyAccounts: readonly Scenario[] = [
  { ...many, name: 'round-robin' },
  { ...many, name: 'weighted-round-robin', strategy: 'weighted-round-robin' },
  { ...many, name: 'least-busy', strategy: 'least-busy' },
  { ...many, name: 'round-robin, sessions of 90 min', hasAffinity: true },
  { ...many, name: 'round-robin, sessions without end', hasAffinity: true, sessionMinutes: 0 },
];

/** No account that never fails, and hours in which all of a model fail at once. */
export const storm: Scenario = { ...many, name: 'storm: no steady account', models: 2, accountsPerModel: 4, steadyPerModel: 0, weather: { longestFaultMs: 60 * minuteMs, longestCalmMs: 30 * minuteMs } };

/** What most people have. */
export const single: Scenario = { ...many, name: 'a single account', models: 1, accountsPerModel: 1, steadyPerModel: 0, requestsPerSecond: 0.5, hours: 48 };
