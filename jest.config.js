/** Native ES modules: packages such as jose and openid-client come as nothing else. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{apps,libs}/*/{src,tests}/**/*.test.ts', '<rootDir>/{scripts,e2e,bench}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/\\.data/', '<rootDir>/\\.nx/'],
  testPathIgnorePatterns: ['/node_modules/', ...(process.env.ASHEVILLE_PEERS === '1' ? [] : ['\\.peer\\.test\\.ts$'])],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript' },
          transform: { verbatimModuleSyntax: true },
        },
      },
    ],
  },
  setupFilesAfterEnv: ['<rootDir>/scripts/try-twice.js'],
  testSequencer: '<rootDir>/scripts/longest-first.js',
  maxWorkers: 3,
  testTimeout: 20_000,
}
