import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes each job a machine of its own, which act does not: programs that stand before the real ones in PATH give it a
 * home below its RUNNER_TEMP, take the identity token from jobs that may not have one, and start nothing any more on a
 * machine that has died.
 */
export interface Machines {
  /** To be the first folder of PATH. */
  readonly path: string;
  /** Ends everything that runs in a job, at once, and everything that is started in it later. */
  kill(job: string): void;
}

/** The programs with which act starts a step. */
const STARTED = { node: process.execPath, bash: '/bin/bash', sh: '/bin/sh' } as const;

export interface MachinesOptions {
  /** Of one run. */
  readonly folder: string;
  /** The jobs that may ask who they are. */
  readonly withIdentity: readonly string[];
  /** Where hosts of the outside world are answered, by name. */
  readonly outside: Readonly<Record<string, string>>;
}

/** Writes the programs that make machines of the jobs of one run. */
export function createMachines({ folder, withIdentity, outside }: MachinesOptions): Machines {
  const path = join(folder, 'bin');
  const dead = join(folder, 'dead');
  const identity = join(folder, 'identity');
  for (const made of [path, dead, identity]) mkdirSync(made, { recursive: true });
  for (const job of withIdentity) writeFileSync(join(identity, job), '');
  for (const [name, real] of Object.entries(STARTED)) {
    const file = join(path, name);
    writeFileSync(file, startProgram({ own: file, real, inJob: startOf(name, real, outside), dead, identity }));
    chmodSync(file, 0o755);
  }
  return {
    path,
    kill(job) {
      writeFileSync(join(dead, job), '');
      // Numbers of runs are those of this test alone, and others run beside it.
      killProcesses([`GITHUB_JOB=${job}`, `RUNNER_TEMP=${folder}/`]);
    },
  };
}

function startOf(name: string, real: string, outside: Readonly<Record<string, string>>): string {
  if (name !== 'node') return `exec '${real}' "$@"`;
  const preload = join(import.meta.dirname, 'outside.js');
  return `HOLDFAST_OUTSIDE='${JSON.stringify(outside)}' exec '${real}' --import '${preload}' "$@"`;
}

interface StartProgram {
  /** Its own path, that of the program it stands before, and what starts that in a job. */
  readonly own: string;
  readonly real: string;
  readonly inJob: string;
  readonly dead: string;
  readonly identity: string;
}

function startProgram({ own, real, inJob, dead, identity }: StartProgram): string {
  // What a step starts with a clean environment is no step: it goes through as it is.
  // Not sh: dash drops variables such as INPUT_GITHUB-TOKEN. For its actions act asks Node where it lies, and starts that.
  return `#!/bin/bash
for last; do :; done
if [ "$last" = 'console.log(process.execPath)' ]; then
  echo '${own}'
  exit
fi
if [ -n "$GITHUB_JOB" ] && [ -n "$RUNNER_TEMP" ]; then
  [ ! -e '${dead}'/"$GITHUB_JOB" ] || exit 137
  HOME="$RUNNER_TEMP/home"
  mkdir -p "$HOME"
  export HOME
  if [ -e '${identity}'/"$GITHUB_JOB" ]; then
    case "$ACTIONS_ID_TOKEN_REQUEST_URL" in
      *"&job="*) ;;
      *) export ACTIONS_ID_TOKEN_REQUEST_URL="$ACTIONS_ID_TOKEN_REQUEST_URL&job=$GITHUB_JOB" ;;
    esac
  else
    unset ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN
  fi
  ${inJob}
fi
exec '${real}' "$@"
`;
}

/** Ends every process whose environment or command line holds all of these texts, also those that start meanwhile. */
export function killProcesses(marks: readonly string[]): void {
  for (let found = true; found; ) {
    found = false;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const environment = readEnvironment(pid);
      if (!marks.every((mark) => environment.includes(mark)) || Number(pid) === process.pid) continue;
      try {
        process.kill(Number(pid), 'SIGKILL');
        found = existsSync(`/proc/${pid}`) || found;
      } catch {
        // Gone in the meantime.
      }
    }
  }
}

/** Empty for one that is gone, or is dead and not yet reaped. */
function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
