import { networkInterfaces } from 'node:os';

/**
 * An IPv4 address of this machine that is not loopback. A connection to it stays inside the machine, yet its peer is not
 * local. Undefined where the machine has none.
 */
export function findFarAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}
