import { parseArgs } from 'node:util';
import { measure } from '../test/unit/routing/simulation/measure.ts';
import { renderKinds, renderRuns } from '../test/unit/routing/simulation/report.ts';
import { manyAccounts, single, storm } from '../test/unit/routing/simulation/scenarios.ts';
import { simulate } from '../test/unit/routing/simulation/world.ts';

/*
 * `node scripts/simulate-routing.ts`: the router over hours of virtual time with upstreams that fail in every way
 * docs/routing.md lists; prints the tables that stand there.
 *   --seed   of arrivals and faults (default: as in the tests)
 *   --hours  of virtual time (default: each run's own)
 */

const { values } = parseArgs({ options: { seed: { type: 'string' }, hours: { type: 'string' } } });
const given = { ...(values.seed === undefined ? {} : { seed: Number(values.seed) }), ...(values.hours === undefined ? {} : { hours: Number(values.hours) }) };
const runs = [...manyAccounts, storm, single].map((scenario) => ({ scenario, figures: measure(simulate({ ...scenario, ...given })) }));
process.stdout.write(`${renderRuns(runs)}\nThe faults of the first run:\n\n${renderKinds(runs[0]?.figures.byKind ?? [])}`);
