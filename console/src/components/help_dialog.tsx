import { Dialog } from './dialog';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search, or find within a transcript'],
  ['j  k', 'next and previous passage, segment or person'],
  ['Enter', 'open what is selected'],
  ['Space', 'play and pause'],
  ['[  ]', 'slower and faster'],
  ['c', 'copy the selected passage as a quote'],
  ['Esc', 'back'],
  ['?', 'this list'],
];

const QUERIES: readonly (readonly [string, string])[] = [
  ['tide harbour', 'either word; both rank higher'],
  ['"high tide"', 'exactly these words in a row'],
  ['tide AND (moon OR sun)', 'AND, OR, NOT and brackets, in capitals'],
  ['harbo*', 'words that begin so'],
  ['speaker:"Ada Lovelace"', 'only what that speaker says'],
  ['lang:en after:2026-01-01', 'only English, only since then'],
];

function Table({ rows, caption }: { rows: typeof KEYS; caption: string }) {
  return (
    <section className="help-section">
      <h3>{caption}</h3>
      <dl className="help-list">
        {rows.map(([term, meaning]) => (
          <div key={term}>
            <dt>
              <kbd>{term}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Keys and queries">
      <Table rows={KEYS} caption="Keys" />
      <Table rows={QUERIES} caption="Queries" />
    </Dialog>
  );
}
