// Fails when the search page's first load has more script than people should wait for. Reads the
// build in dist/, or in the folder that is given.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const SCRIPT_BYTES_MAX = 200_000; // gzipped
const dist = process.argv[2]
  ? pathToFileURL(`${process.argv[2]}/`)
  : new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

/** A chunk and everything that it loads at once. */
function filesOf(name, seen = new Set()) {
  const chunk = manifest[name];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const imported of chunk.imports ?? []) filesOf(imported, seen);
  return seen;
}

const zipped = (file) => gzipSync(readFileSync(new URL(file, dist))).length;
const first = [...filesOf('index.html')];
const total = first.reduce((sum, file) => sum + zipped(file), 0);
const styles = (manifest['index.html'].css ?? []).reduce((sum, file) => sum + zipped(file), 0);

for (const [name, chunk] of Object.entries(manifest)) {
  if (!chunk.file.endsWith('.js')) continue;
  const when = first.includes(chunk.file) ? 'first load' : 'later';
  console.log(`${String(zipped(chunk.file)).padStart(8)}  ${when.padEnd(10)}  ${name}`);
}
console.log(`${String(styles).padStart(8)}  first load  styles`);
console.log(`script of the search page's first load: ${total} of ${SCRIPT_BYTES_MAX} bytes`);
if (total > SCRIPT_BYTES_MAX) {
  console.error('too much: load what the search page does not show later, with import()');
  process.exit(1);
}
