import { startDaemon, type RunningDaemon } from './daemon.ts';
import { answerResponse } from './responses-events.ts';
import { startScriptedUpstream, type ScriptedUpstream } from './scripted-upstream.ts';
import { openSocket, type SocketClient } from './socket-client.ts';

/** The built daemon with two client keys before one upstream that speaks Responses, for sockets. */
export interface ResponsesRig {
  readonly daemon: RunningDaemon;
  readonly upstream: ScriptedUpstream;
  /** Closed by `closeClients`. */
  readonly open: (key?: string, path?: string) => Promise<SocketClient>;
  /** From now on the upstream answers each request with a text and an id of its own. */
  readonly answerEach: () => void;
  readonly manage: (path: string, init?: RequestInit) => Promise<Response>;
  readonly closeClients: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export const ann = 'sk-ann-0123456789abcdef';
export const bob = 'sk-bob-0123456789abcdef';
export const managementSecret = 'management-secret-0123456789';

export async function startResponsesRig(more = '', head = `api-keys: ["${ann}", "${bob}"]\n`): Promise<ResponsesRig> {
  const upstream = await startScriptedUpstream(() => undefined);
  const daemon = await startDaemon({ config: `${head}remote-management: { secret-key: "${managementSecret}" }\ncodex-api-key:\n  - { api-key: "sk-up-0123456789", base-url: "${upstream.url}/v1", models: [{ name: m }, { name: upstream-name, alias: known-as }] }\n${more}` });
  const clients: SocketClient[] = [];
  let count = 0;
  const closeClients = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  return {
    daemon,
    upstream,
    open: async (key = ann, path = '/v1/responses') => {
      const client = await openSocket(`${daemon.url}${path}`, key === '' ? {} : { headers: { authorization: `Bearer ${key}` } });
      clients.push(client);
      return client;
    },
    answerEach: () => upstream.setScript((_seen, res) => answerResponse(res, { id: `resp_${++count}`, text: `answer ${count}` })),
    manage: (path, init = {}) => fetch(`${daemon.url}/v0/management${path}`, { ...init, headers: { authorization: `Bearer ${managementSecret}`, 'content-type': 'application/json' } }),
    closeClients,
    stop: async () => {
      await closeClients();
      await daemon.stop();
      await upstream.close();
    },
  };
}

export const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
export const assistant = (text: string) => ({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] });
