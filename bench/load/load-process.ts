import { join } from 'node:path';
import * as v from 'valibot';
import type { Child, Children } from '../process/children.ts';
import {
  abortsResult,
  jobAnswer,
  pairedResult,
  streamsResult,
  throughputResult,
  type AbortsJob,
  type AbortsResult,
  type Job,
  type PairedJob,
  type PairedResult,
  type StreamsJob,
  type StreamsResult,
  type ThroughputJob,
  type ThroughputResult,
} from './jobs.ts';

/** The bench's end of the load process. Jobs run one at a time; asking for two at once is a mistake of the bench. */
export class LoadProcess {
  readonly #child: Child;
  #lastId = 0;

  constructor(child: Child) {
    this.#child = child;
  }

  async throughput(job: Omit<ThroughputJob, 'kind'>): Promise<ThroughputResult> {
    return v.parse(throughputResult, await this.#ask({ kind: 'throughput', ...job }));
  }

  async paired(job: Omit<PairedJob, 'kind'>): Promise<PairedResult> {
    return v.parse(pairedResult, await this.#ask({ kind: 'paired', ...job }));
  }

  async streams(job: Omit<StreamsJob, 'kind'>): Promise<StreamsResult> {
    return v.parse(streamsResult, await this.#ask({ kind: 'streams', ...job }));
  }

  async aborts(job: Omit<AbortsJob, 'kind'>): Promise<AbortsResult> {
    return v.parse(abortsResult, await this.#ask({ kind: 'aborts', ...job }));
  }

  #ask(job: Job): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { process } = this.#child;
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`the load process ended: ${this.#child.lastWords()}`));
      const onMessage = (message: unknown): void => {
        const answer = v.parse(jobAnswer, message);
        if (answer.id !== id) return;
        process.off('message', onMessage);
        process.off('exit', onExit);
        if (answer.ok) resolve(answer.result);
        else reject(new Error(answer.message));
      };
      process.on('message', onMessage);
      process.on('exit', onExit);
      process.send({ id, job });
    });
  }
}

export async function startLoad(children: Children, folder: string): Promise<LoadProcess> {
  const program = join(import.meta.dirname, '../load.ts');
  const { child } = await children.forkProgram(program, [], { cwd: folder, env: {}, outputPath: join(folder, 'load.log') });
  return new LoadProcess(child);
}
