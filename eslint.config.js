import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

const may = (project, ...others) => ({
  sourceTag: `project:${project}`,
  onlyDependOnLibsWithTags: [project, ...others].map((name) => `project:${name}`),
})

/** Who may import whom: docs/architecture.md. */
const boundaries = {
  core: may('core'),
  'http-client': may('http-client', 'core'),
  service: may('service', 'core'),
  redis: may('redis', 'core'),
  jobs: may('jobs', 'core', 'redis'),
  database: may('database', 'core'),
  testkit: may('testkit', 'core', 'database'),
  simulators: may('simulators'),
  clients: may('clients', 'core', 'http-client'),
  networks: may('networks', 'core', 'http-client'),
  storages: may('storages', 'core', 'http-client'),
  workers: may('workers', 'core', 'networks', 'jobs', 'redis', 'clients', 'http-client', 'service'),
  platform: may('platform', 'core', 'storages', 'database', 'redis', 'clients', 'http-client', 'service'),
  conductor: may('conductor', 'core', 'networks', 'jobs', 'redis', 'clients', 'service'),
  accounts: may('accounts', 'core', 'clients', 'database', 'redis', 'http-client', 'service', 'networks', 'storages'),
  web: may('web', 'core', 'clients', 'service', 'http-client', 'networks', 'storages'),
}

const tests = ['**/*.test.ts', '**/tests/**']
const harness = ['scripts/**', 'e2e/**', 'bench/**', 'libs/testkit/**', ...tests]

const environment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Read the environment in config.ts alone and pass what it says down.',
}

const unboundedJson = {
  selector: "CallExpression[callee.property.name='json'][arguments.length=0]",
  message: 'Whoever names the server chooses the size: use fetchJson, or readText with a bound.',
}

const ownFace = { group: ['./index.ts'], message: 'index.ts is the public face: import the file that has it.' }
const neighbour = { group: ['../*'], message: 'An adapter reaches the port through @asheville/core, never its neighbour.' }
const queueLibrary = { group: ['bullmq', '@bull-board/api/bullMQAdapter*'], message: 'The queue library is touched in libs/jobs alone.' }

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/.data/**', '.nx/**', 'coverage/**', '**/public/**', '**/fixtures/**'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          banTransitiveDependencies: true,
          depConstraints: Object.values(boundaries),
          // Their tests use testkit, which uses them; the constraints keep everything else of them away from it.
          ignoredCircularDependencies: [
            ['@asheville/core', '@asheville/testkit'],
            ['@asheville/database', '@asheville/testkit'],
          ],
        },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', environment],
      'no-restricted-imports': ['error', { patterns: [ownFace, queueLibrary] }],
    },
  },
  { files: ['**/config.ts', ...harness], rules: { 'no-restricted-syntax': 'off' } },
  // Tests and benchmarks look at what it does from outside.
  { files: ['libs/jobs/**', ...harness], rules: { 'no-restricted-imports': ['error', { patterns: [ownFace] }] } },
  {
    files: ['libs/networks/src/*/**', 'libs/storages/src/*/**'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [neighbour, queueLibrary] }],
      'no-restricted-syntax': ['error', environment, unboundedJson],
    },
  },
  { files: tests, rules: { '@nx/enforce-module-boundaries': 'off', 'no-restricted-imports': 'off' } },
  { files: ['scripts/**', 'e2e/**', 'bench/**'], rules: { '@nx/enforce-module-boundaries': 'off', 'no-console': 'off' } },
  { files: ['**/*.js'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
)
