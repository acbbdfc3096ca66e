import { checks } from './checks.ts';
import { cycles } from './cycles.ts';
import { hosts } from './hosts.ts';
import { paths, ports } from './places.ts';
import { alerts, freezes } from './policy.ts';
import { references } from './references.ts';
import type { Rule } from './rule.ts';
import { services } from './services.ts';

/** All rules; their order does not matter, problems are sorted by line. */
export const RULES: readonly Rule[] = [services, references, cycles, ports, hosts, paths, checks, freezes, alerts];
