// Who may import whom: one rule per line of the table "Imports" in src/README.md. Type-only imports count unless a rule says otherwise.

const CAPABILITIES = 'alert|authorize|backup|compliance|deploy|init|inspect|promote|recover|rollback|run|validate';
const ENGINES = 'checks|environment|journal|ledger|machines|sources|stores|targets';
/** The outermost folders: they start the program and hand the real effects in. */
const ENTRIES = 'codegen|demo|hosts';

const OWN = '^src/$1/';
const CORE = '^src/core/';
const PLATFORM = '^src/platform/';
const ENGINE = `^src/(?:${ENGINES})/`;
const CAPABILITY = `^src/(?:${CAPABILITIES})/`;
/** The shape of a loaded configuration: what every action is handed. */
const CONFIGURATION = '^src/config/(?:configuration|readable)[.]ts$';
const PACKAGES = '(?:^|/)node_modules/';
/** Modules of Node that reach the world: files, processes, network, time, the machine. Pure ones (path, crypto, stream, zlib) do not. */
const EFFECTS =
  '^(?:node:)?(?:child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|os|perf_hooks|process|repl|sqlite|timers|tls|tty|v8|vm|wasi|worker_threads)(?:/|$)';

/** `from` may import what `may` lists and nothing else of ours or of npm; Node's own modules have a rule of their own. */
const only = (name, from, may, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: may, dependencyTypesNot: ['core'] },
});

/** Nobody outside of `except` imports `to`. */
const closed = (name, to, except, comment, toMore = {}) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(?:src|actions)/', ...(except.length === 0 ? {} : { pathNot: except }) },
  to: { path: to, ...toMore },
});

