import type { Strategy } from './ports.ts';

/** The turns of one group of candidates. Changed by choosing; all else here is pure. */
export interface Turns {
  /** Where the next turn begins. */
  next: number;
  readonly weights: Float64Array;
  /** Running sums of smooth weighted round-robin. */
  readonly sums: Float64Array;
}

/** What a strategy may know of the candidates, by their place in the group. */
export interface Choices {
  readonly count: number;
  readonly isEligible: (index: number) => boolean;
  readonly openCount: (index: number) => number;
}

/** The place of the one to use, or -1 when none is eligible. Allocates nothing. */
export function choose(strategy: Strategy, turns: Turns, choices: Choices): number {
  switch (strategy) {
    case 'fill-first':
      return chooseFirst(choices);
    case 'round-robin':
      return chooseNext(turns, choices);
    case 'least-busy':
      return chooseLeastBusy(turns, choices);
    case 'weighted-round-robin':
      return chooseByWeight(turns, choices);
  }
}

/** The places in the order in which they would be chosen if each were tried in turn now. Takes no turn. */
export function orderNow(strategy: Strategy, { next, weights, sums }: Turns, choices: Choices): readonly number[] {
  const turns: Turns = { next, weights, sums: sums.slice() };
  const order: number[] = [];
  const taken = new Set<number>();
  const left: Choices = { ...choices, isEligible: (index) => !taken.has(index) && choices.isEligible(index) };
  for (let place = choose(strategy, turns, left); place >= 0; place = choose(strategy, turns, left)) {
    taken.add(place);
    order.push(place);
  }
  return order;
}

function chooseFirst({ count, isEligible }: Choices): number {
  for (let i = 0; i < count; i++) if (isEligible(i)) return i;
  return -1;
}

/** The first eligible one from where the last turn ended: skipping one gives its neighbour no second turn. */
function chooseNext(turns: Turns, { count, isEligible }: Choices): number {
  for (let step = 0; step < count; step++) {
    const i = (turns.next + step) % count;
    if (!isEligible(i)) continue;
    turns.next = (i + 1) % count;
    return i;
  }
  return -1;
}

function chooseLeastBusy(turns: Turns, { count, isEligible, openCount }: Choices): number {
  let chosen = -1;
  let fewest = Infinity;
  for (let step = 0; step < count && fewest > 0; step++) {
    const i = (turns.next + step) % count;
    const open = openCount(i);
    if (open >= fewest || !isEligible(i)) continue;
    chosen = i;
    fewest = open;
  }
  if (chosen >= 0) turns.next = (chosen + 1) % count;
  return chosen;
}

/** Each turn adds every eligible weight to its sum; the largest sum is chosen and pays the total (nginx's smooth scheme). */
function chooseByWeight({ weights, sums }: Turns, { count, isEligible }: Choices): number {
  let chosen = -1;
  let largest = -Infinity;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i] ?? 0;
    if (weight <= 0 || !isEligible(i)) continue;
    total += weight;
    const sum = (sums[i] ?? 0) + weight;
    sums[i] = sum;
    if (sum <= largest) continue;
    largest = sum;
    chosen = i;
  }
  if (chosen >= 0) sums[chosen] = largest - total;
  return chosen;
}
