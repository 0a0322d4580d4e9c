import { parseArgs } from 'node:util';

export const phases = ['fresh', 'throughput', 'latency', 'streams', 'aborts'] as const;
export type Phase = (typeof phases)[number];

/** How long and how often; every number is per target. */
export interface Plan {
  readonly name: 'full' | 'quick';
  readonly warmMs: number;
  readonly rounds: number;
  readonly smallMs: number;
  readonly largeMs: number;
  readonly burstMs: number;
  readonly pairBlocks: number;
  readonly pairsPerBlock: number;
  /** Pairs of short streams, for the first byte. */
  readonly streamPairsPerBlock: number;
  readonly starts: number;
  readonly idleMs: number;
  readonly crowdStreams: number;
  readonly crowdRepeats: number;
  readonly abortClients: number;
}

const full: Plan = {
  name: 'full',
  warmMs: 45_000,
  rounds: 4,
  smallMs: 10_000,
  largeMs: 5_000,
  burstMs: 5_000,
  pairBlocks: 5,
  pairsPerBlock: 1_000,
  streamPairsPerBlock: 150,
  starts: 5,
  idleMs: 2_000,
  crowdStreams: 512,
  crowdRepeats: 2,
  abortClients: 50,
};

const quick: Plan = { ...full, name: 'quick', warmMs: 3_000, rounds: 3, smallMs: 2_000, largeMs: 1_500, burstMs: 1_500, pairBlocks: 3, pairsPerBlock: 400, streamPairsPerBlock: 60, starts: 3, idleMs: 1_000, crowdRepeats: 1 };

export interface Options {
  readonly plan: Plan;
  readonly isForced: boolean;
  readonly isWriting: boolean;
  /** The socket bench in place of everything else. */
  readonly isSocketsOnly: boolean;
  /** The bench of credentials in place of everything else. */
  readonly isCredentialsOnly: boolean;
  readonly mayInstall: boolean;
  /** Empty for all. */
  readonly targets: readonly string[];
  readonly phases: readonly Phase[];
  /** The command that repeats this run. */
  readonly command: string;
}

export const helpText = `npm run bench -- [options]

  --quick            3 s of warm-up and short rounds instead of 45 s and long ones; figures are rougher
  --force            run although the machine is busy (load average above 0.7)
  --write            put the tables into docs/performance.md
  --targets a,b      only these: floor, nginx, portkey, keyward-open, keyward, keyward-managed, keyward-login, keyward-translated, keyward-100k (direct always runs)
  --sockets          WebSockets alone: memory of open ones, a turn against HTTP with SSE; takes --write and --force
  --credentials      checks of keys and tokens, a million keys, issuing tokens; takes --quick, --write and --force
  --phases a,b       only these: ${phases.join(', ')}
  --no-install       do not install the compared package into bench/peers/node_modules
  --help
`;

/** Undefined asks for the help text. Throws a readable Error on wrong usage. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      sockets: { type: 'boolean', default: false },
      credentials: { type: 'boolean', default: false },
      targets: { type: 'string', default: '' },
      phases: { type: 'string', default: '' },
      'no-install': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const wanted = splitList(values.phases);
  const unknown = wanted.find((name) => !phases.some((phase) => phase === name));
  if (unknown !== undefined) throw new Error(`--phases: there is no '${unknown}'; there are ${phases.join(', ')}`);
  return {
    plan: values.quick ? quick : full,
    isForced: values.force,
    isWriting: values.write,
    isSocketsOnly: values.sockets,
    isCredentialsOnly: values.credentials,
    mayInstall: !values['no-install'],
    targets: splitList(values.targets),
    phases: wanted.length === 0 ? phases : phases.filter((phase) => wanted.includes(phase)),
    command: ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
  };
}

function splitList(text: string): readonly string[] {
  return text.split(',').filter((part) => part !== '');
}