export default {
  forbidden: [
    {
      name: 'core-imports-only-zod',
      comment: 'core is the vocabulary: it depends on nothing but zod',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: [CORE, `${PACKAGES}zod/`] },
    },
    only(
      'config-imports-core-and-settings',
      '^src/(config)/',
      [OWN, CORE, '^src/.+/settings[.]ts$', `${PACKAGES}(?:zod|yaml|fastest-levenshtein)/`],
      'config puts the settings.ts of each capability and engine together',
    ),
    {
      name: 'settings-import-only-settings',
      comment: 'config imports every settings.ts: they may not pull the code of a capability in',
      severity: 'error',
      from: { path: '^src/.+/settings[.]ts$' },
      to: { pathNot: [CORE, '^src/.+/settings[.]ts$', `${PACKAGES}zod/`] },
    },
    only(
      'report-imports-core',
      '^src/(report)/',
      [OWN, CORE, `${PACKAGES}(?:zod|picocolors)/`],
      'report holds pure renderers',
    ),
    only(
      'platform-imports-node-actions-axios-core',
      '^src/(platform)/',
      [OWN, CORE, `${PACKAGES}(?:@actions|axios|jose|p-retry)/`],
      'platform holds the real effects, one file each',
    ),
    {
      name: 'holder-program-stands-alone',
      comment: 'it is sent to servers as one file, so it imports modules of Node and types',
      severity: 'error',
      from: { path: '^src/platform/holder-program[.]ts$' },
      to: { dependencyTypesNot: ['core', 'type-only'] },
    },
    only(
      'engines-import-core-and-engines',
      `^src/(${ENGINES})/`,
      [ENGINE, CORE, PLATFORM, CONFIGURATION, PACKAGES],
      'an engine knows other engines, never a capability',
    ),
    only(
      'capabilities-import-core-and-engines',
      `^src/(${CAPABILITIES})/`,
      [OWN, CORE, ENGINE, PLATFORM, CONFIGURATION, PACKAGES],
      'capabilities meet in pipeline; what two of them share lives in core',
    ),
    only(
      'pipeline-imports-capabilities',
      '^src/(pipeline)/',
      [OWN, CORE, CAPABILITY, ENGINE, PLATFORM, CONFIGURATION, PACKAGES],
      'pipeline is the only place where capabilities meet',
    ),
    only(
      'hosts-import-platform-config-report-core',
      '^src/(hosts)/',
      [OWN, CORE, PLATFORM, '^src/config/', '^src/report/', PACKAGES, '^actions/main[.]ts$'],
      'a host runs any action and knows none',
    ),
    {
      name: 'only-the-program-starts-from-actions',
      comment: 'src/hosts/main.ts hands the list of actions to the host; no other file of a host knows an action',
      severity: 'error',
      from: { path: '^src/hosts/', pathNot: '^src/hosts/main[.]ts$' },
      to: { path: '^actions/' },
    },
    {
      name: 'actions-import-no-effects-of-platform',
      comment: 'actions wire; the host hands the effects in',
      severity: 'error',
      from: { path: '^actions/' },
      to: { path: PLATFORM, dependencyTypesNot: ['type-only'] },
    },
    closed(
      'platform-by-type-only',
      PLATFORM,
      [PLATFORM, `^src/(?:${ENTRIES})/`],
      'functions take the slice of Platform that they use; write "import type"',
      { dependencyTypesNot: ['type-only'] },
    ),
    closed(
      'configuration-by-type-only',
      CONFIGURATION,
      ['^src/config/', `^src/(?:${ENTRIES})/`, '^actions/'],
      'the loaded configuration is handed in; write "import type"',
      { dependencyTypesNot: ['type-only'] },
    ),
    closed('codegen-is-imported-by-nobody', '^src/codegen/', ['^src/codegen/'], 'codegen may import anything'),
    closed(
      'demo-is-imported-by-actions',
      '^src/demo/',
      ['^src/demo/', '^actions/'],
      'the demo is a program of its own',
    ),
    closed(
      'effects-of-node-in-platform-and-hosts',
      EFFECTS,
      [PLATFORM, `^src/(?:${ENTRIES})/`],
      'files, processes, network and time are reached through Platform',
      { dependencyTypesNot: ['type-only'] },
    ),
    closed(
      'effects-of-packages-in-platform-and-hosts',
      `${PACKAGES}(?:@actions|axios|jose|log-update|commander)/`,
      [PLATFORM, `^src/(?:${ENTRIES})/`],
      'these packages touch the network, the terminal or the process',
    ),
    {
      name: 'folders-of-src-are-known',
      comment: 'a new folder under src is named in .dependency-cruiser.js, as a capability or an engine',
      severity: 'error',
      from: {
        path: '^src/[^/]+/',
        pathNot: `^src/(?:${CAPABILITIES}|${ENGINES}|${ENTRIES}|config|core|pipeline|platform|report)/`,
      },
      to: {},
    },
    {
      name: 'no-cycles',
      comment: 'a file that needs itself cannot be read top down; types may refer to one another',
      severity: 'error',
      from: { path: '^(?:src|actions)/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-names-without-meaning',
      comment: 'utils, helpers and common say nothing: name the idea',
      severity: 'error',
      from: {},
      to: { path: '/(?:utils?|helpers?|common)(?:/|[.][jt]s$)', pathNot: PACKAGES },
    },
    {
      name: 'no-development-packages',
      comment:
        'what ships needs the packages that it imports: list them under dependencies, but for those that only the bundle of the actions holds',
      severity: 'error',
      from: { path: '^(?:src|actions)/', pathNot: '^src/codegen/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
        // A command line that is installed never loads them, and they bring 200 MB.
        pathNot: '^node_modules/@actions/(?:artifact|cache|exec)/',
      },
    },
    {
      name: 'no-missing-files',
      comment: 'the import leads nowhere',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no API for tools; swc reads `.ts` and tells type-only imports apart.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    // Stubs of the published actions: they start the bundle, which is built and not kept here.
    exclude: { path: '^(?:actions/[^/]+/index[.]js$|dist/)' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
