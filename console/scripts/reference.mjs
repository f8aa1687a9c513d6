// Writes docs/api.html, the reference page of the API, from contracts/openapi.yaml; with --check
// it only says whether the page is current.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const SOURCE = new URL('../../contracts/openapi.yaml', import.meta.url);
const PAGE = new URL('../../docs/api.html', import.meta.url);
const METHODS = ['get', 'post', 'patch', 'delete', 'head', 'options'];

// The contract is our own: its many aliases are no attack.
const api = parse(readFileSync(SOURCE, 'utf8'), { maxAliasCount: -1 });

const escapeHtml = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The little Markdown that descriptions use: code, bold, tables, paragraphs. */
function prose(text = '') {
  const inline = (line) =>
    escapeHtml(line)
      .replace(/`([^`]+)`/g, '<code>$1</code>')
      .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');
  const blocks = text.trim().split(/\n\s*\n/);
  return blocks
    .map((block) => {
      const lines = block.split('\n');
      if (!lines[0].startsWith('|')) return `<p>${inline(block)}</p>`;
      const rows = lines
        .filter((line) => !/^\|[-|]+\|$/.test(line))
        .map((line) => line.slice(1, -1).split('|'))
        .map(
          (cells) => `<tr>${cells.map((cell) => `<td>${inline(cell.trim())}</td>`).join('')}</tr>`,
        );
      return `<table>${rows.join('\n')}</table>`;
    })
    .join('\n');
}

const resolve = (node) =>
  node.$ref
    ? node.$ref
        .slice(2)
        .split('/')
        .reduce((at, key) => at[key], api)
    : node;
const nameOf = (ref) => ref.split('/').pop();

/** A type in words, with its limits; named schemas are links. */
function type(schema) {
  if (!schema || Object.keys(schema).length === 0) return 'bytes';
  if (schema.$ref) return `<a href="#${nameOf(schema.$ref)}">${nameOf(schema.$ref)}</a>`;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(type).join(' or ');
  if (schema.const !== undefined) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`;
  if (schema.enum) {
    return schema.enum
      .map((value) => `<code>${escapeHtml(JSON.stringify(value))}</code>`)
      .join(' ');
  }
  const base = [schema.type].flat().filter(Boolean).join(' or ');
  if (base.startsWith('array')) return `list of ${type(schema.items)}`;
  const limits = [
    schema.format,
    schema.minimum !== undefined && `≥ ${schema.minimum}`,
    schema.maximum !== undefined && `≤ ${schema.maximum}`,
    schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean);
  return escapeHtml([base, ...limits].join(', '));
}

function fields(schema) {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return '';
  const rows = properties.map(([name, value]) => {
    const needed = schema.required?.includes(name) ? '' : ' <em>optional</em>';
    const nested = value.properties ? fields(value) : '';
    return `<tr><td><code>${name}</code>${needed}</td><td>${type(value)}${nested}</td><td>${prose(value.description)}</td></tr>`;
  });
  return `<table>${rows.join('\n')}</table>`;
}

function parameters(list) {
  if (list.length === 0) return '';
  const rows = list.map(resolve).map(({ name, in: place, required, schema, description }) => {
    const needed = required ? '' : ' <em>optional</em>';
    return `<tr><td><code>${name}</code> in ${place}${needed}</td><td>${type(schema)}</td><td>${prose(description)}</td></tr>`;
  });
  return `<h4>Parameters</h4><table>${rows.join('\n')}</table>`;
}

function content(media) {
  return Object.entries(media ?? {})
    .map(([mime, { schema }]) => `<code>${escapeHtml(mime)}</code> ${type(schema)}`)
    .join('<br>');
}

function responses(list) {
  const rows = Object.entries(list).map(([status, node]) => {
    const { description, content: media } = resolve(node);
    return `<tr><td>${status}</td><td>${prose(description)}</td><td>${content(media)}</td></tr>`;
  });
  return `<h4>Responses</h4><table>${rows.join('\n')}</table>`;
}

function operation(path, method, shared, spec) {
  const body = spec.requestBody
    ? `<h4>Body</h4><p>${content(resolve(spec.requestBody).content)}</p>`
    : '';
  return `<section id="${spec.operationId}">
<h3><b>${method.toUpperCase()}</b> ${escapeHtml(path)}</h3>
<p><strong>${escapeHtml(spec.summary)}</strong></p>
${prose(spec.description)}
${parameters([...shared, ...(spec.parameters ?? [])])}${body}${responses(spec.responses)}
</section>`;
}

function operationsOf(tag) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag)).map((method) =>
      operation(path, method, item.parameters ?? [], item[method]),
    ),
  );
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color-scheme:light dark}table{border-collapse:collapse;width:100%;margin:.5rem 0}
td{border-top:1px solid #8884;padding:.3rem .6rem .3rem 0;vertical-align:top}p{margin:.3rem 0}
h3{margin-top:2.5rem;font-family:monospace;font-size:1rem}h3 b{color:#0a7d6f}h4{margin:1rem 0 0}
em{opacity:.65;font-size:.9em}section{scroll-margin:1rem}`;

function page() {
  const groups = api.tags.map(
    ({ name, description }) =>
      `<h2>${name}</h2><p>${escapeHtml(description)}</p>${operationsOf(name).join('\n')}`,
  );
  const schemas = Object.entries(api.components.schemas).map(
    ([name, schema]) =>
      `<section id="${name}"><h3>${name}</h3>${prose(schema.description)}${fields(schema) || `<p>${type(schema)}</p>`}</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(api.info.title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(api.info.title)}</h1>
<p>Generated from <code>contracts/openapi.yaml</code> by <code>npm run generate</code> in
<code>console/</code>.</p>
${prose(api.info.description)}
${groups.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}
</body></html>
`;
}

const text = page();
if (process.argv.includes('--check')) {
  if (readFileSync(PAGE, 'utf8') !== text) {
    console.error('docs/api.html is not current: npm run generate');
    process.exit(1);
  }
} else {
  writeFileSync(PAGE, text);
}
