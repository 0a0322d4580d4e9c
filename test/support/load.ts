import { Agent, request } from 'node:http';

export interface LoadSetup {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly clientCount: number;
  /** What each kind of answer must be, byte for byte. */
  readonly plainAnswer: string;
  readonly streamedAnswer: string;
}

export interface Load {
  /** `performance.now()` of each whole and right answer. */
  readonly answeredAtMs: readonly number[];
  /** What went wrong, a line each. */
  readonly failures: readonly string[];
  /** Lets every client finish the exchange it is in. */
  readonly stop: () => Promise<void>;
}

/** Clients that ask without a pause, over connections they keep, plain and streamed by turns. */
export function startLoad(setup: LoadSetup): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: setup.clientCount });
  const answeredAtMs: number[] = [];
  const failures: string[] = [];
  const stopped = new AbortController();

  const work = async (client: number): Promise<void> => {
    for (let turn = client; !stopped.signal.aborted; turn++) {
      const isStreamed = turn % 2 === 0;
      const outcome = await exchange(agent, setup, isStreamed);
      if (outcome === (isStreamed ? setup.streamedAnswer : setup.plainAnswer)) {
        answeredAtMs.push(performance.now());
        continue;
      }
      failures.push(outcome);
      // A daemon that is gone fails at once: the other clients and the test must have their turn.
      await new Promise((next) => setImmediate(next));
    }
  };
  const clients = Array.from({ length: setup.clientCount }, (_, client) => work(client));
  return {
    answeredAtMs,
    failures,
    stop: async () => {
      stopped.abort();
      await Promise.all(clients);
      agent.destroy();
    },
  };
}

/** The body of a whole 200; anything else as a line that says what it was. */
function exchange(agent: Agent, setup: LoadSetup, isStreamed: boolean): Promise<string> {
  const { hostname, port } = new URL(setup.url);
  const body = JSON.stringify({ model: setup.model, stream: isStreamed, messages: [{ role: 'user', content: 'Hello!' }] });
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${setup.key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const req = request({ agent, hostname, port, method: 'POST', path: '/v1/chat/completions', headers }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (text += chunk));
      res.on('close', () => resolve(res.statusCode === 200 && res.complete ? text : `status ${res.statusCode}, complete ${res.complete}: ${text}`));
      res.on('error', () => undefined);
    });
    req.on('error', (error) => resolve(`no answer: ${error.message}`));
    req.end(body);
  });
}
