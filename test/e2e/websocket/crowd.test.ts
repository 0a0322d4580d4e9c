import { expect, it } from 'vitest';
import { responseEvents } from '../../support/responses-events.ts';
import { managementSecret, startResponsesRig, user } from '../../support/responses-rig.ts';
import { answerEvents } from '../../support/scripted-upstream.ts';
import { isEnd } from '../../support/socket-client.ts';

it('200 sockets at once are served 5 turns each, in any order, and nothing of them stays', async () => {
  const rig = await startResponsesRig('log-level: warn\n');
  try {
    let count = 0;
    rig.upstream.setScript((_seen, res) => {
      const id = `resp_${++count}`;
      setTimeout(() => answerEvents(res, responseEvents({ id, text: `this is answer ${id}` })), count % 7);
    });
    const round = async (): Promise<void> => {
      const clients = await Promise.all(Array.from({ length: 200 }, () => rig.open()));
      await Promise.all(
        clients.map(async (client) => {
          let previous: unknown = null;
          for (let turn = 0; turn < 5; turn++) {
            client.send({ type: 'response.create', model: 'm', store: false, input: [user(`turn ${turn}`)], previous_response_id: previous });
            const end = await client.next(isEnd, 20_000);
            expect(end).toMatchObject({ type: 'response.completed' });
            previous = Reflect.get(Object(end['response']), 'id');
          }
          expect(client.frames.filter(({ type }) => type === 'error')).toEqual([]);
        }),
      );
      await rig.closeClients();
    };
    const showMetrics = async (): Promise<string> => (await fetch(`${rig.daemon.url}/metrics`, { headers: { authorization: `Bearer ${managementSecret}` } })).text();
    const heaps: number[] = [];
    for (let rounds = 0; rounds < 10; rounds++) {
      await round();
      heaps.push(Number(/process_heap_bytes (\d+)/.exec(await showMetrics())?.[1]));
    }
    expect(count).toBe(10_000);
    // What is left after the garbage was last collected, whenever that was.
    expect(Math.min(...heaps.slice(3))).toBeLessThan(75_000_000);
    const metrics = await showMetrics();
    expect(metrics).toMatch(/keyward_open_sockets\{endpoint="WS \/v1\/responses"\} 0\n/);
    expect(metrics).toMatch(/keyward_sockets_closed_total\{endpoint="WS \/v1\/responses",reason="client"\} 2000\n/);
    expect(rig.daemon.output()).not.toMatch(/error/i);
  } finally {
    await rig.stop();
  }
}, 90_000);
