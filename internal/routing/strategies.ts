import type { Candidate, Strategy } from './ports.ts';

/** What strategies remember and see; one for each model and dialect asked. */
export interface Turns {
  /** Round-robin's cursor. */
  next: number;
  /** Smooth weighted round-robin's running weights, by account id. */
  readonly weights: Map<string, number>;
}

/** Picks one of at least one candidate of equal priority. Pure but for `turns`. */
export function chooseByStrategy(strategy: Strategy, candidates: readonly Candidate[], turns: Turns, openCount: (accountId: string) => number): Candidate | undefined {
  switch (strategy) {
    case 'fill-first':
      return candidates[0];
    case 'round-robin': {
      const chosen = candidates[turns.next % candidates.length];
      turns.next = (turns.next + 1) % 1_000_000_007;
      return chosen;
    }
    case 'least-busy': {
      const fewest = Math.min(...candidates.map((each) => openCount(each.account.id)));
      return chooseByStrategy('round-robin', candidates.filter((each) => openCount(each.account.id) === fewest), turns, openCount);
    }
    case 'weighted-round-robin':
      return chooseByWeight(candidates, turns.weights);
  }
}

/** Each turn adds every weight to its running sum; the largest sum is chosen and pays the total (nginx's smooth scheme). */
function chooseByWeight(candidates: readonly Candidate[], sums: Map<string, number>): Candidate | undefined {
  let chosen: Candidate | undefined;
  let largest = -Infinity;
  let total = 0;
  for (const candidate of candidates) {
    const { id, weight } = candidate.account;
    if (weight <= 0) continue;
    total += weight;
    const sum = (sums.get(id) ?? 0) + weight;
    sums.set(id, sum);
    if (sum > largest) {
      largest = sum;
      chosen = candidate;
    }
  }
  if (chosen !== undefined) sums.set(chosen.account.id, largest - total);
  return chosen;
}
