import { useState } from 'react';
import { Button } from '../../components/button';
import { Icon } from '../../components/icon';
import { Segmented } from '../../components/segmented';
import type { UrlPatch } from '../../components/use_url_state';
import { formatDate, formatLanguage } from '../../format';
import { MODES, type SearchState, SOURCES } from './search_state';

const MODE_NAMES = {
  hybrid: { label: 'Both', hint: 'Passages with these words, and passages that mean it' },
  lexical: { label: 'Words', hint: 'Passages with these words' },
  semantic: { label: 'Meaning', hint: 'Passages that mean it, in any words' },
} as const;

export const SOURCE_NAMES = {
  upload: 'Uploaded',
  external_url: 'From the web',
  youtube: 'YouTube',
} as const;

// Those that search knows the word forms of come first in people's minds; any code works in the
// address.
const LANGUAGES = ['en', 'de', 'es', 'fr', 'it', 'pt', 'nl', 'sv', 'ja', 'zh', 'th'];

interface FiltersProps {
  state: SearchState;
  onChange: (patch: UrlPatch) => void;
}

interface ChipsProps extends FiltersProps {
  speakerName: string | null; // of the speaker that is filtered by, when known
}

export function Filters({ state, speakerName, onChange }: ChipsProps) {
  const [open, setOpen] = useState(false);
  return (
    <div className="filters">
      <Segmented
        label="Search by"
        value={state.mode}
        choices={MODES.map((mode) => ({ value: mode, ...MODE_NAMES[mode] }))}
        onChange={(mode) => onChange({ mode: mode === 'hybrid' ? null : mode })}
      />
      <Button icon="filter" look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        Filters
      </Button>
      <FilterChips state={state} speakerName={speakerName} onChange={onChange} />
      {open && <FilterFields state={state} onChange={onChange} />}
    </div>
  );
}

function FilterFields({ state, onChange }: FiltersProps) {
  const languages = LANGUAGES.includes(state.language)
    ? LANGUAGES
    : [...LANGUAGES, state.language].filter(Boolean);
  return (
    <div className="filter-fields">
      <select
        className="select"
        aria-label="Language"
        value={state.language}
        onChange={(event) => onChange({ language: event.target.value })}
      >
        <option value="">Any language</option>
        {languages.map((code) => (
          <option key={code} value={code}>
            {formatLanguage(code)}
          </option>
        ))}
      </select>
      <select
        className="select"
        aria-label="Origin"
        value={state.source}
        onChange={(event) => onChange({ source: event.target.value })}
      >
        <option value="">Any origin</option>
        {SOURCES.map((source) => (
          <option key={source} value={source}>
            {SOURCE_NAMES[source]}
          </option>
        ))}
      </select>
      <label className="date-field">
        <span>Published from</span>
        <input
          type="date"
          value={state.from}
          max={state.to || undefined}
          onChange={(event) => onChange({ from: event.target.value })}
        />
      </label>
      <label className="date-field">
        <span>until before</span>
        <input
          type="date"
          value={state.to}
          min={state.from || undefined}
          onChange={(event) => onChange({ to: event.target.value })}
        />
      </label>
    </div>
  );
}

/** What narrows the search now, each with a way to take it away. */
function FilterChips({ state, speakerName, onChange }: ChipsProps) {
  const chips = [
    state.speaker && { name: 'speaker', label: speakerName ?? 'one speaker' },
    state.language && { name: 'language', label: formatLanguage(state.language) },
    state.source && { name: 'source', label: SOURCE_NAMES[state.source] },
    state.from && { name: 'from', label: `from ${formatDate(state.from)}` },
    state.to && { name: 'to', label: `before ${formatDate(state.to)}` },
  ].filter((chip) => chip !== '');
  if (chips.length === 0) return null;
  return (
    <ul className="chips" aria-label="Active filters">
      {chips.map(({ name, label }) => (
        <li key={name}>
          <button type="button" className="chip" onClick={() => onChange({ [name]: null })}>
            {label}
            <Icon name="close" size={13} />
            <span className="visually-hidden">, remove</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
