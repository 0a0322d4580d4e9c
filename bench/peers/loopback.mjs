/*
 * Loaded before a peer that has no option for its address: whatever it listens on, it listens on 127.0.0.1.
 */
import { Server } from 'node:net';

const listen = Server.prototype.listen;

Server.prototype.listen = function listenOnLoopback(...args) {
  const [first] = args;
  const callback = args.find((each) => typeof each === 'function');
  if (typeof first === 'object' && first !== null && first.path === undefined) return listen.call(this, { ...first, host: '127.0.0.1' }, callback);
  if (typeof first === 'number' || /^\d+$/.test(String(first))) return listen.call(this, { port: Number(first), host: '127.0.0.1' }, callback);
  throw new TypeError('the bench lets peers listen on loopback TCP ports only');
};
