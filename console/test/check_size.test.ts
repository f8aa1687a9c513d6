// @vitest-environment node
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../scripts/check_size.mjs', import.meta.url));

/** A build whose first load imports a chunk of so many bytes, and loads another one later. */
function build(importedBytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'check-size-'));
  mkdirSync(join(folder, '.vite'));
  const manifest = {
    'index.html': { file: 'index.js', imports: ['_a.js'], dynamicImports: ['later.tsx'] },
    '_a.js': { file: 'a.js', imports: ['index.html'] },
    'later.tsx': { file: 'later.js', imports: ['_a.js'] },
  };
  writeFileSync(join(folder, '.vite/manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'index.js'), 'start()');
  writeFileSync(join(folder, 'a.js'), randomBytes(importedBytes));
  writeFileSync(join(folder, 'later.js'), randomBytes(500_000));
  return folder;
}

test.each([
  [150_000, 0],
  [250_000, 1],
])('a first load of %d bytes ends with %d', (bytes, code) => {
  expect(spawnSync(process.execPath, [SCRIPT, build(bytes)]).status).toBe(code);
});
