import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Sshd, startSshd } from './sshd.ts';

const run = promisify(execFile);

export interface Host {
  readonly address: string;
  /** Its HOME: on a real host it would be its own, here it keeps the hosts apart. */
  readonly home: string;
  readonly sshd: Sshd;
  /** As if somebody pulled its cable. */
  unplug(): Promise<void>;
  plugIn(): Promise<void>;
  /** Runs a program in the network of this host. */
  inside(program: string, ...args: string[]): Promise<string>;
}

export interface Hosts {
  readonly hosts: readonly Host[];
  readonly port: number;
  close(): Promise<void>;
}

const SSH_PORT = 22;

/**
 * Several hosts with networks of their own on one computer: a namespace each, joined by a bridge, with a real sshd. They
 * share processes and disk. Needs root and iproute2; throws, and so fails the test, where it cannot be done.
 */
export async function startHosts(count: number): Promise<Hosts> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-hosts-'));
  const id = Math.random().toString(36).slice(2, 7);
  const net = `10.${77 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`;
  const bridge = `hfb${id}`;
  const ip = (...args: string[]) => run('ip', args);
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('addr', 'add', `${net}.254/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  const hosts: Host[] = [];
  for (let number = 1; number <= count; number += 1) {
    const name = `hf${id}${number}`;
    const link = `hfl${id}${number}`;
    const address = `${net}.${number}`;
    const home = join(folder, `host${number}`);
    await mkdir(home);
    await ip('netns', 'add', name);
    await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('link', 'set', link, 'master', bridge, 'up');
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    await ip('-n', name, 'link', 'set', 'eth0', 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    const sshd = await startSshd([`SetEnv HOME=${home}`], {
      address,
      port: SSH_PORT,
      namespace: name,
      ...(hosts[0] === undefined ? {} : { authorizedKeys: hosts[0].sshd.publicKey }),
    });
    hosts.push({
      address,
      home,
      sshd,
      unplug: async () => void (await ip('link', 'set', link, 'down')),
      plugIn: async () => void (await ip('link', 'set', link, 'up')),
      inside: async (...command) => (await ip('netns', 'exec', name, ...command)).stdout,
    });
  }
  return {
    hosts,
    port: SSH_PORT,
    async close() {
      for (const [index, { sshd }] of hosts.entries()) {
        await sshd.stop();
        await ip('netns', 'del', `hf${id}${index + 1}`);
      }
      await ip('link', 'del', bridge);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
